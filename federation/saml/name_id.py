"""NameID: what a person is called at one service provider (SAML Core §2.2.3, §8.3).

Chooses the format by the request's NameIDPolicy and builds the element. Values come from the
caller: persistent ones are remembered elsewhere, transient ones are made here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from federation.saml import datatypes, errors, vocabulary, xml

MAX_VALUE = 256
# The namespaces of the two qualifiers are said only where SAML Core §8.3.7 gives them a meaning.
QUALIFIED = (vocabulary.PERSISTENT, vocabulary.TRANSIENT)


@dataclass(frozen=True, slots=True)
class NameID:
    """A name with its format and qualifiers; empty strings are left out of the element."""

    value: str
    format: str = vocabulary.UNSPECIFIED
    name_qualifier: str = ""
    sp_name_qualifier: str = ""


@dataclass(frozen=True, slots=True)
class NameIDPolicy:
    """What a request asks for (SAML Core §3.4.1.1). Empty strings, None: not said."""

    format: str = ""
    sp_name_qualifier: str = ""
    allow_create: bool | None = None


def choose_format(policy: NameIDPolicy | None, *, supported: Sequence[str], default: str) -> str:
    """Return the format to answer with (SAML Core §3.4.1.1).

    No policy, no format or `unspecified` leave it to us: the `default` of the application.
    Raises InvalidNameIDPolicy for a format that is not in `supported`.
    """
    wanted = policy.format if policy is not None else ""
    if wanted in ("", vocabulary.UNSPECIFIED):
        return default
    if wanted not in supported:
        raise errors.InvalidNameIDPolicy(f"NameID format {wanted!r}")
    return wanted


def check_qualifier(policy: NameIDPolicy | None, *, entity_id: str, affiliation: str = "") -> None:
    """Refuse a NameID in another service provider's namespace (SAML Core §3.4.1.1).

    `entity_id`: the requester's own. `affiliation`: the one that it belongs to, if to any.
    Raises InvalidNameIDPolicy.
    """
    if policy is not None and policy.sp_name_qualifier not in ("", entity_id, affiliation):
        raise errors.InvalidNameIDPolicy(f"SPNameQualifier {policy.sp_name_qualifier!r}")


def transient(value: str = "", *, issuer: str, audience: str) -> NameID:
    """Return a fresh transient NameID: another one each time (SAML Core §8.3.8).

    `value`: one that was given, to be said again.
    """
    return NameID(
        value=value or datatypes.new_id(),
        format=vocabulary.TRANSIENT,
        name_qualifier=issuer,
        sp_name_qualifier=audience,
    )


def persistent(value: str, *, issuer: str, audience: str) -> NameID:
    """Return a persistent NameID, qualified by both sides (SAML Core §8.3.7)."""
    return NameID(
        value=value,
        format=vocabulary.PERSISTENT,
        name_qualifier=issuer,
        sp_name_qualifier=audience,
    )


def add(parent: xml.Element, name_id: NameID) -> xml.Element:
    """Append the saml:NameID. Raises InvalidContent."""
    if not name_id.value or len(name_id.value) > MAX_VALUE:
        raise errors.InvalidContent("name_id", f"a NameID of {len(name_id.value)} characters")
    attributes = {
        "Format": name_id.format,
        "NameQualifier": name_id.name_qualifier,
        "SPNameQualifier": name_id.sp_name_qualifier,
    }
    said = {name: value for name, value in attributes.items() if value}
    return xml.add(parent, "saml:NameID", name_id.value, attributes=said)


def read(element: xml.Element) -> NameID:
    """Return a saml:NameID of a request, its text whole. Raises InvalidMessage."""
    return NameID(
        value=xml.text(element),
        format=element.get("Format", vocabulary.UNSPECIFIED),
        name_qualifier=element.get("NameQualifier", ""),
        sp_name_qualifier=element.get("SPNameQualifier", ""),
    )


def matches(wanted: NameID, actual: NameID) -> bool:
    """Tell whether the Subject of a request is the person it is about to get (SAML Core §3.3.4).

    Values exactly; a format or qualifier counts where the request says it.
    """
    pairs = (
        (wanted.name_qualifier, actual.name_qualifier),
        (wanted.sp_name_qualifier, actual.sp_name_qualifier),
        ("" if wanted.format == vocabulary.UNSPECIFIED else wanted.format, actual.format),
    )
    return wanted.value == actual.value and all(one in ("", other) for one, other in pairs)
