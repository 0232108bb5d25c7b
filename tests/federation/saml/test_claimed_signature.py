"""What a message says of its signature."""

from __future__ import annotations

import hashlib

from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from federation.saml import bindings, certificate, claimed_signature, vocabulary
from tests.attacks.saml import service_provider
from tests.attacks.saml.service_provider import ServiceProvider, Shape


def test_by_post_algorithm_and_certificate(sp: ServiceProvider) -> None:
    shape = Shape(key_info=service_provider.key_info(sp.certificate))
    claim = claimed_signature.of(bindings.decode_post(sp.post(sp.signed(shape=shape))))
    fingerprint = certificate.fingerprint(sp.certificate)
    assert claim == claimed_signature.ClaimedSignature(vocabulary.RSA_SHA256, fingerprint)


def test_by_post_without_a_certificate_or_with_a_broken_one(sp: ServiceProvider) -> None:
    broken = (
        "<ds:KeyInfo><ds:X509Data><ds:X509Certificate>!</ds:X509Certificate></ds:X509Data>"
        "</ds:KeyInfo>"
    )
    for key_info in ("", broken):
        signed = sp.signed(shape=Shape(key_info=key_info))
        claim = claimed_signature.of(bindings.decode_post(sp.post(signed)))
        assert claim == claimed_signature.ClaimedSignature(vocabulary.RSA_SHA256)


def test_by_post_without_an_algorithm(sp: ServiceProvider) -> None:
    root = sp.element()
    root.insert(1, etree.Element(vocabulary.name("ds:Signature")))
    claim = claimed_signature.of(bindings.decode_post(sp.post(root)))
    assert claim == claimed_signature.ClaimedSignature("")


def test_by_redirect_the_algorithm(sp: ServiceProvider) -> None:
    message = bindings.decode_redirect(sp.redirect(sp.text()).decode())
    claim = claimed_signature.of(message)
    assert claim == claimed_signature.ClaimedSignature(vocabulary.RSA_SHA256)


def test_none_without_a_signature_or_a_document(sp: ServiceProvider) -> None:
    assert claimed_signature.of(bindings.decode_post(sp.post(sp.text()))) is None
    assert claimed_signature.of(bindings.decode_post(sp.post(b"<a>"))) is None


def test_a_fingerprint_is_the_sha_256_of_the_certificate(sp: ServiceProvider) -> None:
    octets = hashlib.sha256(sp.certificate.public_bytes(Encoding.DER)).digest()
    assert certificate.fingerprint(sp.certificate) == octets.hex(":").upper()
