"""What went out, as an administrator may read it in the trace: no value of the person.

The response as it was sent, the assertion as it reads inside the encryption, what it is signed and
encrypted with, and what the service provider asks for in its metadata and did not get.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from federation.identity_provider import evidence
from federation.identity_provider.received import printable
from federation.models import ServiceProvider
from federation.saml import assertion, datatypes, redaction
from federation.saml.assertion import Assertion, Attribute
from federation.saml.name_id import NameID
from federation.saml.response import Protection
from idp.claims import applications, saml_attributes

RESPONSE, INSIDE = "response", "assertion"
MOST_LISTED = 50


def response(xml: bytes, *, to: str) -> dict[str, Any]:
    """A response without an assertion."""
    return {"to": to, RESPONSE: printable(redaction.readable(xml))}


def facts(
    row: ServiceProvider, content: Assertion, *, protection: Protection, xml: bytes
) -> dict[str, Any]:
    """A response with `content` in it."""
    ends = content.issue_instant + content.lifetime
    given = [_attribute(one) for one in assertion.merge(content.attributes)]
    found: dict[str, Any] = {
        "to": content.recipient,
        "Audience": content.audience,
        "NameID": _name_id(content.name_id),
        "AuthnContextClassRef": content.authn_context_class_ref,
        "valid until": datatypes.format_instant(ends),
        "attributes": given[:MOST_LISTED] or ["none"],
        "asked for, but without a value": missing(row, content.attributes)[:MOST_LISTED],
        "signed": _signed(protection),
        "encrypted": _encrypted(row, protection),
        RESPONSE: printable(redaction.readable(xml)),
    }
    if protection.encrypt_to is not None:
        inside = redaction.readable_element(assertion.build(content))
        found[INSIDE] = printable(inside)
    return {name: value for name, value in found.items() if value}


def missing(row: ServiceProvider, given: Iterable[Attribute]) -> list[str]:
    """What the metadata asks for and the person has no value for, the required ones first."""
    names = {one.name for one in given if one.values}
    mapped = {one.claim for one in applications.rows(row.application) or _DEFAULT}
    asked = [one for one in row.requested_attributes if isinstance(one, dict)]
    left = [one for one in asked if one.get("name") not in names]
    left.sort(key=lambda one: not one.get("required"))
    return [_missing(one, mapped=one.get("name") in mapped) for one in left]


_DEFAULT = saml_attributes.DEFAULT_ROWS


def _missing(asked: Mapping[str, Any], *, mapped: bool) -> str:
    name = str(asked.get("friendly_name") or asked.get("name"))[:200]
    need = "required" if asked.get("required") else "optional"
    why = "its mapping row has no value for this person" if mapped else "no mapping row gives it"
    return f"{name} ({need}): {why}"


def _attribute(one: Attribute) -> str:
    name = f"{one.friendly_name} ({one.name})" if one.friendly_name else one.name
    count = len(one.values)
    return f"{name}: {count} {'value' if count == 1 else 'values'}"


def _name_id(name: NameID | None) -> str:
    if name is None:
        return "none"
    return f"{name.format.rpartition(':')[2]}, {len(name.value)} characters"


def _signed(protection: Protection) -> str:
    what = [
        word
        for word, wanted in (
            ("response", protection.sign_response),
            ("assertion", protection.sign_assertion),
        )
        if wanted
    ]
    algorithm = (protection.algorithm or protection.key.default_algorithm).rpartition("#")[2]
    key = evidence.fingerprint(protection.key.certificate)
    return f"{' and '.join(what)}, with {algorithm} and our certificate {key}"


def _encrypted(row: ServiceProvider, protection: Protection) -> str:
    if protection.encrypt_to is None:
        return "no"
    content = protection.encrypt_to.algorithms.content.rpartition("#")[2]
    return f"{content}, to the certificate {evidence.fingerprint(row.encryption_certificates[0])}"
