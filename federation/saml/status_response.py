"""What every answer of the protocol has in common: StatusResponseType (SAML Core §3.2.2)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from federation.saml import datatypes, errors, xml


def new(
    name: str,
    *,
    identifier: str,
    issuer: str,
    destination: str | None,
    in_response_to: str | None,
    issue_instant: datetime,
) -> xml.Element:
    """Return the answer `name` (`samlp:…`) with its Issuer, without status, as a root element."""
    element = xml.new(name, prefixes=("saml",))
    attributes = {
        "ID": identifier,
        "Version": "2.0",
        "IssueInstant": datatypes.format_instant(issue_instant),
    }
    if destination is not None:
        attributes["Destination"] = destination
    if in_response_to is not None:
        attributes["InResponseTo"] = in_response_to
    for attribute, value in attributes.items():
        xml.set_attribute(element, attribute, value)
    xml.add(element, "saml:Issuer", issuer)
    return element


def add_status(element: xml.Element, codes: Sequence[str], message: str = "") -> None:
    """Add samlp:Status; each further code goes inside the one before (SAML Core §3.2.2.2)."""
    status = parent = xml.add(element, "samlp:Status")
    for code in codes:
        parent = xml.add(parent, "samlp:StatusCode", attributes={"Value": code})
    if message:
        xml.add(status, "samlp:StatusMessage", message)


def read_status(element: xml.Element) -> tuple[str, ...]:
    """Return the status codes of an answer, the outer one first (SAML Core §3.2.2.1).

    Raises InvalidMessage for more than two of them, which nothing defines.
    """
    status = xml.child(element, "samlp:Status")
    outer = None if status is None else xml.child(status, "samlp:StatusCode")
    if outer is None:
        raise errors.InvalidMessage("status", "no StatusCode")
    inner = xml.child(outer, "samlp:StatusCode")
    if inner is not None and len(inner):
        raise errors.InvalidMessage("status", "more than two StatusCodes")
    return tuple(code.get("Value") for code in (outer, inner) if code is not None)
