"""What mapping rows can read: the sources, their keys, and the look-up.

Keys are entries of fixed dictionaries (or of the person's custom attributes), never names of Python
attributes. A source without facts (no person: a machine; no session) gives nothing, not an error.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from operator import attrgetter

from idp.claims.person import Person
from idp.claims.values import JSON

USER, ATTRIBUTE, GROUPS = "user", "attribute", "groups"
SESSION, APPLICATION, CONSTANT = "session", "application", "constant"
SOURCES = (USER, ATTRIBUTE, GROUPS, SESSION, APPLICATION, CONSTANT)
PERSONAL_SOURCES = frozenset({USER, ATTRIBUTE, GROUPS})

ADDRESS_MEMBERS = (
    "formatted",
    "street_address",
    "locality",
    "region",
    "postal_code",
    "country",
)  # OIDC Core §5.1.1


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationFacts:
    """The application that is told.

    `id`: its client_id or entity ID.
    `scopes`: what it may ask for, granted or not; a claim requested by name needs the scope that
    holds it to be among them.
    `id_token_scope_claims`: wants the claims of granted scopes in the ID token too.
    """

    id: str
    name: str = ""
    kind: str = ""
    profile: str = ""
    scopes: Collection[str] = ()
    id_token_scope_claims: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFacts:
    """How the person signed in. `id`: the `sid` of this application, never the session's own."""

    id: str = ""
    acr: str = ""
    amr: tuple[str, ...] = ()
    auth_time: int = 0


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a row may look at for one release."""

    person: Person | None
    application: ApplicationFacts
    session: SessionFacts | None = None


def _address_member(name: str) -> Callable[[Person], JSON]:
    return lambda person: person.address.get(name)


USER_KEYS: Mapping[str, Callable[[Person], JSON]] = {
    **{
        name: attrgetter(name)
        for name in (
            "id",
            "username",
            "email",
            "email_verified",
            "name",
            "given_name",
            "family_name",
            "middle_name",
            "nickname",
            "preferred_username",
            "profile",
            "picture",
            "website",
            "gender",
            "birthdate",
            "zoneinfo",
            "locale",
            "phone_number",
            "phone_number_verified",
        )
    },
    "display_name": lambda person: person.name or person.username,
    "updated_at": lambda person: person.updated_at or None,
    "address": lambda person: dict(person.address),
    **{f"address.{name}": _address_member(name) for name in ADDRESS_MEMBERS},
}
SESSION_KEYS: Mapping[str, Callable[[SessionFacts], JSON]] = {
    "id": attrgetter("id"),
    "acr": attrgetter("acr"),
    "amr": lambda session: list(session.amr),
    "auth_time": lambda session: session.auth_time or None,
}
APPLICATION_KEYS: Mapping[str, Callable[[ApplicationFacts], JSON]] = {
    "id": attrgetter("id"),
    "name": attrgetter("name"),
    "kind": attrgetter("kind"),
    "profile": attrgetter("profile"),
}


def keys(source: str) -> tuple[str, ...] | None:
    """The keys that a source knows; None where any text is a key, () where none is wanted."""
    tables: dict[str, Collection[str]] = {
        USER: USER_KEYS,
        SESSION: SESSION_KEYS,
        APPLICATION: APPLICATION_KEYS,
        GROUPS: (),
    }
    table = tables.get(source)
    return None if table is None else tuple(table)


def look_up(facts: Facts, *, source: str, key: str) -> JSON:
    """The raw value under a source's key; None where the facts or the key do not exist."""
    if source == CONSTANT:
        return key
    if source == APPLICATION:
        read_application = APPLICATION_KEYS.get(key)
        return read_application(facts.application) if read_application else None
    if source == SESSION:
        read_session = SESSION_KEYS.get(key)
        return read_session(facts.session) if read_session and facts.session else None
    if facts.person is None:
        return None
    return of_person(facts.person, source=source, key=key)


def of_person(person: Person, *, source: str, key: str) -> JSON:
    """The raw value that one of the personal sources holds."""
    if source == GROUPS:
        return [*person.groups]
    if source == ATTRIBUTE:
        return person.attributes.get(key)
    read = USER_KEYS.get(key)
    return read(person) if source == USER and read else None
