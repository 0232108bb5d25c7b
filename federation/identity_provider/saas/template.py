"""What is known of a SaaS application, and what is left to fill in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from federation.saml import vocabulary
from idp.claims.facts import USER
from idp.claims.mapping import NAME_FORMAT_UNSPECIFIED, NAME_FORMAT_URI

# One label of a DNS name, and a whole name.
LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
DOMAIN = rf"(?:{LABEL}\.)+[a-z][a-z0-9-]*[a-z0-9]"
# One segment of a path that needs no escaping.
SEGMENT = r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,98}[A-Za-z0-9])?"


class Ours(StrEnum):
    """A value of ours that a vendor asks for."""

    METADATA = "metadata"
    ENTITY_ID = "entity ID"
    SIGN_ON = "sign-on address"
    SIGN_OUT = "sign-out page"
    CERTIFICATE = "certificate"
    FINGERPRINT = "fingerprint"


class Signs(StrEnum):
    """Whether its AuthnRequests are signed; UNKNOWN where the vendor does not say."""

    NO = "no"
    OPTION = "if switched on there"
    YES = "yes"
    UNKNOWN = "the vendor does not say"


@dataclass(frozen=True, slots=True, kw_only=True)
class Placeholder:
    """What the administrator knows and we do not. `pattern`: for the whole value."""

    name: str
    label: str
    example: str
    pattern: str
    problem: str
    help: str = ""

    def fits(self, value: str) -> bool:
        """Whether a value can stand in its place: nothing that would change an address's host."""
        return len(value) <= 253 and re.fullmatch(self.pattern, value) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedAttribute:
    """One attribute that the vendor reads, and where we have it."""

    name: str
    key: str
    source: str = USER
    name_format: str = NAME_FORMAT_UNSPECIFIED
    friendly_name: str = ""
    required: bool = False


# Without any row the usual attributes would go out; this one says no more than the NameID.
MINIMAL = MappedAttribute(
    name="urn:oid:0.9.2342.19200300.100.1.3",
    key="email",
    name_format=NAME_FORMAT_URI,
    friendly_name="mail",
)


@dataclass(frozen=True, slots=True)
class VendorField:
    """One field of the vendor's own form, by the vendor's name, and what to enter."""

    label: str
    value: Ours | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A SaaS application. `{name}` stands for the value of that placeholder, nothing else.

    `documentation`: the vendor's page. `sources`: further pages that a fact was found on.
    `more_consumers`: addresses besides the default one. `starts_here`: whether the vendor says that
    it takes responses without a request. `launch_url`: where people start it.
    """

    value: str
    title: str
    documentation: str
    entity_id: str
    consumer: str
    name_id_format: str
    placeholders: tuple[Placeholder, ...] = ()
    sources: tuple[str, ...] = ()
    more_consumers: tuple[str, ...] = ()
    name_id_source: str = "username"
    attributes: tuple[MappedAttribute, ...] = ()
    signs: Signs = Signs.UNKNOWN
    logout: str = ""
    logout_binding: str = vocabulary.REDIRECT
    starts_here: bool | None = None
    launch_url: str = ""
    metadata: str = ""
    fields: tuple[VendorField, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def rows(self) -> tuple[MappedAttribute, ...]:
        """The attributes of its mapping, never none."""
        return self.attributes or (MINIMAL,)

    def fill(self, values: Mapping[str, str]) -> Filled:
        """The addresses with the administrator's values. Raises KeyError if one is missing."""
        return Filled(
            entity_id=self._filled(self.entity_id, values),
            consumers=tuple(
                self._filled(one, values) for one in (self.consumer, *self.more_consumers)
            ),
            logout=self._filled(self.logout, values),
            launch_url=self._filled(self.launch_url, values),
            metadata=self._filled(self.metadata, values),
        )

    def _filled(self, pattern: str, values: Mapping[str, str]) -> str:
        for placeholder in self.placeholders:
            pattern = pattern.replace(f"{{{placeholder.name}}}", values[placeholder.name])
        return pattern


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """The addresses of one customer's application. Empty strings: there is none."""

    entity_id: str
    consumers: tuple[str, ...]
    logout: str = ""
    launch_url: str = ""
    metadata: str = ""
