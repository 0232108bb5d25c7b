"""Attribute queries: who may ask, of whom, and what is told."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from federation.identity_provider import entity
from federation.models import PersistentNameId
from federation.saml import signature, vocabulary, xml
from idp import keys
from idp.accounts import people
from idp.accounts import session as sessions
from idp.models import Application, AuditEvent, ClaimMapping, SignIn, User
from tests.support.factories import UserFactory
from tests.support.protocol import sign_in
from tests.support.saml import (
    NAMESPACES,
    Party,
    SamlWorld,
    encrypted_id,
    enveloped,
    in_body,
    posted,
)

PATH = entity.ATTRIBUTE_SERVICE_PATH
TAG = "samlp:AttributeQuery"
MAIL = "urn:oid:0.9.2342.19200300.100.1.3"
UID = "urn:oid:0.9.2342.19200300.100.1.1"
GROUPS = "urn:oid:1.3.6.1.4.1.5923.1.5.1.1"


@pytest.fixture
def asking(saml: SamlWorld) -> Party:
    """A service provider that may ask."""
    return saml.party(attribute_queries=True)


def policy(format_: str) -> str:
    return f'<samlp:NameIDPolicy Format="{format_}"/>'


def named(party: Party, session: Any, format_: str = vocabulary.PERSISTENT) -> str:
    """Sign in there; returns the name that it gets."""
    return posted(party.redirect(session, inside=policy(format_))).name_id.text


def subject(value: str, format_: str = vocabulary.PERSISTENT, **qualifiers: str) -> str:
    said = "".join(f' {name}="{one}"' for name, one in qualifiers.items())
    return (
        f'<saml:Subject><saml:NameID Format="{format_}"{said}>{value}</saml:NameID></saml:Subject>'
    )


def attribute(name: str, *values: str) -> str:
    inside = "".join(f"<saml:AttributeValue>{one}</saml:AttributeValue>" for one in values)
    return f'<saml:Attribute Name="{name}">{inside}</saml:Attribute>'


def ask(party: Party, inside: str, **options: Any) -> Any:
    """The Response to a query."""
    content = in_body(party.soap(PATH, TAG, inside, **options))
    assert content.tag == f"{{{vocabulary.SAMLP}}}Response"
    return content


def status(content: Any) -> list[str]:
    codes = content.xpath(".//samlp:StatusCode/@Value", namespaces=NAMESPACES)
    return [code.rpartition(":")[2] for code in codes]


def told(content: Any) -> dict[str, list[str]]:
    assert status(content) == ["Success"]
    found = content.xpath(".//saml:Attribute", namespaces=NAMESPACES)
    return {one.get("FriendlyName") or one.get("Name"): [v.text for v in one] for one in found}


# ----- what is told -----


def test_tells_what_the_mapping_gives(saml: SamlWorld, asking: Party) -> None:
    form = posted(asking.redirect(saml.session))
    name = form.name_id.text
    content = ask(asking, subject(name), identifier="_query")
    assert told(content) == form.attributes
    assert content.get("InResponseTo") == "_query"
    assert content.get("Destination") is None
    (again,) = content.xpath("saml:Assertion/saml:Subject/*", namespaces=NAMESPACES)
    assert (again.text, again.get("Format")) == (name, vocabulary.PERSISTENT)
    (audience,) = content.xpath(".//saml:Audience", namespaces=NAMESPACES)
    assert audience.text == asking.sp.entity_id
    assert not content.xpath(".//saml:AuthnStatement", namespaces=NAMESPACES)
    event = AuditEvent.objects.get(action="saml.attributes")
    assert event.details["in_response_to"] == "_query"
    assert MAIL in event.details["attributes"]


def test_response_and_assertion_are_signed_by_us(saml: SamlWorld, asking: Party) -> None:
    answer = asking.soap(PATH, TAG, subject(named(asking, saml.session)))
    content = xml.parse(answer.body)[0][0]
    xml.validate(content, schema="protocol")
    key = signature.verification_key(keys.saml_signing().certificate)
    assert signature.verify(content, keys=[key]) is content
    assertion = xml.child(content, "saml:Assertion")
    assert signature.verify(assertion, keys=[key]) is assertion


def test_encrypted_where_there_is_a_key(saml: SamlWorld) -> None:
    party = saml.party(attribute_queries=True, encryption=True)
    user, session = saml.other(username="carol")
    posted(party.redirect(session))
    name = PersistentNameId.objects.get(user=user).value
    content = ask(party, subject(name))
    assert status(content) == ["Success"]
    assert not content.xpath(".//saml:Assertion", namespaces=NAMESPACES)
    assert len(content.xpath("saml:EncryptedAssertion", namespaces=NAMESPACES)) == 1


def test_only_the_attributes_that_are_named(saml: SamlWorld, asking: Party) -> None:
    name = named(asking, saml.session)
    content = ask(asking, subject(name) + attribute(MAIL) + attribute("unknown"))
    assert told(content) == {"mail": [saml.user.email]}
    assert told(ask(asking, subject(name) + attribute(GROUPS, "staff", "other"))) == {
        "isMemberOf": ["staff"]
    }


@pytest.mark.parametrize("inside", [attribute("unknown"), attribute(GROUPS, "other")])
def test_nothing_to_tell_is_a_success_without_an_assertion(
    saml: SamlWorld, asking: Party, inside: str
) -> None:
    content = ask(asking, subject(named(asking, saml.session)) + inside)
    assert told(content) == {}
    assert not content.xpath("//saml:Assertion", namespaces=NAMESPACES)


def test_only_what_its_metadata_asks_for(saml: SamlWorld, asking: Party) -> None:
    asking.change(
        attribute_release="requested",
        requested_attributes=[{"name": UID}],
        subject_identifier="pairwise-id",
    )
    content = ask(asking, subject(named(asking, saml.session)))
    assert set(told(content)) == {"uid", "pairwise-id"}


def test_rows_about_the_session_give_nothing(saml: SamlWorld, asking: Party) -> None:
    for position, (source, key) in enumerate((("session", "acr"), ("user", "email"))):
        ClaimMapping.objects.create(
            application=asking.row.application,
            position=position,
            claim=key,
            source=source,
            key=key,
            to_saml=True,
        )
    form = posted(asking.redirect(saml.session))
    assert set(form.attributes) == {"acr", "email"}
    assert set(told(ask(asking, subject(form.name_id.text)))) == {"email"}


def test_what_is_true_now(saml: SamlWorld, asking: Party) -> None:
    name = named(asking, saml.session)
    sessions.end(saml.session, reason="test", now=timezone.now())
    User.objects.filter(pk=saml.user.pk).update(given_name="Alicia")
    assert told(ask(asking, subject(name)))["givenName"] == ["Alicia"]


# ----- of whom -----


@pytest.mark.parametrize(
    ("format_", "value"),
    [
        (vocabulary.EMAIL_ADDRESS, "alice@example.org"),
        (vocabulary.UNSPECIFIED, "alice"),
    ],
)
def test_by_a_name_that_it_was_told(
    saml: SamlWorld, asking: Party, format_: str, value: str
) -> None:
    asking.change(default_name_id_format=format_)
    wanted = subject(value, format_)
    assert status(ask(asking, wanted)) == ["Responder", "UnknownPrincipal"]
    assert posted(asking.redirect(saml.session)).name_id.text == value
    assert told(ask(asking, wanted))["uid"] == ["alice"]
    # Others have not been told.
    other = saml.party(attribute_queries=True)
    assert status(ask(other, wanted)) == ["Responder", "UnknownPrincipal"]


def test_an_address_that_has_moved_on_names_nobody(saml: SamlWorld, asking: Party) -> None:
    named(asking, saml.session, vocabulary.EMAIL_ADDRESS)
    wanted = subject("alice@example.org", vocabulary.EMAIL_ADDRESS)
    saml.user.email = "alice@elsewhere.example"
    saml.user.save()
    assert status(ask(asking, wanted)) == ["Responder", "UnknownPrincipal"]
    heir = UserFactory(username="heir", email="alice@example.org")
    assert status(ask(asking, wanted)) == ["Responder", "UnknownPrincipal"]
    named(asking, sign_in(heir), vocabulary.EMAIL_ADDRESS)
    assert told(ask(asking, wanted))["uid"] == ["heir"]


def test_a_transient_name_as_long_as_its_session_lives(saml: SamlWorld, asking: Party) -> None:
    wanted = subject(named(asking, saml.session, vocabulary.TRANSIENT), vocabulary.TRANSIENT)
    assert told(ask(asking, wanted))["uid"] == ["alice"]
    sessions.end(saml.session, reason="test", now=timezone.now())
    assert status(ask(asking, wanted)) == ["Responder", "UnknownPrincipal"]


def test_a_name_of_another_service_provider_names_nobody(saml: SamlWorld, asking: Party) -> None:
    name = named(saml.party(), saml.session)
    assert status(ask(asking, subject(name))) == ["Responder", "UnknownPrincipal"]
    trace = SignIn.objects.order_by("-at").first()
    assert trace is not None
    assert "by the NameID that it was given" in trace.suggestion
    assert name not in str(trace.received)


@pytest.mark.parametrize(
    "qualifiers",
    [{"NameQualifier": "https://other.example"}, {"SPNameQualifier": "https://other.example"}],
)
@pytest.mark.parametrize("format_", [vocabulary.PERSISTENT, vocabulary.UNSPECIFIED])
def test_qualifiers_are_ours_and_its_own(
    saml: SamlWorld, asking: Party, qualifiers: dict[str, str], format_: str
) -> None:
    asking.change(default_name_id_format=format_)
    name = posted(asking.redirect(saml.session)).name_id.text
    own = {"NameQualifier": entity.entity_id(), "SPNameQualifier": asking.sp.entity_id}
    assert told(ask(asking, subject(name, format_, **own)))["uid"] == ["alice"]
    assert status(ask(asking, subject(name, format_, **qualifiers)))[-1] == "UnknownPrincipal"


@pytest.mark.parametrize("value", ["", "nobody", "x" * 5_000, "%", "' OR 1=1 --"])
@pytest.mark.parametrize(
    "format_",
    [
        vocabulary.PERSISTENT,
        vocabulary.TRANSIENT,
        vocabulary.EMAIL_ADDRESS,
        vocabulary.UNSPECIFIED,
        vocabulary.ENTITY,
        "urn:example:format",
    ],
)
def test_nobody(saml: SamlWorld, asking: Party, value: str, format_: str) -> None:
    assert status(ask(asking, subject(value, format_))) == ["Responder", "UnknownPrincipal"]


def test_a_disabled_person_is_nobody(saml: SamlWorld, asking: Party) -> None:
    for format_ in (vocabulary.PERSISTENT, vocabulary.EMAIL_ADDRESS):
        user, session = saml.other()
        name = named(asking, session, format_)
        assert status(ask(asking, subject(name, format_))) == ["Success"]
        people.disable(user, now=timezone.now())
        assert status(ask(asking, subject(name, format_)))[-1] == "UnknownPrincipal"


def test_who_may_not_use_it_any_more_is_nobody(saml: SamlWorld, asking: Party) -> None:
    name = named(asking, saml.session)
    asking.change_application(access=Application.Access.NOBODY)
    assert status(ask(asking, subject(name))) == ["Responder", "UnknownPrincipal"]


def test_a_name_that_is_encrypted_to_us(saml: SamlWorld, asking: Party) -> None:
    name = named(asking, saml.session)
    sealed = f"<saml:Subject>{encrypted_id(name, vocabulary.PERSISTENT)}</saml:Subject>"
    assert name not in sealed
    assert told(ask(asking, sealed))["uid"] == ["alice"]


# ----- who may ask -----


def test_nobody_unless_it_is_switched_on(saml: SamlWorld, party: Party) -> None:
    content = ask(party, subject(named(party, saml.session)))
    assert status(content) == ["Responder", "RequestDenied"]
    trace = SignIn.objects.get(result="failure")
    assert "may ask for attributes" in trace.suggestion
    key = signature.verification_key(keys.saml_signing().certificate)
    answer = party.soap(PATH, TAG, subject("x"))
    signature.verify(xml.parse(answer.body)[0][0], keys=[key])


def refused(answer: Any) -> str:
    fault = in_body(answer, status=403)
    assert fault.tag == f"{{{vocabulary.SOAP}}}Fault"
    trace = SignIn.objects.order_by("-at").first()
    assert trace is not None
    return trace.error


def test_without_a_key_nobody_can_ask(saml: SamlWorld) -> None:
    party = saml.party(signing=False, attribute_queries=True)
    inside = subject(named(party, saml.session))
    assert refused(party.soap(PATH, TAG, inside)) == "no_key"


def test_another_person_put_in_after_signing(saml: SamlWorld, asking: Party) -> None:
    _, session = saml.other(username="carol")
    mine, hers = named(asking, saml.session), named(asking, session)
    body = enveloped(asking.message(PATH, TAG, subject(mine)))
    body = body.replace(mine.encode(), hers.encode())
    assert refused(asking.send_envelope(PATH, body)) == "signature_value"


@pytest.mark.parametrize(
    "inside",
    [
        "",
        "<saml:Subject/>",
        "<saml:Subject><saml:BaseID/></saml:Subject>",
        subject("a") + attribute("a") + attribute("a"),
        subject("a") + "<x/>",
    ],
)
def test_a_malformed_query_gets_a_fault(saml: SamlWorld, asking: Party, inside: str) -> None:
    refused(asking.soap(PATH, TAG, inside))


def test_encryption_that_cannot_be_done_tells_nothing(saml: SamlWorld) -> None:
    party = saml.party(attribute_queries=True, encryption=True)
    user, session = saml.other(username="carol")
    posted(party.redirect(session))
    name = PersistentNameId.objects.get(user=user).value
    party.change(encryption_methods=[{"algorithm": "urn:only:odd"}])
    content = ask(party, subject(name))
    assert status(content) == ["Responder"]
    assert b"carol" not in saml.provider.responses[-1].body


def test_what_xml_cannot_carry_is_no_server_error(saml: SamlWorld, asking: Party) -> None:
    name = named(asking, saml.session)
    User.objects.filter(pk=saml.user.pk).update(given_name="a\x01b")
    content = ask(asking, subject(name))
    assert "givenName" not in told(content)
