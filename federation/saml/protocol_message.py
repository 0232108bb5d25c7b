"""A protocol message of a service provider: from its octets to the verified element (SAML Core §3).

The one way in for every type: parse once, validate, inspect and verify signatures, then read the
verified element only. What a message means is read by the module of its type (`authn_request` and
its neighbours) and judged in `federation.identity_provider`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from federation.saml import bindings, errors, signature, signature_profile, vocabulary, xml

MAX_ENTITY_ID = 1_024
REQUEST, RESPONSE = bindings.MESSAGES
# Every other message that comes here is a request.
RESPONSES = ("samlp:LogoutResponse",)

# Nothing that could be taken for the message itself, or for an assertion, belongs into one.
_FORBIDDEN_INSIDE = signature_profile.SIGNABLE | {vocabulary.name("saml:EncryptedAssertion")}

KeysOf = Callable[[str], Sequence[signature.VerificationKey]]
"""Given the Issuer, returns the signing keys of that service provider's metadata.

It raises if there is none such, and that passes through.
"""


@dataclass(frozen=True, slots=True, eq=False)
class ProtocolMessage:
    """The element to read, and whether a signature over it was verified."""

    element: xml.Element
    signed: bool


def receive(message: bindings.Message, *, name: str, keys_of: KeysOf) -> ProtocolMessage:
    """Return the message `name` (`prefix:local`) that came by Redirect or POST.

    A bad signature never passes; whether none is good enough is the caller's to decide.
    Raises InvalidMessage, InvalidSignature.
    """
    kind = RESPONSE if name in RESPONSES else REQUEST
    if message.kind != kind:
        raise errors.InvalidMessage("message_type", f"a {message.kind} in place of a {kind}")
    root = xml.parse(message.xml)
    _check(root, name=name)
    if message.binding == vocabulary.REDIRECT and signature.is_signed(root):
        # SAML Bindings §3.4.4.1: "Any signature on the SAML protocol message [...] MUST be removed"
        raise errors.InvalidMessage("embedded_signature", "an XML signature by Redirect")
    keys = keys_of(issuer(root))
    if message.signature is not None:
        bindings.verify_redirect(message, keys=keys)
        return ProtocolMessage(root, signed=True)
    return _verified(root, keys=keys)


def receive_element(element: xml.Element, *, name: str, keys_of: KeysOf) -> ProtocolMessage:
    """Return the message `name` that came in the body of a SOAP envelope (SAML Bindings §3.2).

    `element`: still in the envelope's tree. Raises InvalidMessage, InvalidSignature.
    """
    _check(element, name=name)
    return _verified(element, keys=keys_of(issuer(element)))


def _check(element: xml.Element, *, name: str) -> None:
    """Steps 3 and 4 of the pipeline: valid, one message in it, signatures in shape."""
    if element.tag != vocabulary.name(name):
        wanted = name.partition(":")[2]
        raise errors.InvalidMessage("message_type", f"{element.tag} is no {wanted}")
    if element.get("Version") != "2.0":
        raise errors.InvalidMessage("version", f"Version {element.get('Version')!r}")
    xml.validate(element, schema="protocol")
    for inner in element.iterdescendants():
        if inner.tag in _FORBIDDEN_INSIDE:
            raise errors.InvalidMessage("nested_message", f"{inner.tag} inside the message")
    signature_profile.inspect(element.getroottree().getroot())


def _verified(
    element: xml.Element, *, keys: Sequence[signature.VerificationKey]
) -> ProtocolMessage:
    if signature.is_signed(element):
        return ProtocolMessage(signature.verify(element, keys=keys), signed=True)
    return ProtocolMessage(element, signed=False)


def issuer(element: xml.Element) -> str:
    """Return the Issuer, which the profiles demand (SAML Profiles §4.1.4.1, §4.4.4.1)."""
    found = xml.child(element, "saml:Issuer")
    if found is None:
        raise errors.InvalidMessage("issuer", "no Issuer")
    value = xml.token(found)
    if not 0 < len(value) <= MAX_ENTITY_ID:
        raise errors.InvalidMessage("issuer", f"an Issuer of {len(value)} characters")
    if found.get("Format", vocabulary.ENTITY) not in (vocabulary.ENTITY, vocabulary.UNSPECIFIED):
        raise errors.InvalidMessage("issuer", f"Format {found.get('Format')!r}")
    return value
