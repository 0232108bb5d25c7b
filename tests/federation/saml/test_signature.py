"""Signing and verifying, with xmlsec as the independent judge of what we sign."""

from __future__ import annotations

from unittest.mock import Mock

import pytest
import xmlsec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from lxml import etree

from federation.saml import errors, signature, signature_profile, vocabulary, xml
from tests.attacks.saml import references, service_provider
from tests.attacks.saml.service_provider import ServiceProvider, Shape
from tests.federation.saml.conftest import verification_key


def received(document) -> xml.Element:
    return xml.parse(service_provider.octets(document))


def xmlsec_verifies(root: xml.Element, public_key) -> None:
    """Verify the first signature with plain xmlsec; raises if it is not good."""
    pem = public_key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(pem, xmlsec.constants.KeyDataFormatPem, None)
    again = etree.fromstring(xml.serialise(root))
    context.register_id(again, "ID", None)
    context.verify(again.find(f".//{{{vocabulary.DS}}}Signature"))


@pytest.mark.standard("SAML Core", "5.4", "the verified element is what is returned")
def test_returns_the_very_element(sp: ServiceProvider, sp_keys) -> None:
    root = received(sp.signed())
    assert signature.verify(root, keys=sp_keys) is root


@pytest.mark.parametrize(
    ("method", "digest"),
    [
        (vocabulary.RSA_SHA256, vocabulary.SHA256),
        (vocabulary.RSA_SHA384, vocabulary.SHA384),
        (vocabulary.RSA_SHA512, vocabulary.SHA512),
        (vocabulary.RSA_SHA256, vocabulary.SHA512),
    ],
)
def test_verifies_rsa(sp: ServiceProvider, sp_keys, method: str, digest: str) -> None:
    root = received(sp.signed(shape=Shape(method=method, digest=digest)))
    signature.verify(root, keys=sp_keys)


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), ec.SECP521R1()])
@pytest.mark.parametrize(
    "method", [vocabulary.ECDSA_SHA256, vocabulary.ECDSA_SHA384, vocabulary.ECDSA_SHA512]
)
def test_verifies_elliptic_curves(sp: ServiceProvider, curve, method: str) -> None:
    key = ec.generate_private_key(curve)
    root = received(sp.signed(shape=Shape(method=method), key=service_provider.xmlsec_key(key)))
    signature.verify(root, keys=[signature.VerificationKey(key.public_key())])


@pytest.mark.parametrize("canonicalisation", signature_profile.CANONICALISATIONS)
def test_takes_both_exclusive_canonicalisations(
    sp: ServiceProvider, sp_keys, canonicalisation: str
) -> None:
    shape = Shape(
        canonicalisation=canonicalisation,
        transforms=(vocabulary.ENVELOPED_SIGNATURE, canonicalisation),
    )
    signature.verify(received(sp.signed(shape=shape)), keys=sp_keys)


def test_takes_bound_inclusive_prefixes(sp: ServiceProvider, sp_keys) -> None:
    listed = (
        f'<ec:InclusiveNamespaces xmlns:ec="{vocabulary.EXCLUSIVE_C14N}" PrefixList="saml samlp"/>'
    )
    shape = Shape(
        canonicalisation_content=listed, transform_content={vocabulary.EXCLUSIVE_C14N: listed}
    )
    root = received(sp.signed(shape=shape))
    xml.validate(root, schema="protocol")
    signature.verify(root, keys=sp_keys)


def test_tries_all_keys_in_turn(sp: ServiceProvider, sp_keys) -> None:
    foreign = signature.VerificationKey(service_provider.rsa_key("foreign").public_key())
    other_kind = signature.VerificationKey(service_provider.ec_key().public_key())
    root = received(sp.signed())
    assert signature.verify(root, keys=[foreign, other_kind, *sp_keys]) is root


def test_signed_without_a_known_key_is_refused(sp: ServiceProvider) -> None:
    with pytest.raises(errors.InvalidSignature) as refused:
        signature.verify(received(sp.signed()), keys=[])
    assert refused.value.check == "no_key"


def test_unsigned_is_refused(sp: ServiceProvider, sp_keys) -> None:
    with pytest.raises(errors.InvalidSignature) as refused:
        signature.verify(received(sp.element()), keys=sp_keys)
    assert refused.value.check == "signature_missing"


def test_a_signature_elsewhere_does_not_count(key, make_assertion, sp_keys) -> None:
    """A signed assertion does not make the Response around it signed."""
    from federation.saml import response

    protection = response.Protection(key=key, sign_response=False)
    root = xml.parse(response.build_signed_response(make_assertion(), protection=protection))
    with pytest.raises(errors.InvalidSignature) as refused:
        signature.verify(root, keys=[verification_key(key)])
    assert refused.value.check == "signature_missing"
    assertion = xml.child(root, "saml:Assertion")
    assert signature.verify(assertion, keys=[verification_key(key)]) is assertion


def test_empty_canonical_form_is_refused(sp: ServiceProvider, sp_keys, monkeypatch) -> None:
    root = received(sp.signed())
    monkeypatch.setattr(xml.etree, "ElementTree", lambda element: Mock())
    with pytest.raises(errors.InvalidSignature) as refused:
        signature.verify(root, keys=sp_keys)
    assert refused.value.check == "canonicalisation"


INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"


@pytest.mark.parametrize(
    "shape",
    [
        Shape(digest=vocabulary.DS + "sha1"),
        Shape(method=vocabulary.DS + "rsa-sha1"),
        Shape(canonicalisation=INCLUSIVE),
        Shape(transforms=(vocabulary.ENVELOPED_SIGNATURE, INCLUSIVE)),
        Shape(
            transforms=(*service_provider.TRANSFORMS, references.XSLT_URI),
            transform_content={references.XSLT_URI: references.XSLT},
        ),
    ],
    ids=["sha1_digest", "rsa_sha1", "inclusive", "inclusive_transform", "xslt"],
)
def test_xmlsec_itself_knows_no_other_algorithms(
    sp: ServiceProvider, sp_keys, shape: Shape, monkeypatch
) -> None:
    """The second line of defence: without the inspection, xmlsec refuses too."""
    root = received(sp.signed(shape=shape))
    shaped = signature_profile.EnvelopedSignature(root[1], root, vocabulary.RSA_SHA256)
    monkeypatch.setattr(signature_profile, "inspect", lambda _: [shaped])
    with pytest.raises(errors.InvalidSignature) as refused:
        signature.verify(root, keys=sp_keys)
    assert refused.value.check == "signature_value"


@pytest.mark.parametrize(
    "algorithm", [None, vocabulary.RSA_SHA256, vocabulary.RSA_SHA384, vocabulary.RSA_SHA512]
)
def test_signs_with_rsa(sp: ServiceProvider, key, algorithm: str | None) -> None:
    root = sp.element(inside="<samlp:NameIDPolicy/>")
    signature.sign(root, key=key, algorithm=algorithm)
    assert root[1].tag == vocabulary.name("ds:Signature")
    xml.validate(root, schema="protocol")
    xmlsec_verifies(root, service_provider.rsa_key("identity provider").public_key())
    signature.verify(received(root), keys=[verification_key(key)])


@pytest.mark.parametrize(
    "algorithm", [None, vocabulary.ECDSA_SHA256, vocabulary.ECDSA_SHA384, vocabulary.ECDSA_SHA512]
)
def test_signs_with_elliptic_curves(sp: ServiceProvider, ec_key, algorithm: str | None) -> None:
    root = sp.element()
    signature.sign(root, key=ec_key, algorithm=algorithm)
    xmlsec_verifies(root, service_provider.ec_key("identity provider").public_key())
    signature.verify(received(root), keys=[verification_key(ec_key)])


def test_signs_more_than_one_with_the_same_key(sp: ServiceProvider, key) -> None:
    for identifier in ("_one", "_two"):
        root = sp.element(identifier=identifier)
        signature.sign(root, key=key)
        signature.verify(received(root), keys=[verification_key(key)])


@pytest.mark.parametrize("algorithm", [vocabulary.DS + "rsa-sha1", "", "urn:x"])
def test_has_no_fallback_for_algorithms(sp: ServiceProvider, key, algorithm: str) -> None:
    with pytest.raises(errors.InvalidContent):
        key.sign(b"", algorithm=algorithm)
    if algorithm:
        with pytest.raises(errors.InvalidContent):
            signature.sign(sp.element(), key=key, algorithm=algorithm)
    with pytest.raises(errors.InvalidSignature):
        signature.verify_octets(b"x", b"y", algorithm=algorithm, keys=[verification_key(key)])


def test_algorithm_must_fit_the_key(sp: ServiceProvider, key, ec_key) -> None:
    with pytest.raises(errors.InvalidContent):
        signature.sign(sp.element(), key=key, algorithm=vocabulary.ECDSA_SHA256)
    with pytest.raises(errors.InvalidContent):
        signature.sign(sp.element(), key=ec_key, algorithm=vocabulary.RSA_SHA256)


def test_octets_by_elliptic_curve(ec_key) -> None:
    value = ec_key.sign(b"octets", algorithm=vocabulary.ECDSA_SHA256)
    keys = [verification_key(ec_key)]
    signature.verify_octets(value, b"octets", algorithm=vocabulary.ECDSA_SHA256, keys=keys)
    for wrong in (value[:-1], value + b"x", bytes(64), b""):
        with pytest.raises(errors.InvalidSignature):
            signature.verify_octets(wrong, b"octets", algorithm=vocabulary.ECDSA_SHA256, keys=keys)


def test_weak_keys_cannot_become_keys() -> None:
    weak = service_provider.rsa_key("weak", 1024)
    with pytest.raises(errors.InvalidMetadata):
        signature.VerificationKey(weak.public_key())
    with pytest.raises(errors.InvalidMetadata):
        signature.SigningKey(weak, service_provider.pem(service_provider.certificate(weak)))


def test_certificate_must_be_the_keys_own() -> None:
    foreign = service_provider.certificate(service_provider.rsa_key("foreign"))
    with pytest.raises(errors.InvalidMetadata):
        signature.SigningKey(service_provider.rsa_key(), service_provider.pem(foreign))


def test_no_private_key_in_text(key) -> None:
    assert "PRIVATE" not in repr(key)
    assert "rsa" not in repr(key).lower().replace("versa", "")


def test_an_elliptic_signature_has_one_length(ec_key: signature.SigningKey) -> None:
    """A zero before the second number would be the same number."""
    algorithm = vocabulary.ECDSA_SHA256
    keys = [signature.verification_key(ec_key.certificate)]
    good = ec_key.sign(b"x", algorithm=algorithm)
    signature.verify_octets(good, b"x", algorithm=algorithm, keys=keys)
    longer = good[:32] + b"\0" + good[32:]
    with pytest.raises(errors.InvalidSignature) as refused:
        signature.verify_octets(longer, b"x", algorithm=algorithm, keys=keys)
    assert refused.value.check == "signature_value"


def test_asks_xmlsec_only_with_the_key_that_signed(
    sp: ServiceProvider, sp_keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stranger's message costs the same however many keys the peer has."""
    others = [
        signature.VerificationKey(service_provider.rsa_key(f"other {number}").public_key())
        for number in range(3)
    ]
    asked: list[signature.VerificationKey] = []
    verifies = signature._verifies
    monkeypatch.setattr(
        signature, "_verifies", lambda one, key: asked.append(key) or verifies(one, key)
    )
    root = received(sp.signed())
    signature.verify(root, keys=[*others, *sp_keys])
    assert asked == sp_keys
    with pytest.raises(errors.InvalidSignature, match="signature_value"):
        signature.verify(root, keys=others)
    assert asked == sp_keys


@pytest.mark.parametrize("prefixes", ["saml", "samlp", "saml samlp", "ds"])
@pytest.mark.parametrize("canonicalisation", signature_profile.CANONICALISATIONS)
def test_prefixes_that_signed_info_is_written_with(
    sp: ServiceProvider, sp_keys, prefixes: str, canonicalisation: str
) -> None:
    listed = (
        f'<ec:InclusiveNamespaces xmlns:ec="{vocabulary.EXCLUSIVE_C14N}" PrefixList="{prefixes}"/>'
    )
    shape = Shape(canonicalisation=canonicalisation, canonicalisation_content=listed)
    root = received(sp.signed(shape=shape))
    assert signature.verify(root, keys=sp_keys) is root
