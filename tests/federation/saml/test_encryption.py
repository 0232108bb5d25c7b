"""Encryption to a service provider; xmlsec, as the service provider, decrypts."""

from __future__ import annotations

import pytest
import xmlsec
from lxml import etree

from federation.saml import encryption, errors, vocabulary, xml
from federation.saml.encryption import Algorithms, EncryptionMethod
from tests.attacks.saml import service_provider

CBC = vocabulary.XENC + "aes128-cbc"
RSA_1_5 = vocabulary.XENC + "rsa-1_5"
KW = vocabulary.XENC + "kw-aes128"


def certificate(name: str = "service provider") -> str:
    return service_provider.base64_der(service_provider.certificate(service_provider.rsa_key(name)))


def decrypt(encrypted: xml.Element, name: str = "service provider") -> xml.Element:
    """What a service provider does."""
    root = etree.fromstring(xml.serialise(encrypted))
    manager = xmlsec.KeysManager()
    manager.add_key(service_provider.xmlsec_key(service_provider.rsa_key(name)))
    return xmlsec.EncryptionContext(manager).decrypt(root[0])


def methods(*algorithms: str) -> tuple[EncryptionMethod, ...]:
    return tuple(EncryptionMethod(algorithm) for algorithm in algorithms)


@pytest.mark.standard("SAML Core", "2.3.4", "an EncryptedAssertion holds the assertion")
def test_the_service_provider_reads_it(sp) -> None:
    document = sp.element(inside="<samlp:NameIDPolicy/>")
    encrypted = encryption.encrypt(document, key=encryption.encryption_key(certificate()))
    assert encrypted.tag == vocabulary.name("saml:EncryptedAssertion")
    assert xml.serialise(decrypt(encrypted)) == xml.serialise(document)
    assert b"sp.example" not in xml.serialise(encrypted)


@pytest.mark.parametrize("content", list(encryption.CONTENT_ALGORITHMS))
@pytest.mark.parametrize(
    "transport",
    [
        EncryptionMethod(vocabulary.RSA_OAEP_MGF1P),
        EncryptionMethod(vocabulary.RSA_OAEP_MGF1P, vocabulary.SHA1),
        EncryptionMethod(vocabulary.RSA_OAEP_MGF1P, vocabulary.SHA256),
        EncryptionMethod(vocabulary.RSA_OAEP),
        EncryptionMethod(vocabulary.RSA_OAEP, vocabulary.SHA256, vocabulary.MGF1_SHA256),
        EncryptionMethod(vocabulary.RSA_OAEP, vocabulary.SHA256, vocabulary.MGF1_SHA1),
    ],
    ids=["mgf1p", "mgf1p_sha1", "mgf1p_sha256", "oaep", "oaep_sha256", "oaep_mixed"],
)
def test_every_combination_can_be_read(sp, content: str, transport: EncryptionMethod) -> None:
    key = encryption.encryption_key(certificate(), (EncryptionMethod(content), transport))
    encrypted = encryption.encrypt(sp.element(), key=key)
    assert content.encode() in xml.serialise(encrypted)
    assert transport.algorithm.encode() in xml.serialise(encrypted)
    assert decrypt(encrypted).get("ID") == "_request"


def test_every_message_has_a_key_of_its_own(sp) -> None:
    key = encryption.encryption_key(certificate())
    one, two = (xml.serialise(encryption.encrypt(sp.element(), key=key)) for _ in range(2))
    values = [
        {
            element.text
            for element in etree.fromstring(each).iter(f"{{{vocabulary.XENC}}}CipherValue")
        }
        for each in (one, two)
    ]
    assert not values[0] & values[1]


def test_another_key_cannot_read_it(sp) -> None:
    encrypted = encryption.encrypt(sp.element(), key=encryption.encryption_key(certificate()))
    with pytest.raises(xmlsec.Error):
        decrypt(encrypted, "foreign")


DEFAULT = Algorithms(vocabulary.AES256_GCM, vocabulary.RSA_OAEP_MGF1P, vocabulary.SHA1)


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        ((), DEFAULT),
        (methods(vocabulary.RSA_OAEP_MGF1P), DEFAULT),
        (methods(vocabulary.AES256_GCM), DEFAULT),
        (
            methods(CBC, vocabulary.AES128_GCM),
            Algorithms(vocabulary.AES128_GCM, vocabulary.RSA_OAEP_MGF1P, vocabulary.SHA1),
        ),
        (
            methods(vocabulary.AES128_GCM, vocabulary.AES256_GCM, RSA_1_5)
            + methods(vocabulary.RSA_OAEP_MGF1P),
            DEFAULT,
        ),
        (
            (
                EncryptionMethod(vocabulary.RSA_OAEP_MGF1P),
                EncryptionMethod(vocabulary.RSA_OAEP_MGF1P, vocabulary.SHA256),
            ),
            Algorithms(vocabulary.AES256_GCM, vocabulary.RSA_OAEP_MGF1P, vocabulary.SHA256),
        ),
        (
            methods(vocabulary.RSA_OAEP),
            Algorithms(
                vocabulary.AES256_GCM, vocabulary.RSA_OAEP, vocabulary.SHA1, vocabulary.MGF1_SHA1
            ),
        ),
    ],
)
def test_uses_what_the_service_provider_lists(listed, expected: Algorithms) -> None:
    assert encryption.choose(listed) == expected


@pytest.mark.parametrize(
    ("listed", "check"),
    [
        (methods(CBC), "content_algorithm"),
        (methods(CBC, vocabulary.RSA_OAEP_MGF1P), "content_algorithm"),
        (methods(vocabulary.AES256_GCM, RSA_1_5), "key_transport"),
        (methods(KW), "key_transport"),
        ((EncryptionMethod(vocabulary.RSA_OAEP_MGF1P, vocabulary.SHA512),), "key_transport"),
        ((EncryptionMethod(vocabulary.RSA_OAEP, "", "urn:x"),), "mask_function"),
        (methods("urn:example:unknown"), "content_algorithm"),
    ],
)
def test_never_goes_below_its_own_list(listed, check: str) -> None:
    with pytest.raises(errors.NoCommonAlgorithm) as refused:
        encryption.choose(listed)
    assert refused.value.check == check


def test_only_rsa_keys_of_2048_bits() -> None:
    for key in (service_provider.ec_key(), service_provider.rsa_key("weak", 1024)):
        text = service_provider.base64_der(service_provider.certificate(key))
        with pytest.raises(errors.InvalidMetadata):
            encryption.encryption_key(text)


def test_a_key_is_parsed_once() -> None:
    assert encryption.encryption_key(certificate()) is encryption.encryption_key(certificate())
