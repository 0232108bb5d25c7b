"""A second message or signature in every position: XSW 1 to 8 for protocol messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lxml import etree

from federation.saml import vocabulary
from tests.attacks.saml import service_provider
from tests.attacks.saml.attack import (
    WITH_OPEN_CONTENT,
    WRAPPER,
    Document,
    forgery,
    in_content,
    in_extensions,
    one,
    several,
    text,
    within_extensions,
)
from tests.attacks.saml.service_provider import DS, SAML, SAMLP, ServiceProvider, Shape

Place = Callable[[ServiceProvider, str], dict[str, str]]

EXTENSIONS = {"extensions": in_extensions}
CONTENT = {"content": in_content}


@several("nested_message", CONTENT, types=WITH_OPEN_CONTENT)
@several("nested_message", EXTENSIONS)
def forged_around_signed(sp: ServiceProvider, place: Place) -> Document:
    """XSW: the good message, whole, inside an unsigned forged one."""
    return sp.text(**(forgery(sp) | place(sp, text(sp.signed()))))


@several("nested_message", CONTENT, types=WITH_OPEN_CONTENT)
@several("nested_message", EXTENSIONS)
def signed_around_forged(sp: ServiceProvider, place: Place) -> Document:
    return sp.signed(**place(sp, sp.text(**forgery(sp))))


@several(
    "nested_message",
    {
        "Assertion": '<saml:Assertion ID="_a" Version="2.0" IssueInstant="2026-01-01T00:00:00Z">'
        "<saml:Issuer>x</saml:Issuer></saml:Assertion>",
        "Response": '<samlp:Response ID="_a" Version="2.0" IssueInstant="2026-01-01T00:00:00Z">'
        f'<samlp:Status><samlp:StatusCode Value="{vocabulary.SUCCESS}"/></samlp:Status>'
        "</samlp:Response>",
        "EncryptedAssertion": "<saml:EncryptedAssertion>"
        f'<e:EncryptedData xmlns:e="{vocabulary.XENC}">'
        "<e:CipherData><e:CipherValue>AAAA</e:CipherValue></e:CipherData></e:EncryptedData>"
        "</saml:EncryptedAssertion>",
        "LogoutRequest": '<samlp:LogoutRequest ID="_a" Version="2.0" '
        'IssueInstant="2026-01-01T00:00:00Z"><saml:NameID>x</saml:NameID></samlp:LogoutRequest>',
    },
)
def another_message_inside(sp: ServiceProvider, message: str) -> Document:
    return sp.signed(inside=within_extensions(message))


def moved(sp: ServiceProvider, *, keep: bool = False) -> tuple[Any, str, str]:
    """Return a forged root, and the signature and the rest of a good message as text."""
    original = sp.signed()
    signature = text(original[1])
    if not keep:
        original.remove(original[1])
    return sp.element(**forgery(sp)), signature, text(original)


def with_object(signature: str, content: str) -> Any:
    """A signature with a ds:Object that nobody signed."""
    return etree.fromstring(
        signature.replace("</ds:Signature>", f"<ds:Object>{content}</ds:Object></ds:Signature>")
    )


@several("nested_message", {"XSW1": False, "XSW8": True})
def original_in_object_of_its_signature(sp: ServiceProvider, keep: bool) -> Document:
    forged, signature, original = moved(sp, keep=keep)
    forged.insert(1, with_object(signature, original))
    return forged


@several("nested_message", {"XSW2": True, "XSW3": False})
def original_beside_its_signature(sp: ServiceProvider, before: bool) -> Document:
    forged, signature, original = moved(sp)
    forged.insert(1, etree.fromstring(signature))
    content = f"<x:before/>{original}" if before else f"{original}<x:after/>"
    forged.insert(2, etree.fromstring(within_extensions_alone(content)))
    return forged


@several("nested_message", {"XSW4": in_content}, types=WITH_OPEN_CONTENT)
@several("nested_message", {"XSW7": in_extensions})
def original_without_signature_inside(sp: ServiceProvider, place: Place) -> Document:
    _, signature, original = moved(sp)
    forged = sp.element(**(forgery(sp) | place(sp, original)))
    forged.insert(1, etree.fromstring(signature))
    return forged


@one("duplicate_id", name="XSW5_same_id_on_forged_and_original")
def same_id_on_forged_and_original(sp: ServiceProvider) -> Document:
    _, signature, original = moved(sp)
    options = forgery(sp) | {"identifier": "_request"} | in_extensions(sp, original)
    forged = sp.element(**options)
    forged.insert(1, etree.fromstring(signature))
    return forged


@one("nested_message", name="XSW6_original_in_key_info_of_its_signature")
def original_in_key_info(sp: ServiceProvider) -> Document:
    forged, signature, original = moved(sp)
    info = f"<ds:KeyInfo><x:a {WRAPPER}>{original}</x:a></ds:KeyInfo></ds:Signature>"
    forged.insert(1, etree.fromstring(signature.replace("</ds:Signature>", info)))
    return forged


def within_extensions_alone(content: str) -> str:
    """The extensions with the declarations they need to be parsed alone."""
    return within_extensions(content).replace(
        "<samlp:Extensions>", f'<samlp:Extensions xmlns:samlp="{SAMLP}" xmlns:saml="{SAML}">'
    )


@several("signature_parent", CONTENT, types=WITH_OPEN_CONTENT)
@several("signature_parent", EXTENSIONS)
def signature_inside(sp: ServiceProvider, place: Place) -> Document:
    good = text(service_provider.blank(Shape(), identifier="_request"))
    filled = good.replace("<ds:DigestValue/>", "<ds:DigestValue>AAAA</ds:DigestValue>").replace(
        "<ds:SignatureValue/>", "<ds:SignatureValue>AAAA</ds:SignatureValue>"
    )
    return sp.signed(**place(sp, filled))


@one("signature_parent")
def only_signature_in_extensions(sp: ServiceProvider) -> Document:
    # Signed by position: the signature is good and over the root, but it is not the root's child.
    root = sp.element(inside=within_extensions(""))
    root[1][0].insert(0, service_provider.blank(Shape(), identifier="_request"))
    return service_provider.fill(root[1][0][0], identified=root)


@one("signature_children")
def signature_in_object_of_signature(sp: ServiceProvider) -> Document:
    root = sp.signed()
    inner = text(root[1])
    root[1].append(etree.fromstring(f'<ds:Object xmlns:ds="{DS}">{inner}</ds:Object>'))
    return root


@one("key_info")
def signature_in_key_info_of_signature(sp: ServiceProvider) -> Document:
    root = sp.signed()
    inner = text(root[1])
    root[1].append(
        etree.fromstring(f'<ds:KeyInfo xmlns:ds="{DS}"><x:a {WRAPPER}>{inner}</x:a></ds:KeyInfo>')
    )
    return root


@one("signature_children")
def empty_object(sp: ServiceProvider) -> Document:
    return sp.signed(shape=Shape(extra="<ds:Object/>"))
