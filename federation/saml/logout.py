"""LogoutRequest and LogoutResponse, received and built (SAML Core §3.7, SAML Profiles §4.4).

Both sides send both. Reading begins where `protocol_message` ends, with the verified element; what
a message means (whose session, told by whom) is decided in `federation.identity_provider`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric import rsa

from federation.saml import (
    bindings,
    datatypes,
    encryption,
    errors,
    name_id,
    protocol_message,
    signature,
    status_response,
    vocabulary,
    xml,
)
from federation.saml.name_id import NameID
from federation.saml.protocol_message import KeysOf, ProtocolMessage

REQUEST = "samlp:LogoutRequest"
RESPONSE = "samlp:LogoutResponse"
# SAML Core §3.7.3: a principal wished it. Whether an administrator did is nobody's business.
REASON = "urn:oasis:names:tc:SAML:2.0:logout:user"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoutRequest:
    """A LogoutRequest. None: it does not say. `signed`: a signature was verified.

    `asynchronous`: nobody waits for an answer (SAML Asynchronous Single Logout §2.1).
    """

    id: str
    issuer: str
    issue_instant: datetime
    signed: bool
    name_id: NameID
    session_indexes: tuple[str, ...] = ()
    destination: str | None = None
    not_on_or_after: datetime | None = None
    asynchronous: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoutResponse:
    """A LogoutResponse. `status`: its codes, the outer one first."""

    id: str
    issuer: str
    issue_instant: datetime
    signed: bool
    status: tuple[str, ...]
    destination: str | None = None
    in_response_to: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingRequest:
    """What a LogoutRequest of ours says. `destination`: None where no browser carries it."""

    issuer: str
    destination: str | None
    issue_instant: datetime
    not_on_or_after: datetime
    name_id: NameID
    session_index: str
    id: str = field(default_factory=datatypes.new_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingResponse:
    """What a LogoutResponse of ours says. `status`: codes, each inside the one before."""

    issuer: str
    destination: str | None
    in_response_to: str
    issue_instant: datetime
    status: tuple[str, ...]
    message: str = ""
    id: str = field(default_factory=datatypes.new_id)


def receive_request(
    message: bindings.Message,
    *,
    keys_of: KeysOf,
    decryption_keys: Sequence[rsa.RSAPrivateKey] = (),
) -> LogoutRequest:
    """Return the request that came by Redirect or POST. Raises InvalidMessage, InvalidSignature.

    Whether one without signature is good enough is the caller's to decide by `signed`.
    `decryption_keys`: ours, the likeliest first; without any an EncryptedID is refused.
    """
    received = protocol_message.receive(message, name=REQUEST, keys_of=keys_of)
    return read_request(received, decryption_keys=decryption_keys)


def receive_request_element(
    element: xml.Element,
    *,
    keys_of: KeysOf,
    decryption_keys: Sequence[rsa.RSAPrivateKey] = (),
) -> LogoutRequest:
    """Return the request that came by SOAP. Raises InvalidMessage, InvalidSignature."""
    received = protocol_message.receive_element(element, name=REQUEST, keys_of=keys_of)
    return read_request(received, decryption_keys=decryption_keys)


def receive_response(message: bindings.Message, *, keys_of: KeysOf) -> LogoutResponse:
    """Return the answer that came by Redirect or POST. Raises InvalidMessage, InvalidSignature."""
    return read_response(protocol_message.receive(message, name=RESPONSE, keys_of=keys_of))


def receive_response_element(element: xml.Element, *, keys_of: KeysOf) -> LogoutResponse:
    """Return the answer that came by SOAP. Raises InvalidMessage, InvalidSignature."""
    return read_response(protocol_message.receive_element(element, name=RESPONSE, keys_of=keys_of))


def read_request(
    message: ProtocolMessage, *, decryption_keys: Sequence[rsa.RSAPrivateKey] = ()
) -> LogoutRequest:
    """Return the typed request from the verified element. Raises InvalidMessage.

    Nothing is decrypted for a stranger: only where a signature was verified.
    """
    element = message.element
    ends = element.get("NotOnOrAfter")
    return LogoutRequest(
        id=element.get("ID"),
        issuer=protocol_message.issuer(element),
        issue_instant=datatypes.instant(element.get("IssueInstant")),
        signed=message.signed,
        name_id=_name_id(element, decryption_keys if message.signed else ()),
        session_indexes=tuple(
            xml.token(one) for one in xml.children(element, "samlp:SessionIndex")
        ),
        destination=element.get("Destination"),
        not_on_or_after=None if ends is None else datatypes.instant(ends),
        asynchronous=_is_asynchronous(element),
    )


def _name_id(element: xml.Element, decryption_keys: Sequence[rsa.RSAPrivateKey]) -> NameID:
    """Return the NameID, plain or decrypted; BaseID means nothing here (SAML Core §3.7.1)."""
    encrypted = xml.child(element, "saml:EncryptedID")
    if encrypted is not None and decryption_keys:
        return name_id.read(encryption.decrypt(encrypted, decryption_keys))
    named = xml.child(element, "saml:NameID")
    if named is None:
        raise errors.InvalidMessage("name_id", "no NameID that can be read")
    return name_id.read(named)


def _is_asynchronous(element: xml.Element) -> bool:
    extensions = xml.child(element, "samlp:Extensions")
    return extensions is not None and bool(xml.children(extensions, "aslo:Asynchronous"))


def read_response(message: ProtocolMessage) -> LogoutResponse:
    """Return the typed answer from the verified element. Raises InvalidMessage."""
    element = message.element
    return LogoutResponse(
        id=element.get("ID"),
        issuer=protocol_message.issuer(element),
        issue_instant=datatypes.instant(element.get("IssueInstant")),
        signed=message.signed,
        status=status_response.read_status(element),
        destination=element.get("Destination"),
        in_response_to=element.get("InResponseTo"),
    )


def build_request(content: OutgoingRequest) -> xml.Element:
    """Return the LogoutRequest, not signed yet. Raises InvalidContent."""
    element = xml.new(REQUEST, prefixes=("saml",))
    attributes = {
        "ID": content.id,
        "Version": "2.0",
        "IssueInstant": datatypes.format_instant(content.issue_instant),
        "NotOnOrAfter": datatypes.format_instant(content.not_on_or_after),
        "Reason": REASON,
    }
    if content.destination is not None:
        attributes["Destination"] = content.destination
    for attribute, value in attributes.items():
        xml.set_attribute(element, attribute, value)
    xml.add(element, "saml:Issuer", content.issuer)
    name_id.add(element, content.name_id)
    xml.add(element, "samlp:SessionIndex", content.session_index)
    return element


def build_response(content: OutgoingResponse) -> xml.Element:
    """Return the LogoutResponse, not signed yet. Raises InvalidContent."""
    element = status_response.new(
        RESPONSE,
        identifier=content.id,
        issuer=content.issuer,
        destination=content.destination,
        in_response_to=content.in_response_to,
        issue_instant=content.issue_instant,
    )
    status_response.add_status(element, content.status, content.message)
    return element


@dataclass(frozen=True, slots=True)
class Way:
    """How a message leaves through a browser: its binding and address, and what comes along."""

    binding: str
    url: str
    relay_state: str | None = None


def send(
    element: xml.Element,
    *,
    by: Way,
    kind: str,
    key: signature.SigningKey,
    algorithm: str | None = None,
) -> str | bindings.PostForm:
    """Return the signed address to go to, or the form with the signed message to post.

    `kind`: SAMLRequest or SAMLResponse. By Redirect the signature stands in the address alone
    (SAML Bindings §3.4.4.1). Raises InvalidContent.
    """
    if by.binding == vocabulary.REDIRECT:
        return bindings.redirect_url(
            xml.serialise(element),
            url=by.url,
            kind=kind,
            relay_state=by.relay_state,
            key=key,
            algorithm=algorithm,
        )
    signature.sign(element, key=key, algorithm=algorithm)
    return bindings.post_form(
        xml.serialise(element), action=by.url, relay_state=by.relay_state, kind=kind
    )
