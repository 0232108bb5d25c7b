"""Messages that only look signed: the signature is left out, or is one over another message.

Nothing is wrong with their shape. They must come out of the message layer as unsigned, and be
refused wherever a signature is demanded.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.attacks.saml import service_provider
from tests.attacks.saml.attack import Document, Raw, forgery, text
from tests.attacks.saml.message_types import POST, REDIRECT, SOAP, MessageType
from tests.attacks.saml.service_provider import ServiceProvider, envelope

Build = Callable[[ServiceProvider], Document]


def without_signature(sp: ServiceProvider) -> Document:
    """What was signed, but for its signature."""
    signed = sp.signed()
    signed.remove(signed[1])
    return signed


def with_key_info_alone(sp: ServiceProvider) -> Document:
    """The certificate where a signature is expected by those who look for it."""
    info = service_provider.key_info(sp.certificate)
    return sp.text(inside=f"<samlp:Extensions>{info}</samlp:Extensions>")


def signature_of_another_namespace(sp: ServiceProvider) -> Document:
    """Something called Signature that is none."""
    other = text(sp.signed()[1]).replace(service_provider.DS, "urn:example:ds")
    return sp.text(inside=f"<samlp:Extensions>{other}</samlp:Extensions>")


def good_message_in_the_header(sp: ServiceProvider) -> Document:
    """A signed message of ours beside the forged one."""
    forged = sp.text(**forgery(sp))
    return Raw(envelope(forged.encode(), header=text(sp.signed()).encode()))


def good_message_in_a_header_with_an_actor(sp: ServiceProvider) -> Document:
    """The same in a block that says it is for the message."""
    block = f"<x:a xmlns:x='urn:x' s:actor='urn:next'>{text(sp.signed())}</x:a>"
    return Raw(envelope(sp.text(**forgery(sp)).encode(), header=block.encode()))


def parameters_without_signature(sp: ServiceProvider) -> Document:
    """A Redirect without SigAlg and Signature."""
    return Raw(sp.redirect(sp.text(), signed=False))


def parameters_in_other_cases(sp: ServiceProvider) -> Document:
    """A Redirect whose signature stands in parameters that are none of ours."""
    query = sp.redirect(sp.text())
    return Raw(query.replace(b"SigAlg=", b"sigalg=").replace(b"Signature=", b"signature="))


DOCUMENTS: tuple[Build, ...] = (
    without_signature,
    with_key_info_alone,
    signature_of_another_namespace,
)
OF_BINDING: dict[str, tuple[Build, ...]] = {
    POST: DOCUMENTS,
    REDIRECT: (parameters_without_signature, parameters_in_other_cases),
    SOAP: (*DOCUMENTS, good_message_in_the_header, good_message_in_a_header_with_an_actor),
}


def payload(build: Build, binding: str, sp: ServiceProvider) -> bytes:
    """The raw query, form body or envelope."""
    built = build(sp)
    if isinstance(built, Raw):
        return built.payload
    return sp.post(built) if binding == POST else sp.soap(built)


def of(message: MessageType) -> list[tuple[str, Build]]:
    """Every one of them for a type of message, with its binding."""
    return [(binding, build) for binding in message.bindings for build in OF_BINDING[binding]]
