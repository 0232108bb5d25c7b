"""SAML attribute names: the usual ones for pickers, and what a service provider gets by default.

URI names are the OIDs of their LDAP attributes (SAML X.500/LDAP profile, SAML Profiles §8.2,
eduPerson, SAML2Int SDP-IDP18); basic names and those of Microsoft are for applications that ask
for them.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from idp.claims import mapping, values
from idp.claims.errors import MappingError
from idp.claims.mapping import Row
from idp.claims.values import JSON

_XMLSOAP = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims"
_MICROSOFT = "http://schemas.microsoft.com/ws/2008/06/identity/claims"


# What XML 1.0 can carry (§2.2, Char) beside surrogates, which no text of ours holds.
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


class SamlAttribute(NamedTuple):
    """One attribute of an assertion (SAML Core §2.7.3.1); each value is an element of its own."""

    name: str
    name_format: str
    friendly_name: str
    values: tuple[str, ...]


class KnownAttribute(NamedTuple):
    """One attribute that service providers ask for: its names, and where we have the value.

    `uri`: the name under NameFormat uri. `basic`: the name under NameFormat basic and FriendlyName.
    `source`, `key`: what the row reads.
    """

    uri: str
    basic: str
    label: str
    source: str
    key: str = ""


KNOWN = (
    KnownAttribute("urn:oid:0.9.2342.19200300.100.1.1", "uid", "User name", "user", "username"),
    KnownAttribute("urn:oid:0.9.2342.19200300.100.1.3", "mail", "E-mail address", "user", "email"),
    KnownAttribute(
        "urn:oid:2.16.840.1.113730.3.1.241", "displayName", "Display name", "user", "display_name"
    ),
    KnownAttribute("urn:oid:2.5.4.42", "givenName", "Given name", "user", "given_name"),
    KnownAttribute("urn:oid:2.5.4.4", "sn", "Family name", "user", "family_name"),
    KnownAttribute("urn:oid:1.3.6.1.4.1.5923.1.5.1.1", "isMemberOf", "Groups", "groups"),
    KnownAttribute("urn:oid:2.5.4.3", "cn", "Common name", "user", "display_name"),
    KnownAttribute(
        "urn:oid:1.3.6.1.4.1.5923.1.1.1.6",
        "eduPersonPrincipalName",
        "Principal name (name@domain)",
        "attribute",
        "eduPersonPrincipalName",
    ),
    KnownAttribute(
        "urn:oid:1.3.6.1.4.1.5923.1.1.1.1",
        "eduPersonAffiliation",
        "Affiliation",
        "attribute",
        "eduPersonAffiliation",
    ),
    KnownAttribute(
        "urn:oid:1.3.6.1.4.1.5923.1.1.1.9",
        "eduPersonScopedAffiliation",
        "Affiliation with its domain",
        "attribute",
        "eduPersonScopedAffiliation",
    ),
    KnownAttribute(
        "urn:oid:1.3.6.1.4.1.5923.1.1.1.7",
        "eduPersonEntitlement",
        "Entitlements",
        "attribute",
        "eduPersonEntitlement",
    ),
    KnownAttribute(
        "urn:oid:2.16.840.1.113730.3.1.3",
        "employeeNumber",
        "Employee number",
        "attribute",
        "employeeNumber",
    ),
    KnownAttribute("urn:oid:2.5.4.12", "title", "Job title", "attribute", "title"),
    KnownAttribute("urn:oid:2.5.4.10", "o", "Organisation", "attribute", "o"),
    KnownAttribute("urn:oid:2.5.4.11", "ou", "Department", "attribute", "ou"),
    KnownAttribute("urn:oid:2.5.4.20", "telephoneNumber", "Telephone", "user", "phone_number"),
    KnownAttribute(
        "urn:oid:2.16.840.1.113730.3.1.39", "preferredLanguage", "Language", "user", "locale"
    ),
    KnownAttribute("urn:oid:2.5.4.9", "street", "Street", "user", "address.street_address"),
    KnownAttribute("urn:oid:2.5.4.7", "l", "Town", "user", "address.locality"),
    KnownAttribute("urn:oid:2.5.4.17", "postalCode", "Postal code", "user", "address.postal_code"),
    KnownAttribute("urn:oid:2.5.4.6", "c", "Country", "user", "address.country"),
    KnownAttribute(f"{_XMLSOAP}/name", "name", "Name (Microsoft)", "user", "username"),
    KnownAttribute(
        f"{_XMLSOAP}/emailaddress", "emailaddress", "E-mail address (Microsoft)", "user", "email"
    ),
    KnownAttribute(
        f"{_XMLSOAP}/givenname", "givenname", "Given name (Microsoft)", "user", "given_name"
    ),
    KnownAttribute(
        f"{_XMLSOAP}/surname", "surname", "Family name (Microsoft)", "user", "family_name"
    ),
    KnownAttribute(f"{_XMLSOAP}/upn", "upn", "Principal name (Microsoft)", "user", "email"),
    KnownAttribute(f"{_MICROSOFT}/groups", "groups", "Groups (Microsoft)", "groups"),
    KnownAttribute(f"{_MICROSOFT}/role", "role", "Roles (Microsoft)", "groups"),
)


def row(known: KnownAttribute, *, basic: bool = False, position: int = 0) -> Row:
    """The mapping row that releases one of the known attributes under its URI or basic name."""
    return Row(
        claim=known.basic if basic else known.uri,
        source=known.source,
        key=known.key,
        destinations=frozenset({mapping.SAML}),
        name_format=mapping.NAME_FORMAT_BASIC if basic else mapping.NAME_FORMAT_URI,
        friendly_name=known.basic,
        position=position,
    )


def attribute(row: Row, value: JSON) -> SamlAttribute | None:
    """The attribute that a row's value becomes, None without a value; raises MappingError."""
    entries = value if isinstance(value, list) else [value]
    texts = tuple(text for text in map(_text, entries) if text)
    if not texts:
        return None
    return SamlAttribute(row.claim, row.name_format, row.friendly_name, texts)


def _text(value: JSON) -> str:
    text = values.as_text(value)
    if _NOT_XML.search(text):
        raise MappingError("A text holds a character that XML cannot carry.")
    return text


DEFAULT_NAMES = ("uid", "mail", "displayName", "givenName", "sn", "isMemberOf")
DEFAULT_ROWS = tuple(
    row(known, position=number)
    for number, known in enumerate((k for k in KNOWN if k.basic in DEFAULT_NAMES), start=1)
)
