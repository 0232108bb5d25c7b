"""How the message layer receives: the way of an identity provider from octets to an element."""

from __future__ import annotations

import functools

from cryptography import x509

from federation.saml import authn_request, bindings, protocol_message, signature, soap
from federation.saml.protocol_message import ProtocolMessage
from tests.attacks.saml import message_types, service_provider
from tests.attacks.saml.message_types import REDIRECT, SOAP
from tests.attacks.saml.service_provider import ServiceProvider


@functools.cache
def _keys(certificate: x509.Certificate) -> list[signature.VerificationKey]:
    return [signature.verification_key(service_provider.base64_der(certificate))]


def receive(binding: str, payload: bytes, sp: ServiceProvider) -> ProtocolMessage:
    """Receive a message of the type of `sp`, whose keys are those of its metadata."""
    keys = _keys(sp.certificate)
    name = sp.message.tag
    if binding == SOAP:
        return protocol_message.receive_element(
            soap.open_envelope(payload), name=name, keys_of=lambda issuer: keys
        )
    if binding == REDIRECT:
        message = bindings.decode_redirect(payload.decode("ascii"))
    else:
        message = bindings.decode_post(payload)
    received = protocol_message.receive(message, name=name, keys_of=lambda issuer: keys)
    if sp.message is message_types.AUTHN_REQUEST:
        authn_request.read(received.element, signed=received.signed)
    return received
