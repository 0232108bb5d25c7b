"""The one way in for every type of protocol message; hostile ones are in the corpus."""

from __future__ import annotations

import pytest

from federation.saml import bindings, errors, protocol_message, soap, vocabulary, xml
from tests.attacks.saml import service_provider
from tests.attacks.saml.service_provider import ServiceProvider


def logout(kind: str = "LogoutRequest", *, inside: str = "") -> str:
    """A logout message of the service provider, unsigned."""
    content = (
        '<saml:NameID>alice</saml:NameID>' if kind == "LogoutRequest"
        else f'<samlp:Status><samlp:StatusCode Value="{vocabulary.SUCCESS}"/></samlp:Status>'
    )  # fmt: skip
    return (
        f'<samlp:{kind} xmlns:samlp="{vocabulary.SAMLP}" xmlns:saml="{vocabulary.SAML}" ID="_one"'
        ' Version="2.0" IssueInstant="2026-11-24T12:00:00Z">'
        f"<saml:Issuer>https://sp.example/metadata</saml:Issuer>{inside}{content}</samlp:{kind}>"
    )


def signed(document: str) -> bytes:
    root = xml.parse(document.encode())
    return xml.serialise(service_provider.sign(root))


def post(octets: bytes, kind: str = "SAMLRequest") -> bindings.Message:
    return bindings.Message(binding=vocabulary.POST, kind=kind, xml=octets)


@pytest.mark.parametrize(
    ("kind", "parameter"), [("LogoutRequest", "SAMLRequest"), ("LogoutResponse", "SAMLResponse")]
)
def test_a_signed_message_is_verified(sp_keys, kind: str, parameter: str) -> None:
    received = protocol_message.receive(
        post(signed(logout(kind)), parameter), name=f"samlp:{kind}", keys_of=lambda issuer: sp_keys
    )
    assert received.signed
    assert received.element.get("ID") == "_one"


def test_one_without_signature_is_said_to_be_so(sp_keys) -> None:
    received = protocol_message.receive(
        post(logout().encode()), name="samlp:LogoutRequest", keys_of=lambda issuer: sp_keys
    )
    assert not received.signed


def test_asks_for_the_keys_of_its_issuer(sp_keys) -> None:
    asked = []
    protocol_message.receive(
        post(signed(logout())),
        name="samlp:LogoutRequest",
        keys_of=lambda issuer: asked.append(issuer) or sp_keys,
    )
    assert asked == ["https://sp.example/metadata"]


@pytest.mark.parametrize(
    ("message", "name", "check"),
    [
        (post(logout().encode(), "SAMLResponse"), "samlp:LogoutRequest", "message_type"),
        (post(logout("LogoutResponse").encode()), "samlp:LogoutResponse", "message_type"),
        (post(logout().encode()), "samlp:AuthnRequest", "message_type"),
        (post(logout().replace('"2.0"', '"1.1"').encode()), "samlp:LogoutRequest", "version"),
        (post(logout().replace("alice<", "alice<x/><").encode()), "samlp:LogoutRequest", "schema"),
    ],
)
def test_refuses_another_type_version_or_shape(sp_keys, message, name: str, check: str) -> None:
    with pytest.raises(errors.InvalidMessage) as refused:
        protocol_message.receive(message, name=name, keys_of=lambda issuer: sp_keys)
    assert refused.value.check == check


def test_refuses_an_assertion_inside(sp_keys) -> None:
    """A captured assertion must not be taken for the message (saml_idp 249)."""
    inside = (
        "<samlp:Extensions>"
        '<saml:Assertion ID="_two" Version="2.0" IssueInstant="2026-11-24T12:00:00Z">'
        "<saml:Issuer>x</saml:Issuer></saml:Assertion></samlp:Extensions>"
    )
    with pytest.raises(errors.InvalidMessage) as refused:
        protocol_message.receive(
            post(logout(inside=inside).encode()),
            name="samlp:LogoutRequest",
            keys_of=lambda issuer: sp_keys,
        )
    assert refused.value.check == "nested_message"


def in_envelope(octets: bytes) -> xml.Element:
    return soap.open_envelope(soap.envelope(xml.parse(octets)))


@pytest.mark.standard("SAML Bindings", "3.2.2", "a signed message out of a SOAP body")
def test_a_message_out_of_an_envelope_is_verified(sp_keys) -> None:
    element = in_envelope(signed(logout()))
    received = protocol_message.receive_element(
        element, name="samlp:LogoutRequest", keys_of=lambda issuer: sp_keys
    )
    assert received.signed
    assert received.element is element


def test_an_altered_one_is_not(sp_keys) -> None:
    element = in_envelope(signed(logout()).replace(b"alice", b"mallory"))
    with pytest.raises(errors.InvalidSignature) as refused:
        protocol_message.receive_element(
            element, name="samlp:LogoutRequest", keys_of=lambda issuer: sp_keys
        )
    assert refused.value.check == "signature_value"


def test_a_signature_beside_the_message_is_refused(sp_keys) -> None:
    """A good signature over something else in the envelope says nothing of the message."""
    root = xml.parse(soap.envelope(xml.parse(logout().encode())))
    header = service_provider.sign(xml.parse(logout().replace("_one", "_two").encode()))
    root.insert(0, xml.new("soap:Header"))
    root[0].append(header)
    element = soap.open_envelope(xml.serialise(root))
    received = protocol_message.receive_element(
        element, name="samlp:LogoutRequest", keys_of=lambda issuer: sp_keys
    )
    assert not received.signed


@pytest.mark.parametrize(
    ("issuer", "check"),
    [
        ("", "issuer"),
        ("<saml:Issuer></saml:Issuer>", "issuer"),
        (f"<saml:Issuer>{'x' * 1025}</saml:Issuer>", "issuer"),
        (f'<saml:Issuer Format="{vocabulary.PERSISTENT}">x</saml:Issuer>', "issuer"),
    ],
)
def test_the_issuer_is_an_entity_id(sp: ServiceProvider, issuer: str, check: str) -> None:
    document = logout().replace("<saml:Issuer>https://sp.example/metadata</saml:Issuer>", issuer)
    with pytest.raises(errors.InvalidMessage) as refused:
        protocol_message.issuer(xml.parse(document.encode()))
    assert refused.value.check == check


@pytest.mark.parametrize("name", [vocabulary.ENTITY, vocabulary.UNSPECIFIED])
def test_the_issuer_may_say_that_it_is_an_entity(name: str) -> None:
    said = f'<saml:Issuer Format="{name}">'
    document = logout().replace("<saml:Issuer>", said)
    assert protocol_message.issuer(xml.parse(document.encode())) == "https://sp.example/metadata"
