"""Encryption to a service provider and from one; xmlsec is the service provider."""

from __future__ import annotations

import base64
import copy
from typing import Any

import pytest
import xmlsec
from lxml import etree

from federation.saml import encryption, errors, vocabulary, xml
from federation.saml.encryption import Algorithms, EncryptionMethod
from tests.attacks.saml import service_provider

CBC = vocabulary.XENC + "aes128-cbc"
RSA_1_5 = vocabulary.XENC + "rsa-1_5"
KW = vocabulary.XENC + "kw-aes128"
ECDH = "http://www.w3.org/2009/xmlenc11#ECDH-ES"


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
        (methods(vocabulary.AES256_GCM, ECDH), "key_transport"),
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


# ----- what is encrypted to us -----

NAME = (
    '<saml:NameID xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"'
    ' Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">4f3a</saml:NameID>'
)
OURS, OLD = service_provider.rsa_key("decryption"), service_provider.rsa_key("decryption, old")
GCM = xmlsec.constants.TransformAes256Gcm
OAEP = xmlsec.constants.TransformRsaOaep


def encrypted_id(
    *,
    content: Any = GCM,
    transport: Any = OAEP,
    to: Any = OURS,
    declared_outside: bool = False,
    inside: str = NAME,
) -> xml.Element:
    """A saml:EncryptedID as xmlsec makes it; the container may hold the prefix's declaration."""
    text = inside.replace(f' xmlns:saml="{vocabulary.SAML}"', "") if declared_outside else inside
    container = etree.fromstring(
        f'<saml:EncryptedID xmlns:saml="{vocabulary.SAML}">{text}</saml:EncryptedID>'
    )
    data = xmlsec.template.encrypted_data_create(
        container, content, type=xmlsec.constants.TypeEncElement, ns="xenc"
    )
    xmlsec.template.encrypted_data_ensure_cipher_value(data)
    info = xmlsec.template.encrypted_data_ensure_key_info(data, ns="ds")
    carried = xmlsec.template.add_encrypted_key(info, transport)
    xmlsec.template.encrypted_data_ensure_cipher_value(carried)
    manager = xmlsec.KeysManager()
    manager.add_key(service_provider.xmlsec_key(to))
    context = xmlsec.EncryptionContext(manager)
    bits = 256 if "256" in content.name else 128
    context.key = xmlsec.Key.generate(
        xmlsec.constants.KeyDataAes, bits, xmlsec.constants.KeyDataTypeSession
    )
    context.encrypt_xml(data, container[0])
    # As it arrives: lxml does not find by name what xmlsec put into a tree.
    return etree.fromstring(etree.tostring(container))


def edited(old: str, new: str, **options: Any) -> xml.Element:
    text = etree.tostring(encrypted_id(**options)).decode()
    assert old in text
    return etree.fromstring(text.replace(old, new))


@pytest.mark.standard("SAML Core", "2.2.4", "an EncryptedID is opened with either of our keys")
@pytest.mark.parametrize("keys", [[OURS], [OLD, OURS], [OURS, OLD]])
def test_opens_what_xmlsec_encrypted(keys: list[Any]) -> None:
    found = encryption.decrypt(encrypted_id(), keys)
    assert found.tag == vocabulary.name("saml:NameID")
    assert xml.text(found) == "4f3a"
    assert found.get("Format") == vocabulary.PERSISTENT
    assert found.getparent() is None


@pytest.mark.standard("XML Encryption 1.1", "4.4", "prefixes mean what they mean around it")
def test_prefixes_may_be_declared_around_it() -> None:
    found = encryption.decrypt(encrypted_id(declared_outside=True), [OURS])
    assert xml.text(found) == "4f3a"


@pytest.mark.parametrize("digest", encryption.OAEP_DIGESTS)
def test_opens_what_we_would_encrypt(digest: str) -> None:
    public = service_provider.base64_der(service_provider.certificate(OURS))
    listed = (
        EncryptionMethod(vocabulary.AES128_GCM),
        EncryptionMethod(vocabulary.RSA_OAEP, digest, vocabulary.MGF1_SHA256),
    )
    encrypted = encryption.encrypt(
        etree.fromstring(NAME), key=encryption.encryption_key(public, listed)
    )
    assert xml.text(encryption.decrypt(encrypted, [OURS])) == "4f3a"


@pytest.mark.parametrize("info_stays", [True, False])
def test_keys_may_stand_beside_the_data(info_stays: bool) -> None:
    encrypted = encrypted_id()
    (info,) = encrypted.iter(f"{{{vocabulary.DS}}}KeyInfo")
    encrypted.append(info[0])
    if not info_stays:
        info.getparent().remove(info)
    assert xml.text(encryption.decrypt(encrypted, [OURS])) == "4f3a"


def with_mask_function(transport: str, mask_function: str) -> xml.Element:
    """An EncryptedID whose EncryptedKey says how OAEP masks."""
    public = service_provider.base64_der(service_provider.certificate(OURS))
    listed = (EncryptionMethod(vocabulary.RSA_OAEP),)
    encrypted = encryption.encrypt(
        etree.fromstring(NAME), key=encryption.encryption_key(public, listed)
    )
    text = xml.serialise(encrypted).decode()
    assert vocabulary.RSA_OAEP in text
    assert vocabulary.MGF1_SHA1 in text
    said = text.replace(vocabulary.RSA_OAEP, transport)
    return etree.fromstring(said.replace(vocabulary.MGF1_SHA1, mask_function))


@pytest.mark.standard("XML Encryption 1.1", "5.5.2", "rsa-oaep-mgf1p masks with SHA-1, always")
@pytest.mark.parametrize("said", [vocabulary.MGF1_SHA256, "urn:x"])
def test_the_older_oaep_has_its_own_mask_function(said: str) -> None:
    encrypted = with_mask_function(vocabulary.RSA_OAEP_MGF1P, said)
    assert xml.text(encryption.decrypt(encrypted, [OURS])) == "4f3a"


COMMENT = NAME.replace("4f3a", "4f3a<!-- -->b")
REFUSED = {
    "cbc": lambda: encrypted_id(content=xmlsec.constants.TransformAes128Cbc),
    "rsa_1_5": lambda: encrypted_id(transport=xmlsec.constants.TransformRsaPkcs1),
    "another_key": lambda: encrypted_id(to=service_provider.rsa_key("foreign")),
    "another_element": lambda: encrypted_id(
        inside=f'<saml:Assertion xmlns:saml="{vocabulary.SAML}"/>'
    ),
    "a_comment": lambda: encrypted_id(inside=COMMENT),
    "content_not_element": lambda: edited("xmlenc#Element", "xmlenc#Content"),
    "mislabelled_as_gcm": lambda: edited(
        vocabulary.XENC + "aes128-cbc",
        vocabulary.AES128_GCM,
        content=xmlsec.constants.TransformAes128Cbc,
    ),
    "smaller_key_said": lambda: edited(vocabulary.AES256_GCM, vocabulary.AES128_GCM),
    "unknown_digest": lambda: edited(
        f'{vocabulary.RSA_OAEP_MGF1P}"/>',
        f'{vocabulary.RSA_OAEP_MGF1P}"><ds:DigestMethod xmlns:ds="{vocabulary.DS}"'
        ' Algorithm="urn:md5"/></xenc:EncryptionMethod>',
    ),
    "oaep_label": lambda: edited(
        f'{vocabulary.RSA_OAEP_MGF1P}"/>',
        f'{vocabulary.RSA_OAEP_MGF1P}"><xenc:OAEPparams>AAAA</xenc:OAEPparams>'
        "</xenc:EncryptionMethod>",
    ),
    "unknown_mask_function": lambda: with_mask_function(vocabulary.RSA_OAEP, "urn:x"),
    "oaep_under_another_name": lambda: with_mask_function(RSA_1_5, vocabulary.MGF1_SHA1),
    "no_key": lambda: edited("EncryptedKey", "Foreign"),
    "no_method": lambda: edited("EncryptionMethod", "Foreign"),
    "reference": lambda: edited("CipherValue", "CipherReference"),
    "not_base64": lambda: edited("CipherValue>", "CipherValue>*", transport=OAEP),
    "empty": lambda: etree.fromstring(f'<saml:EncryptedID xmlns:saml="{vocabulary.SAML}"/>'),
}


@pytest.mark.standard("XML Encryption 1.1", "6.1", "whatever is wrong gives the same error")
@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_opened_is_refused_alike(case: str) -> None:
    encrypted = REFUSED[case]()
    with pytest.raises(errors.InvalidMessage) as refusal:
        encryption.decrypt(encrypted, [OLD, OURS])
    assert str(refusal.value) == "decryption: it cannot be decrypted"
    assert refusal.value.__cause__ is None


def test_every_changed_octet_is_refused() -> None:
    encrypted = encrypted_id()
    values = list(encrypted.iter(f"{{{vocabulary.XENC}}}CipherValue"))
    assert len(values) == 2
    for value in values:
        octets = bytearray(base64.b64decode(value.text))
        kept = value.text
        for position in (0, 11, 12, len(octets) // 2, -1):
            changed = bytearray(octets)
            changed[position] ^= 1
            value.text = base64.b64encode(bytes(changed)).decode()
            with pytest.raises(errors.InvalidMessage):
                encryption.decrypt(encrypted, [OURS])
        for short in (b"", b"x" * 27):
            value.text = base64.b64encode(short).decode()
            with pytest.raises(errors.InvalidMessage):
                encryption.decrypt(encrypted, [OURS])
        value.text = kept


def test_many_encrypted_keys_cost_nothing() -> None:
    encrypted = encrypted_id()
    (info,) = encrypted.iter(f"{{{vocabulary.DS}}}KeyInfo")
    for _ in range(encryption.MAX_ENCRYPTED_KEYS - 1):
        info.append(copy.deepcopy(info[0]))
    assert encryption.decrypt(encrypted, [OURS]) is not None
    info.append(copy.deepcopy(info[0]))
    with pytest.raises(errors.InvalidMessage):
        encryption.decrypt(encrypted, [OURS])


@pytest.mark.parametrize(
    "inside",
    [
        b"</fragment><fragment>",
        b"<a:b xmlns:a='urn:x'/></fragment><fragment>",
        b"<b xmlns='urn:x'/><b xmlns='urn:x'/>",
        b"text <b xmlns='urn:x'/>",
        b"<b xmlns='urn:x'/> text",
        b"",
        b"text",
        b"<!DOCTYPE b []><b xmlns='urn:x'/>",
        b"<!-- c --><b xmlns='urn:x'/>",
    ],
)
def test_a_fragment_is_one_element_alone(inside: bytes) -> None:
    around = etree.fromstring('<a xmlns:x="urn:y&amp;z" xmlns="urn:d"/>')
    with pytest.raises(errors.InvalidMessage):
        xml.parse_fragment(inside, within=around)
    assert xml.parse_fragment(b"<b/>", within=around).tag == "{urn:d}b"
