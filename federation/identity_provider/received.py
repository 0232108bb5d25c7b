"""What came, as an administrator may read it in the trace: no value that could be a secret.

`facts` costs next to nothing and goes along with every request; `whole` adds the message itself,
and is called only where a trace is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from federation.saml import redaction
from federation.saml.authn_request import AuthnRequest
from federation.saml.bindings import Message
from idp.protocol.message import Request

MAX_SHOWN = 4_000
# Of a request that waits for its person: strangers can let many of them wait.
MAX_WAITING = 4_000
MOST_LISTED, MAX_LISTED = 20, 100
MESSAGE = "message"
_LINES = {ord("\n"): None, ord("\t"): None}


def facts(origin: Request, message: Message | None, request: AuthnRequest | None) -> dict[str, Any]:
    """The request as far as it could be read."""
    if message is None:
        return {"method": origin.method, "path": origin.path}
    found: dict[str, Any] = {"binding": message.binding.rpartition(":")[2]}
    if message.relay_state is not None:
        found["RelayState"] = f"({len(message.relay_state)} characters)"
    return found if request is None else found | _members(request)


def whole(
    read: Mapping[str, Any], message: Message | None, *, most: int | None = None
) -> dict[str, Any]:
    """The same with the message, values of persons masked (`federation.saml.redaction`).

    `most`: how many characters of it are kept, where that is less than a trace holds.
    """
    if message is None:
        return dict(read)
    text = f"({len(message.xml)} bytes that are no XML)"
    if is_markup(message):
        text = printable(redaction.readable(message.xml))
    return {**read, MESSAGE: text[:most]}


def _members(request: AuthnRequest) -> dict[str, Any]:
    context = request.requested_authn_context
    policy, scoping = request.name_id_policy, request.scoping
    said = {
        "ID": request.id,
        "Issuer": request.issuer,
        "IssueInstant": request.issue_instant.isoformat(),
        "Destination": request.destination,
        "signed": request.signed,
        "AssertionConsumerServiceURL": request.acs_url,
        "AssertionConsumerServiceIndex": request.acs_index,
        "ProtocolBinding": request.protocol_binding,
        "ForceAuthn": request.force_authn or None,
        "IsPassive": request.is_passive or None,
        "NameIDPolicy": policy.format if policy else None,
        "AllowCreate": policy.allow_create if policy else None,
        "SPNameQualifier": policy.sp_name_qualifier if policy else None,
        "AttributeConsumingServiceIndex": request.attribute_consuming_service_index,
        "IDPList": list(scoping.idp_list) or None if scoping else None,
        "RequesterID": list(scoping.requester_ids) or None if scoping else None,
        "RequestedAuthnContext": [context.comparison, *context.class_refs] if context else None,
        "Subject": request.subject.format if request.subject else None,
    }
    return {name: _cut(value) for name, value in said.items() if value not in (None, "")}


def _cut(value: Any) -> Any:
    """A member as far as it is kept; lists are as long as a stranger likes."""
    if isinstance(value, str):
        return value[:MAX_SHOWN]
    if isinstance(value, list):
        left = [f"and {len(value) - MOST_LISTED} more"] if len(value) > MOST_LISTED else []
        return [str(one)[:MAX_LISTED] for one in value[:MOST_LISTED]] + left
    return value


def is_markup(message: Message) -> bool:
    """Whether the message begins as XML does."""
    return message.xml.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def printable(text: str) -> str:
    """Text that every database can hold and every page can show."""
    if text.translate(_LINES).isprintable():
        return text
    return "".join(one if one.isprintable() or one in "\n\t" else "\ufffd" for one in text)
