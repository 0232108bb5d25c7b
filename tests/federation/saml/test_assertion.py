"""The assertion: exactly what the browser profile says, and values that cannot break out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from federation.saml import assertion, datatypes, errors, vocabulary, xml
from federation.saml.assertion import Attribute


def find(element: xml.Element, path: str) -> list[xml.Element]:
    return element.findall(path, vocabulary.PREFIXES)


@pytest.mark.standard("SAML Profiles", "4.1.4.2", "bearer confirmation of an assertion")
def test_bearer_confirmation(make_assertion, sp, now) -> None:
    element = assertion.build(make_assertion(issue_instant=now))
    (confirmation,) = find(element, "saml:Subject/saml:SubjectConfirmation")
    assert confirmation.get("Method") == vocabulary.BEARER
    assert dict(confirmation[0].attrib) == {
        "Recipient": sp.acs_url,
        "InResponseTo": "_request",
        "NotOnOrAfter": "2026-11-24T12:05:00Z",
    }


def test_no_in_response_to_without_request(make_assertion) -> None:
    element = assertion.build(make_assertion(in_response_to=None))
    assert b"InResponseTo" not in xml.serialise(element)


@pytest.mark.standard("SAML Core", "2.5.1", "conditions with one audience")
def test_conditions(make_assertion, sp, now) -> None:
    (conditions,) = find(assertion.build(make_assertion(issue_instant=now)), "saml:Conditions")
    assert dict(conditions.attrib) == {
        "NotBefore": "2026-11-24T11:57:00Z",
        "NotOnOrAfter": "2026-11-24T12:05:00Z",
    }
    assert [one.text for one in conditions.iter(vocabulary.name("saml:Audience"))] == [sp.entity_id]


@pytest.mark.standard("SAML Core", "2.7.2", "one truthful AuthnStatement")
def test_authn_statement(make_assertion, now) -> None:
    element = assertion.build(
        make_assertion(
            authn_instant=now - timedelta(hours=1),
            session_not_on_or_after=now + timedelta(hours=8),
            authn_context_class_ref="https://refeds.org/profile/mfa",
            authenticating_authorities=("https://upstream.example",),
        )
    )
    (statement,) = find(element, "saml:AuthnStatement")
    assert dict(statement.attrib) == {
        "AuthnInstant": "2026-11-24T11:00:00Z",
        "SessionIndex": "_session",
        "SessionNotOnOrAfter": "2026-11-24T20:00:00Z",
    }
    assert [one.text for one in statement[0]] == [
        "https://refeds.org/profile/mfa",
        "https://upstream.example",
    ]


def test_is_valid_by_the_schema(make_assertion) -> None:
    element = xml.parse(xml.serialise(assertion.build(make_assertion())))
    xml.validate(element, schema="protocol")
    assert element.get("Version") == "2.0"
    assert datatypes.is_ncname(element.get("ID"))


def test_every_assertion_has_an_id_of_its_own(make_assertion) -> None:
    assert make_assertion().id != make_assertion().id


def test_without_name_id(make_assertion) -> None:
    element = assertion.build(make_assertion(name_id=None))
    assert find(element, "saml:Subject/saml:NameID") == []
    xml.validate(element, schema="protocol")


@pytest.mark.standard("SAML Core", "2.7.3.1", "each value is an element of its own")
def test_attributes(make_assertion) -> None:
    (statement,) = find(assertion.build(make_assertion()), "saml:AttributeStatement")
    mail, groups = statement
    assert dict(mail.attrib) == {
        "Name": "urn:oid:0.9.2342.19200300.100.1.3",
        "NameFormat": vocabulary.NAME_FORMAT_URI,
        "FriendlyName": "mail",
    }
    assert dict(groups.attrib) == {"Name": "groups", "NameFormat": vocabulary.NAME_FORMAT_BASIC}
    assert [one.text for one in groups] == ["staff", "users"]


@pytest.mark.parametrize("attributes", [(), (Attribute("a", ()),)])
def test_no_empty_attribute_statement(make_assertion, attributes) -> None:
    element = assertion.build(make_assertion(attributes=attributes))
    assert find(element, "saml:AttributeStatement") == []


def test_one_attribute_per_name(make_assertion) -> None:
    attributes = (
        Attribute("a", ("1", "2")),
        Attribute("b", ("x",)),
        Attribute("a", ("2", "3"), friendly_name="A"),
        Attribute("a", ("4",), name_format=vocabulary.NAME_FORMAT_BASIC),
    )
    (statement,) = find(
        assertion.build(make_assertion(attributes=attributes)), "saml:AttributeStatement"
    )
    assert [(one.get("Name"), [value.text for value in one]) for one in statement] == [
        ("a", ["1", "2", "3"]),
        ("b", ["x"]),
        ("a", ["4"]),
    ]
    assert statement[0].get("FriendlyName") == "A"


HOSTILE = "</saml:AttributeValue><saml:AttributeValue>admin]]>&amp;&#60;<!-- --><?x?>\"'"


def test_values_cannot_break_out(make_assertion) -> None:
    attributes = (Attribute(HOSTILE, (HOSTILE,), friendly_name=HOSTILE),)
    octets = xml.serialise(assertion.build(make_assertion(attributes=attributes)))
    (statement,) = find(xml.parse(octets), "saml:AttributeStatement")
    assert len(statement) == 1
    assert statement[0].get("Name") == HOSTILE
    assert [xml.text(value) for value in statement[0]] == [HOSTILE]


@pytest.mark.parametrize("value", ["\0", "a\x08", "\ud800"])
def test_what_xml_cannot_hold_is_refused_not_dropped(make_assertion, value: str) -> None:
    for attributes in ((Attribute("a", (value,)),), (Attribute(value, ("a",)),)):
        with pytest.raises(errors.InvalidContent):
            assertion.build(make_assertion(attributes=attributes))


@pytest.mark.parametrize(
    "changes",
    [
        {"lifetime": timedelta(minutes=5, seconds=1)},
        {"lifetime": timedelta(0)},
        {"audience": ""},
        {"recipient": ""},
        {"issuer": ""},
        {"session_index": ""},
    ],
)
def test_refuses_what_the_profile_forbids(make_assertion, changes) -> None:
    with pytest.raises(errors.InvalidContent):
        make_assertion(**changes)


def test_no_dtd_no_comment_no_instruction(make_assertion) -> None:
    octets = xml.serialise(assertion.build(make_assertion(issue_instant=datetime.now(UTC))))
    assert b"<!" not in octets
    assert b"<?" not in octets
