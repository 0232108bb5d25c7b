"""A message shown to administrators: complete, but for people and secrets."""

from __future__ import annotations

from typing import Any

import pytest

from federation.saml import assertion, encryption, redaction, response, xml
from tests.attacks.saml import service_provider
from tests.attacks.saml.service_provider import ServiceProvider

SECRET = "s3cret-value"
NAME = "alice@example.org"


def test_a_request_is_shown_indented_with_all_that_it_asks(sp: ServiceProvider) -> None:
    shown = redaction.readable(sp.text(identifier="_id").encode())
    assert shown.startswith("<samlp:AuthnRequest")
    assert f'AssertionConsumerServiceURL="{sp.acs_url}"' in shown
    assert f"<saml:Issuer>{sp.entity_id}</saml:Issuer>" in shown
    assert shown.count("\n") >= 2


def test_names_and_values_of_people_become_their_length(make_assertion: Any) -> None:
    content = make_assertion(attributes=(assertion.Attribute("mail", (NAME,)),))
    shown = redaction.readable_element(assertion.build(content))
    assert NAME not in shown
    assert f">{content.name_id.value}<" not in shown
    assert f'"{content.session_index}"' not in shown
    assert "<saml:AttributeValue>(17 characters)</saml:AttributeValue>" in shown
    for told in (
        content.audience,
        content.recipient,
        content.authn_context_class_ref,
        'Name="mail"',
    ):
        assert told in shown


def test_signatures_and_certificates_keep_their_beginning(make_assertion: Any, key: Any) -> None:
    sent = response.build_signed_response(make_assertion(), protection=response.Protection(key=key))
    shown = redaction.readable(sent)
    assert f"<ds:X509Certificate>{key.certificate[:16]}… (" in shown
    assert key.certificate[:40] not in shown
    assert "<ds:DigestValue>" in shown
    assert "SignatureMethod" in shown


def test_ciphertext_is_shortened(make_assertion: Any, key: Any, sp: ServiceProvider) -> None:
    to = encryption.encryption_key(service_provider.base64_der(sp.certificate))
    sent = response.build_signed_response(
        make_assertion(), protection=response.Protection(key=key, encrypt_to=to)
    )
    shown = redaction.readable(sent)
    assert "EncryptedAssertion" in shown
    assert len(shown) < len(sent)


@pytest.mark.parametrize(
    "inside",
    [
        f'<samlp:Extensions><x:t xmlns:x="urn:x">{SECRET}</x:t></samlp:Extensions>',
        f'<samlp:Extensions><x:t xmlns:x="urn:x" y="{SECRET}"/></samlp:Extensions>',
        f"<saml:Subject><saml:NameID>{SECRET}</saml:NameID></saml:Subject>",
        f'<saml:Subject><saml:NameID SPProvidedID="{SECRET}">x</saml:NameID></saml:Subject>',
        f'<saml:Subject><saml:NameID xmlns:x="urn:x" x:y="{SECRET}">z</saml:NameID></saml:Subject>',
        f"<samlp:Extensions><x xmlns='urn:x'> <y>{SECRET}<z/>{SECRET}</y>{SECRET}</x>"
        "</samlp:Extensions>",
    ],
)
def test_what_is_not_known_to_be_harmless_is_not_shown(sp: ServiceProvider, inside: str) -> None:
    shown = redaction.readable(sp.text(inside=inside).encode())
    assert SECRET not in shown
    assert "characters)" in shown


@pytest.mark.parametrize(
    "broken",
    [
        f"<a><saml:NameID>{SECRET}",
        f"<a>{SECRET}</b>",
        f"<a>x>{SECRET}<b/></a>\x00",
        f"<a><![CDATA[{SECRET}]]></b>",
        f"<a><!-- {SECRET} --></b>",
        f"<a><![CDATA[{SECRET}",
        f"<!DOCTYPE a><a>{SECRET}</a>",
    ],
)
def test_what_cannot_be_parsed_is_shown_without_its_text(broken: str) -> None:
    shown = redaction.readable(broken.encode())
    assert SECRET not in shown
    assert "<a" in shown


def test_what_is_shown_is_shown_whole_or_cut(sp: ServiceProvider) -> None:
    long = "https://sp.example/" + "x" * redaction.MAX_VALUE
    text = sp.text(attributes=f'ProviderName="{long}"')
    shown = redaction.readable(text.encode())
    assert f"{long[: redaction.MAX_VALUE]}…" in shown
    assert long not in shown


def test_is_bounded(sp: ServiceProvider) -> None:
    many = "".join(f'<x xmlns="urn:x{number}"/>' for number in range(60)) + "<y>t</y>" * 900
    whole = sp.text(inside=f"<samlp:Extensions>{many}</samlp:Extensions>").encode()
    for data in (whole, whole + b"<", b"<a>" * 60_000):
        assert len(redaction.readable(data)) <= redaction.MAX_SHOWN + 2


def test_a_signed_message_is_not_changed_by_being_shown(sp: ServiceProvider) -> None:
    data = service_provider.octets(sp.signed())
    before = bytes(data)
    redaction.readable(data)
    assert data == before
    assert xml.parse(data) is not None
