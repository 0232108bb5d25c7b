"""The signed Response, judged by xmlsec and by python3-saml as a strict service provider."""

from __future__ import annotations

import base64
import itertools
from datetime import UTC, datetime

import pytest
from onelogin.saml2.response import OneLogin_Saml2_Response
from onelogin.saml2.settings import OneLogin_Saml2_Settings

from federation.saml import (
    encryption,
    errors,
    name_id,
    response,
    signature,
    status_response,
    vocabulary,
    xml,
)
from federation.saml.assertion import Attribute
from federation.saml.attribute_assertion import AttributeAssertion
from tests.attacks.saml import service_provider
from tests.federation.saml.conftest import IDP, verification_key


def encryption_key(sp) -> encryption.EncryptionKey:
    return encryption.encryption_key(service_provider.base64_der(sp.certificate))


def strict_service_provider(sp, key: signature.SigningKey, **security) -> OneLogin_Saml2_Settings:
    return OneLogin_Saml2_Settings(
        {
            "strict": True,
            "sp": {
                "entityId": sp.entity_id,
                "assertionConsumerService": {"url": sp.acs_url, "binding": vocabulary.POST},
                "x509cert": service_provider.pem(sp.certificate),
                "privateKey": service_provider.private_pem(sp.key).decode(),
            },
            "idp": {
                "entityId": IDP,
                "singleSignOnService": {"url": sp.destination, "binding": vocabulary.REDIRECT},
                "x509cert": key.certificate,
            },
            "security": {
                "wantNameId": True,
                "wantAttributeStatement": True,
                "rejectDeprecatedAlgorithm": True,
                **security,
            },
        }
    )


ATTRIBUTES = AttributeAssertion(
    issuer=IDP,
    audience="https://sp.example/metadata",
    name_id=name_id.NameID("4f3a", vocabulary.PERSISTENT),
    issue_instant=datetime(2026, 11, 24, 12, tzinfo=UTC),
    attributes=(Attribute("a", ("1",)),),
)
REQUEST = {
    "https": "on",
    "http_host": "sp.example",
    "script_name": "/acs",
    "get_data": {},
    "post_data": {},
}


def accepted(octets: bytes, settings: OneLogin_Saml2_Settings) -> OneLogin_Saml2_Response:
    received = OneLogin_Saml2_Response(settings, base64.b64encode(octets))
    assert received.is_valid(REQUEST, request_id="_request"), received.get_error()
    return received


@pytest.mark.standard("SAML Profiles", "4.1.4", "a strict service provider takes the Response")
@pytest.mark.parametrize("encrypted", [False, True])
@pytest.mark.parametrize(
    "algorithm", [None, vocabulary.RSA_SHA256, vocabulary.RSA_SHA384, vocabulary.RSA_SHA512]
)
def test_python3_saml_takes_it(sp, key, make_assertion, encrypted: bool, algorithm) -> None:
    protection = response.Protection(
        key=key, algorithm=algorithm, encrypt_to=encryption_key(sp) if encrypted else None
    )
    octets = response.build_signed_response(make_assertion(), protection=protection)
    settings = strict_service_provider(
        sp,
        key,
        wantMessagesSigned=True,
        wantAssertionsSigned=True,
        wantAssertionsEncrypted=encrypted,
    )
    received = accepted(octets, settings)
    assert received.get_nameid() == "4f3a"
    assert received.get_nameid_format() == vocabulary.PERSISTENT
    assert received.get_session_index() == "_session"
    assert received.get_attributes() == {
        "urn:oid:0.9.2342.19200300.100.1.3": ["alice@example.org"],
        "groups": ["staff", "users"],
    }
    assert received.get_friendlyname_attributes() == {"mail": ["alice@example.org"]}


@pytest.mark.parametrize(("sign_response", "sign_assertion"), [(True, False), (False, True)])
@pytest.mark.parametrize("encrypted", [False, True])
def test_one_signature_is_enough_where_one_is_wanted(
    sp, key, make_assertion, sign_response: bool, sign_assertion: bool, encrypted: bool
) -> None:
    protection = response.Protection(
        key=key,
        sign_response=sign_response,
        sign_assertion=sign_assertion,
        encrypt_to=encryption_key(sp) if encrypted else None,
    )
    octets = response.build_signed_response(make_assertion(), protection=protection)
    settings = strict_service_provider(
        sp, key, wantMessagesSigned=sign_response, wantAssertionsSigned=sign_assertion
    )
    received = accepted(octets, settings)
    opened = received.decrypted_document if encrypted else received.document
    assert len(list(opened.iter(vocabulary.name("ds:Signature")))) == 1


def test_signs_both_by_default(key, make_assertion) -> None:
    octets = response.build_signed_response(
        make_assertion(), protection=response.Protection(key=key)
    )
    root = xml.parse(octets)
    keys = [verification_key(key)]
    assert signature.verify(root, keys=keys) is root
    element = xml.child(root, "saml:Assertion")
    assert signature.verify(element, keys=keys) is element


@pytest.mark.parametrize("content", [ATTRIBUTES, None])
@pytest.mark.standard("SAML Profiles", "6.4.2", "the Response to an AttributeQuery is signed")
def test_the_answer_to_a_query(key, now, content: AttributeAssertion | None) -> None:
    answer = response.answer_query(
        content,
        issuer=IDP,
        in_response_to="_query",
        issue_instant=now,
        protection=response.Protection(key=key),
    )
    xml.validate(answer, schema="protocol")
    assert signature.verify(answer, keys=[verification_key(key)]) is answer
    assert status_response.read_status(answer) == (vocabulary.SUCCESS,)
    assert (answer.get("InResponseTo"), answer.get("Destination")) == ("_query", None)
    assert (xml.child(answer, "saml:Assertion") is not None) is (content is not None)


def test_never_signs_nothing(key) -> None:
    with pytest.raises(errors.InvalidContent):
        response.Protection(key=key, sign_response=False, sign_assertion=False)


@pytest.mark.standard("SAML Core", "3.2.2", "what a Response carries")
def test_response_attributes(sp, key, make_assertion, now) -> None:
    octets = response.build_signed_response(
        make_assertion(issue_instant=now),
        protection=response.Protection(key=key),
        response_id="_answer",
    )
    root = xml.parse(octets)
    assert dict(root.attrib) == {
        "ID": "_answer",
        "Version": "2.0",
        "IssueInstant": "2026-11-24T12:00:00Z",
        "Destination": sp.acs_url,
        "InResponseTo": "_request",
    }
    assert [child.tag.rpartition("}")[2] for child in root] == [
        "Issuer",
        "Signature",
        "Status",
        "Assertion",
    ]
    assert xml.text(xml.child(root, "saml:Issuer")) == IDP


def test_unsolicited_has_no_in_response_to_anywhere(key, make_assertion) -> None:
    octets = response.build_signed_response(
        make_assertion(in_response_to=None), protection=response.Protection(key=key)
    )
    assert b"InResponseTo" not in octets


@pytest.mark.standard("SAML Profiles", "4.1.4.2", "exactly one assertion and AuthnStatement")
@pytest.mark.parametrize("encrypted", [False, True])
def test_exactly_one_assertion_valid_by_the_schema(sp, key, make_assertion, encrypted) -> None:
    protection = response.Protection(key=key, encrypt_to=encryption_key(sp) if encrypted else None)
    octets = response.build_signed_response(make_assertion(), protection=protection)
    root = xml.parse(octets)
    xml.validate(root, schema="protocol")
    counts = {
        name: len(list(root.iter(vocabulary.name(f"saml:{name}"))))
        for name in ("Assertion", "EncryptedAssertion", "AuthnStatement", "AttributeStatement")
    }
    shown = 0 if encrypted else 1
    assert counts == {
        "Assertion": shown,
        "EncryptedAssertion": 1 - shown,
        "AuthnStatement": shown,
        "AttributeStatement": shown,
    }
    assert (b"alice@example.org" in octets) is not encrypted


def test_ids_are_never_reused(key, make_assertion) -> None:
    content = make_assertion()
    protection = response.Protection(key=key)
    roots = [
        xml.parse(response.build_signed_response(content, protection=protection)) for _ in range(2)
    ]
    assert roots[0].get("ID") != roots[1].get("ID")


def test_signs_with_elliptic_curves(sp, ec_key, make_assertion) -> None:
    octets = response.build_signed_response(
        make_assertion(), protection=response.Protection(key=ec_key)
    )
    root = xml.parse(octets)
    signature.verify(root, keys=[verification_key(ec_key)])


def test_refuses_values_it_cannot_say(key, make_assertion) -> None:
    content = make_assertion(name_id=name_id.NameID("a\0"))
    with pytest.raises(errors.InvalidContent) as refused:
        response.build_signed_response(content, protection=response.Protection(key=key))
    assert "a\0" not in refused.value.description


STATUS_ERRORS = [
    errors.AuthnFailed,
    errors.NoPassive,
    errors.NoAuthnContext,
    errors.InvalidNameIDPolicy,
    errors.RequestDenied,
    errors.RequestUnsupported,
    errors.UnknownPrincipal,
]


@pytest.mark.standard("SAML Core", "3.2.2.2", "nested status codes")
@pytest.mark.parametrize("error", STATUS_ERRORS)
def test_error_responses(sp, key, error: type[errors.StatusError]) -> None:
    octets = response.build_error_response(
        response.ErrorResponse(
            issuer=IDP,
            destination=sp.acs_url,
            in_response_to="_request",
            issue_instant=datetime.now(UTC),
            status=error.status,
            message="a <message>",
        ),
        key=key,
    )
    root = xml.parse(octets)
    xml.validate(root, schema="protocol")
    signature.verify(root, keys=[verification_key(key)])
    codes = [code.get("Value") for code in root.iter(vocabulary.name("samlp:StatusCode"))]
    assert codes == list(error.status)
    assert codes[0] in (vocabulary.REQUESTER, vocabulary.RESPONDER)
    received = OneLogin_Saml2_Response(strict_service_provider(sp, key), base64.b64encode(octets))
    assert not received.is_valid(REQUEST, request_id="_request")
    assert "a <message>" in received.get_error()


def test_error_response_without_message_or_request(sp, key) -> None:
    octets = response.build_error_response(
        response.ErrorResponse(
            issuer=IDP,
            destination=sp.acs_url,
            in_response_to=None,
            issue_instant=datetime.now(UTC),
            status=errors.StatusError.status,
        ),
        key=key,
    )
    assert b"StatusMessage" not in octets
    assert b"InResponseTo" not in octets


def changed(octets: bytes, change: tuple[bytes, bytes]) -> bytes:
    assert change[0] in octets
    return octets.replace(*change, 1)


@pytest.mark.parametrize(
    "change",
    [
        (b"alice@example.org", b"admin@example.org"),
        (b"4f3a", b"4f3b"),
        (b"_session", b"_sessiox"),
        (b"status:Success", b"status:Successs"),
    ],
)
def test_no_change_survives(key, make_assertion, change: tuple[bytes, bytes]) -> None:
    octets = response.build_signed_response(
        make_assertion(), protection=response.Protection(key=key)
    )
    root = xml.parse(changed(octets, change))
    with pytest.raises(errors.InvalidSignature):
        signature.verify(root, keys=[verification_key(key)])


def test_signatures_hold_for_any_content(key, make_assertion) -> None:
    """White space, line ends and characters beyond ASCII canonicalise as they are sent."""
    values = ("\t a\r\nb ", "\u00e9\U0001f600", "&<>\"'", "", "\u2028")
    for one, two in itertools.pairwise(values):
        attributes = (response.assertion.Attribute(one or "x", (two,), friendly_name=one),)
        octets = response.build_signed_response(
            make_assertion(attributes=attributes), protection=response.Protection(key=key)
        )
        root = xml.parse(octets)
        signature.verify(root, keys=[verification_key(key)])
        (value,) = root.iter(vocabulary.name("saml:AttributeValue"))
        assert xml.text(value) == two
