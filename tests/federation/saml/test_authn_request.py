"""AuthnRequests as typed values, and requests made by a real service provider toolkit."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from onelogin.saml2.auth import OneLogin_Saml2_Auth

from federation.saml import (
    authn_request,
    bindings,
    encryption,
    errors,
    name_id,
    signature,
    vocabulary,
    xml,
)
from tests.attacks.saml import service_provider
from tests.attacks.saml.service_provider import ServiceProvider

PASSWORD = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"


def receive(sp: ServiceProvider, document, keys=()) -> authn_request.AuthnRequest:
    message = bindings.decode_post(sp.post(document))
    return authn_request.receive(message, keys_of=lambda issuer: keys)


@pytest.mark.standard("SAML Core", "3.4.1", "what a request without options says")
def test_the_smallest_request(sp: ServiceProvider) -> None:
    document = (
        f'<AuthnRequest xmlns="{vocabulary.SAMLP}" ID="_a" Version="2.0" '
        f'IssueInstant="2026-11-24T12:00:00Z"><Issuer xmlns="{vocabulary.SAML}">'
        "\n  https://sp.example/metadata\n</Issuer></AuthnRequest>"
    )
    assert receive(sp, document) == authn_request.AuthnRequest(
        id="_a",
        issuer="https://sp.example/metadata",
        issue_instant=datetime(2026, 11, 24, 12, tzinfo=UTC),
        signed=False,
    )


@pytest.mark.standard("SAML Core", "3.4.1", "every option of a request")
def test_everything_a_request_can_say(sp: ServiceProvider, sp_keys) -> None:
    inside = f"""
      <saml:Subject><saml:NameID Format="{vocabulary.EMAIL_ADDRESS}" NameQualifier="n"
        SPNameQualifier="s">alice@example.org</saml:NameID></saml:Subject>
      <samlp:NameIDPolicy Format="{vocabulary.PERSISTENT}" SPNameQualifier="q" AllowCreate="1"/>
      <saml:Conditions NotBefore="2026-11-24T12:00:00Z" NotOnOrAfter="2026-11-24T12:05:00Z"/>
      <samlp:RequestedAuthnContext Comparison="minimum">
        <saml:AuthnContextClassRef> {PASSWORD} </saml:AuthnContextClassRef>
        <saml:AuthnContextClassRef>urn:x</saml:AuthnContextClassRef>
      </samlp:RequestedAuthnContext>
      <samlp:Scoping ProxyCount="2"><samlp:IDPList><samlp:IDPEntry ProviderID="urn:idp"/>
      </samlp:IDPList><samlp:RequesterID>urn:r</samlp:RequesterID></samlp:Scoping>"""
    attributes = (
        f'ForceAuthn="true" IsPassive="0" ProtocolBinding="{vocabulary.POST}" '
        'ProviderName="An SP" AttributeConsumingServiceIndex="7"'
    )
    request = receive(sp, sp.signed(inside=inside, attributes=attributes), sp_keys)
    assert request.signed
    assert request.destination == sp.destination
    assert request.acs_url == sp.acs_url
    assert request.protocol_binding == vocabulary.POST
    assert request.provider_name == "An SP"
    assert request.attribute_consuming_service_index == 7
    assert (request.force_authn, request.is_passive) == (True, False)
    assert request.name_id_policy == name_id.NameIDPolicy(vocabulary.PERSISTENT, "q", True)
    assert request.subject == name_id.NameID(
        "alice@example.org", vocabulary.EMAIL_ADDRESS, "n", "s"
    )
    assert request.not_before == datetime(2026, 11, 24, 12, tzinfo=UTC)
    assert request.not_on_or_after == datetime(2026, 11, 24, 12, 5, tzinfo=UTC)
    assert request.requested_authn_context == authn_request.RequestedAuthnContext(
        "minimum", (PASSWORD, "urn:x")
    )
    assert request.scoping == authn_request.Scoping(2, ("urn:idp",), ("urn:r",))


def test_the_least_that_elements_can_say(sp: ServiceProvider) -> None:
    inside = (
        "<samlp:NameIDPolicy/><saml:Conditions/><samlp:RequestedAuthnContext>"
        "<saml:AuthnContextDeclRef>urn:d</saml:AuthnContextDeclRef></samlp:RequestedAuthnContext>"
        "<samlp:Scoping/>"
    )
    request = receive(sp, sp.text(inside=inside))
    assert request.name_id_policy == name_id.NameIDPolicy()
    assert (request.not_before, request.not_on_or_after) == (None, None)
    assert request.requested_authn_context == authn_request.RequestedAuthnContext(
        "exact", (), ("urn:d",)
    )
    assert request.scoping == authn_request.Scoping()


def test_assertion_consumer_service_by_index(sp: ServiceProvider) -> None:
    document = sp.text().replace(
        f'AssertionConsumerServiceURL="{sp.acs_url}"', 'AssertionConsumerServiceIndex="3"'
    )
    assert receive(sp, document).acs_index == 3


def test_subject_confirmation_is_overlooked(sp: ServiceProvider) -> None:
    """OneLogin's toolkits send one, which SAML Profiles §4.1.4.1 does not want."""
    inside = (
        "<saml:Subject><saml:NameID>alice</saml:NameID>"
        f'<saml:SubjectConfirmation Method="{vocabulary.BEARER}"/></saml:Subject>'
    )
    assert receive(sp, sp.text(inside=inside)).subject == name_id.NameID("alice")


@pytest.mark.standard("SAML Core", "2.2.4", "an EncryptedID, of a signed request alone")
def test_nothing_is_decrypted_for_a_stranger(sp: ServiceProvider, sp_keys) -> None:
    ours = service_provider.rsa_key("our encryption")
    public = service_provider.base64_der(service_provider.certificate(ours))
    name = xml.parse(f'<saml:NameID xmlns:saml="{vocabulary.SAML}">alice</saml:NameID>'.encode())
    sealed = encryption.encrypt(name, key=encryption.encryption_key(public))
    text = xml.serialise(sealed).decode().replace("EncryptedAssertion", "EncryptedID")
    inside = f"<saml:Subject>{text}</saml:Subject>"
    asked = []

    def decryption_keys() -> list[rsa.RSAPrivateKey]:
        asked.append(ours)
        return [ours]

    def received(document) -> authn_request.AuthnRequest:
        return authn_request.receive(
            bindings.decode_post(sp.post(document)),
            keys_of=lambda issuer: sp_keys,
            decryption_keys=decryption_keys,
        )

    assert received(sp.signed(inside=inside)).subject == name_id.NameID("alice")
    assert asked
    asked.clear()
    with pytest.raises(errors.InvalidMessage) as refused:
        received(sp.text(inside=inside))
    assert (refused.value.check, asked) == ("subject", [])


@pytest.mark.standard("SAML Core", "1.1", "strings of 256 characters are taken")
def test_long_strings(sp: ServiceProvider) -> None:
    long = "x" * 256
    inside = f"<saml:Subject><saml:NameID>{long}</saml:NameID></saml:Subject>"
    request = receive(
        sp,
        sp.text(identifier="_" + "x" * 255, attributes=f'ProviderName="{long}"', inside=inside),
    )
    assert request.provider_name == long
    assert request.subject == name_id.NameID(long)


def test_extensions_are_overlooked(sp: ServiceProvider, sp_keys) -> None:
    inside = '<samlp:Extensions><x:a xmlns:x="urn:x" y="z">text</x:a></samlp:Extensions>'
    assert receive(sp, sp.signed(inside=inside), sp_keys).signed


def test_keys_are_asked_for_by_issuer(sp: ServiceProvider, sp_keys) -> None:
    asked = []

    def keys_of(issuer: str) -> list[signature.VerificationKey]:
        asked.append(issuer)
        return sp_keys

    for document in (sp.signed(), sp.element()):
        authn_request.receive(bindings.decode_post(sp.post(document)), keys_of=keys_of)
    authn_request.receive(
        bindings.decode_redirect(sp.redirect(sp.text()).decode()), keys_of=keys_of
    )
    assert asked == [sp.entity_id] * 3


class UnknownIssuer(Exception):
    """What the caller raises where there is no such service provider."""


@pytest.mark.parametrize("signed", [True, False])
def test_an_unknown_issuer_is_the_callers_error(sp: ServiceProvider, signed: bool) -> None:
    def keys_of(issuer: str) -> list[signature.VerificationKey]:
        raise UnknownIssuer(issuer)

    message = bindings.decode_post(sp.post(sp.signed() if signed else sp.text()))
    with pytest.raises(UnknownIssuer):
        authn_request.receive(message, keys_of=keys_of)


def test_signed_without_known_keys_is_refused(sp: ServiceProvider) -> None:
    """Nobody can say that this signature is good, so it is not."""
    with pytest.raises(errors.InvalidSignature) as refused:
        receive(sp, sp.signed())
    assert refused.value.check == "no_key"


def test_a_removed_signature_is_seen_by_the_caller(sp: ServiceProvider, sp_keys) -> None:
    root = sp.signed()
    root.remove(root[1])
    assert receive(sp, root, sp_keys).signed is False


def toolkit(sp: ServiceProvider, idp: str, **security) -> OneLogin_Saml2_Auth:
    """python3-saml as the service provider."""
    settings = {
        "strict": True,
        "sp": {
            "entityId": sp.entity_id,
            "assertionConsumerService": {"url": sp.acs_url, "binding": vocabulary.POST},
            "NameIDFormat": vocabulary.PERSISTENT,
            "x509cert": service_provider.pem(sp.certificate),
            "privateKey": service_provider.private_pem(sp.key).decode(),
        },
        "idp": {
            "entityId": idp,
            "singleSignOnService": {"url": sp.destination, "binding": vocabulary.REDIRECT},
            "x509cert": service_provider.base64_der(sp.certificate),
        },
        "security": {
            "signatureAlgorithm": vocabulary.RSA_SHA256,
            "digestAlgorithm": vocabulary.SHA256,
            **security,
        },
    }
    request = {"https": "on", "http_host": "sp.example", "script_name": "/", "get_data": {}}
    return OneLogin_Saml2_Auth({**request, "post_data": {}}, settings)


@pytest.mark.parametrize("signed", [True, False])
def test_takes_requests_of_python3_saml(sp: ServiceProvider, sp_keys, signed: bool) -> None:
    auth = toolkit(sp, "https://idp.example", authnRequestsSigned=signed)
    location = auth.login(
        return_to="https://sp.example/after?a=b c", force_authn=True, name_id_value_req="alice"
    )
    message = bindings.decode_redirect(urlsplit(location).query)
    request = authn_request.receive(message, keys_of=lambda _: sp_keys)
    assert request.signed is signed
    assert request.force_authn
    assert request.id == auth.get_last_request_id()
    assert request.acs_url == sp.acs_url
    assert request.issuer == sp.entity_id
    assert request.subject is not None
    assert request.subject.value == "alice"
    assert request.name_id_policy == name_id.NameIDPolicy(vocabulary.PERSISTENT, "", True)
    assert request.requested_authn_context is not None
    assert request.requested_authn_context.class_refs == (PASSWORD,)
    assert message.relay_state == "https://sp.example/after?a=b c"
