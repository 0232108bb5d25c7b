"""LogoutRequest and LogoutResponse: read from what others wrote, built so that others can read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from federation.saml import (
    bindings,
    encryption,
    errors,
    logout,
    signature,
    status_response,
    vocabulary,
    xml,
)
from federation.saml.logout import OutgoingRequest, OutgoingResponse, Way
from federation.saml.name_id import NameID
from federation.saml.protocol_message import ProtocolMessage
from tests.attacks.saml import service_provider
from tests.attacks.saml.service_provider import ServiceProvider

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
SP = ServiceProvider()
NAME = '<saml:NameID Format="urn:x" NameQualifier="a" SPNameQualifier="b">n</saml:NameID>'
OURS = service_provider.rsa_key("our encryption")


def parsed(inside: str = NAME, attributes: str = "") -> Any:
    text = SP.text(tag=logout.REQUEST, inside=inside, attributes=attributes)
    root = xml.parse(text.encode())
    xml.validate(root, schema="protocol")
    return root


def read(inside: str = NAME, *, signed: bool = True, **options: Any) -> logout.LogoutRequest:
    keys = options.pop("decryption_keys", ())
    return logout.read_request(
        ProtocolMessage(parsed(inside, **options), signed), decryption_keys=keys
    )


def test_everything_that_a_request_says() -> None:
    inside = f"{NAME}<samlp:SessionIndex> one </samlp:SessionIndex><samlp:SessionIndex>two"
    request = read(
        f"{inside}</samlp:SessionIndex>", attributes='NotOnOrAfter="2026-11-28T12:00:00Z"'
    )
    assert request.name_id == NameID("n", "urn:x", "a", "b")
    assert request.session_indexes == ("one", "two")
    assert request.not_on_or_after == NOW
    assert (request.issuer, request.destination) == (SP.entity_id, SP.destination)
    assert (request.signed, request.asynchronous) == (True, False)


def test_what_it_does_not_say() -> None:
    request = read()
    assert (request.session_indexes, request.not_on_or_after) == ((), None)


def test_nobody_waits_for_an_answer() -> None:
    extension = f'<aslo:Asynchronous xmlns:aslo="{vocabulary.ASLO}"/>'
    request = read(f"<samlp:Extensions>{extension}</samlp:Extensions>{NAME}")
    assert request.asynchronous
    other = '<x:Asynchronous xmlns:x="urn:other"/>'
    assert not read(f"<samlp:Extensions>{other}</samlp:Extensions>{NAME}").asynchronous


def encrypted(key: rsa.RSAPrivateKey = OURS, name: str = NAME) -> str:
    """An EncryptedID to us, as text."""
    certificate = service_provider.base64_der(service_provider.certificate(key))
    declared = name.replace("<saml:NameID", f'<saml:NameID xmlns:saml="{vocabulary.SAML}"')
    content = xml.parse(declared.encode())
    element = encryption.encrypt(content, key=encryption.encryption_key(certificate, ()))
    text = xml.serialise(element).decode()
    return text.replace("EncryptedAssertion", "EncryptedID")


def test_a_plain_name_needs_no_key() -> None:
    assert read(decryption_keys=(OURS,)).name_id == NameID("n", "urn:x", "a", "b")


def test_an_encrypted_name_is_decrypted_with_either_key() -> None:
    older = service_provider.rsa_key("our older encryption")
    for key in (OURS, older):
        request = read(encrypted(key), decryption_keys=(OURS, older))
        assert request.name_id == NameID("n", "urn:x", "a", "b")


@pytest.mark.parametrize(
    ("options", "check"),
    [
        ({"decryption_keys": ()}, "name_id"),
        ({"decryption_keys": (service_provider.rsa_key("another"),)}, "decryption"),
        # Nothing is decrypted for a stranger.
        ({"decryption_keys": (OURS,), "signed": False}, "name_id"),
    ],
)
def test_an_encrypted_name_that_cannot_be_read(options: dict[str, Any], check: str) -> None:
    with pytest.raises(errors.InvalidMessage) as caught:
        read(encrypted(), **options)
    assert caught.value.check == check


def test_something_else_in_place_of_the_name() -> None:
    issuer = f'<saml:Issuer xmlns:saml="{vocabulary.SAML}">n</saml:Issuer>'
    with pytest.raises(errors.InvalidMessage) as caught:
        read(encrypted(name=issuer), decryption_keys=(OURS,))
    assert caught.value.check == "decryption"


def outgoing(destination: str | None = "https://sp.example/slo") -> OutgoingRequest:
    return OutgoingRequest(
        issuer="https://idp.example",
        destination=destination,
        issue_instant=NOW,
        not_on_or_after=NOW + timedelta(minutes=5),
        name_id=NameID("n<", "urn:x", "a", "b"),
        session_index="index",
    )


def test_a_request_of_ours_reads_as_it_was_meant() -> None:
    element = logout.build_request(outgoing())
    xml.validate(element, schema="protocol")
    request = logout.read_request(ProtocolMessage(element, signed=False))
    assert request.name_id == NameID("n<", "urn:x", "a", "b")
    assert (request.session_indexes, request.id) == (("index",), element.get("ID"))
    assert request.not_on_or_after == NOW + timedelta(minutes=5)
    assert request.destination == "https://sp.example/slo"
    assert element.get("Reason") == "urn:oasis:names:tc:SAML:2.0:logout:user"


@pytest.mark.standard("SAML Bindings", "3.2.2", "a request over SOAP may leave the address out")
def test_a_request_without_destination() -> None:
    element = logout.build_request(outgoing(destination=None))
    xml.validate(element, schema="protocol")
    assert logout.read_request(ProtocolMessage(element, signed=False)).destination is None


@pytest.mark.parametrize("value", ["", "x" * 257, "\0"])
def test_a_name_that_cannot_be_said(value: str) -> None:
    with pytest.raises(errors.InvalidContent):
        logout.build_request(
            OutgoingRequest(
                issuer="i",
                destination=None,
                issue_instant=NOW,
                not_on_or_after=NOW,
                name_id=NameID(value),
                session_index="x",
            )
        )


def response(*status: str, destination: str | None = "https://sp.example/slo") -> Any:
    element = logout.build_response(
        OutgoingResponse(
            issuer="https://idp.example",
            destination=destination,
            in_response_to="_request",
            issue_instant=NOW,
            status=status,
            message="words",
        )
    )
    xml.validate(element, schema="protocol")
    return element


def test_an_answer_of_ours_reads_as_it_was_meant() -> None:
    element = response(vocabulary.SUCCESS, vocabulary.PARTIAL_LOGOUT)
    answer = logout.read_response(ProtocolMessage(element, signed=True))
    assert answer.status == (vocabulary.SUCCESS, vocabulary.PARTIAL_LOGOUT)
    assert (answer.in_response_to, answer.destination) == ("_request", "https://sp.example/slo")
    assert response(vocabulary.SUCCESS, destination=None).get("Destination") is None


def test_more_codes_than_anybody_defined() -> None:
    with pytest.raises(errors.InvalidMessage) as caught:
        status_response.read_status(response("a", "b", "c"))
    assert caught.value.check == "status"


KEY = signature.SigningKey(SP.key, service_provider.pem(SP.certificate))
VERIFY = signature.verification_key(service_provider.base64_der(SP.certificate))


@pytest.mark.parametrize("relay_state", [None, "a b&c=ä"])
def test_by_redirect_the_address_alone_is_signed(relay_state: str | None) -> None:
    way = Way(vocabulary.REDIRECT, "https://sp.example/slo?tenant=1", relay_state)
    url = logout.send(response(vocabulary.SUCCESS), by=way, kind="SAMLResponse", key=KEY)
    assert isinstance(url, str)
    assert url.startswith("https://sp.example/slo?tenant=1&SAMLResponse=")
    message = bindings.decode_redirect(url.partition("&")[2])
    bindings.verify_redirect(message, keys=[VERIFY])
    assert message.relay_state == relay_state
    assert not signature.is_signed(xml.parse(message.xml))


def test_by_post_the_message_is_signed() -> None:
    way = Way(vocabulary.POST, "https://sp.example/slo", "r")
    form = logout.send(response(vocabulary.SUCCESS), by=way, kind="SAMLRequest", key=KEY)
    assert isinstance(form, bindings.PostForm)
    assert [name for name, _ in form.fields] == ["SAMLRequest", "RelayState"]
    message = bindings.decode_post(service_provider.urlencode(dict(form.fields)).encode())
    assert signature.verify(xml.parse(message.xml), keys=[VERIFY]) is not None


RECEIVED = {
    "SAMLRequest": (logout.receive_request, logout.receive_request_element),
    "SAMLResponse": (logout.receive_response, logout.receive_response_element),
}


@pytest.mark.parametrize("kind", RECEIVED)
def test_each_is_received_by_every_binding_and_never_for_the_other(kind: str) -> None:
    def built(kind: str) -> Any:
        if kind == "SAMLRequest":
            return logout.build_request(outgoing())
        return response(vocabulary.SUCCESS)

    def keys_of(issuer: str) -> list[signature.VerificationKey]:
        assert issuer == "https://idp.example"
        return [VERIFY]

    by_message, by_element = RECEIVED[kind]
    (other,) = RECEIVED.keys() - {kind}
    for binding in (vocabulary.REDIRECT, vocabulary.POST):
        way = Way(binding, "https://sp.example/slo", None)
        for sent in (kind, other):
            made = logout.send(built(sent), by=way, kind=sent, key=KEY)
            if isinstance(made, str):
                message = bindings.decode_redirect(made.partition("?")[2])
            else:
                message = bindings.decode_post(urlencode(made.fields).encode())
            if sent == kind:
                assert by_message(message, keys_of=keys_of).signed
            else:
                with pytest.raises(errors.InvalidMessage):
                    by_message(message, keys_of=keys_of)
    element = built(kind)
    signature.sign(element, key=KEY)
    assert by_element(element, keys_of=keys_of).signed
    with pytest.raises(errors.InvalidMessage):
        by_element(built(other), keys_of=keys_of)
