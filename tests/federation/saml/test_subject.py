"""The Subject of a request: plain, or encrypted to us by somebody who is known."""

from __future__ import annotations

from typing import Any

import pytest
from lxml import etree

from federation.saml import encryption, errors, subject, vocabulary, xml
from federation.saml.name_id import NameID
from tests.attacks.saml import service_provider

OURS = service_provider.rsa_key("our encryption")
PLAIN = f'<saml:NameID Format="{vocabulary.EMAIL_ADDRESS}">a@example.org</saml:NameID>'
NAME = NameID("a@example.org", vocabulary.EMAIL_ADDRESS)


def element(inside: str) -> Any:
    return etree.fromstring(f'<saml:Subject xmlns:saml="{vocabulary.SAML}">{inside}</saml:Subject>')


def encrypted(inside: str = PLAIN) -> str:
    """An EncryptedID to us, as text."""
    certificate = service_provider.base64_der(service_provider.certificate(OURS))
    content = element(inside)[0]
    alone = xml.parse(etree.tostring(content))
    sealed = encryption.encrypt(alone, key=encryption.encryption_key(certificate, ()))
    return xml.serialise(sealed).decode().replace("EncryptedAssertion", "EncryptedID")


def test_plain_asks_for_no_key() -> None:
    def never() -> Any:
        raise AssertionError("nothing was encrypted")

    assert subject.read(element(PLAIN), keys=never) == NAME


@pytest.mark.standard("SAML Core", "2.2.4", "an EncryptedID is opened with either of our keys")
def test_encrypted() -> None:
    other = service_provider.rsa_key("our older encryption")
    for keys in ((OURS,), (other, OURS)):
        assert subject.read(element(encrypted()), keys=lambda keys=keys: keys) == NAME


@pytest.mark.parametrize(
    ("inside", "check"),
    [
        ("", "subject"),
        ("<saml:BaseID/>", "subject"),
        (encrypted("<saml:Issuer>a</saml:Issuer>"), "subject"),
        ("<saml:EncryptedID/>", "subject"),
        (PLAIN * 2, "exactly_one"),
    ],
)
def test_refuses(inside: str, check: str) -> None:
    with pytest.raises(errors.InvalidMessage) as caught:
        subject.read(element(inside), keys=lambda: (OURS,))
    assert caught.value.check == check


def test_nothing_is_decrypted_without_a_key() -> None:
    with pytest.raises(errors.InvalidMessage):
        subject.read(element(encrypted()), keys=subject.no_keys)
    with pytest.raises(errors.InvalidMessage):
        subject.read(element(encrypted()), keys=lambda: (service_provider.rsa_key("another"),))
