"""What is known of a person, as plain values: the standard claims of OIDC Core §5.1 and our own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from idp.claims.values import JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One person. Empty texts mean "not known"; nobody changes the mappings in it.

    `id`: the subject identifier (`sub`, OIDC Core §2).
    `address`: members of OIDC Core §5.1.1, texts only. `attributes`: custom, any JSON.
    `updated_at`: seconds since 1970, 0 if unknown.
    """

    id: str
    username: str
    email: str = ""
    email_verified: bool = False
    name: str = ""
    given_name: str = ""
    family_name: str = ""
    middle_name: str = ""
    nickname: str = ""
    preferred_username: str = ""
    profile: str = ""
    picture: str = ""
    website: str = ""
    gender: str = ""
    birthdate: str = ""
    zoneinfo: str = ""
    locale: str = ""
    phone_number: str = ""
    phone_number_verified: bool = False
    address: Mapping[str, JSON] = field(default_factory=dict)
    groups: tuple[str, ...] = ()
    attributes: Mapping[str, JSON] = field(default_factory=dict)
    updated_at: int = 0
