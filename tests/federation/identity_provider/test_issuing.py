"""What goes into an assertion, how it is protected, and that a preview says the same."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.utils import timezone
from lxml import etree

from federation.identity_provider import issuing, name_ids
from federation.identity_provider.issuing import Recipient, SignedIn
from federation.models import PersistentNameId
from federation.saml import assertion, vocabulary
from idp.claims import applications, attributes, mapping
from idp.models import Application, ClaimMapping, SignIn
from tests.support.saml import NAMESPACES, Party, SamlWorld, decrypted, posted

USUAL = {
    "uid": ["alice"],
    "mail": ["alice@example.org"],
    "displayName": ["Alice Adams"],
    "givenName": ["Alice"],
    "sn": ["Adams"],
    "isMemberOf": ["staff", "users"],
}
HOSTILE = "<b>&amp;\"'</b>]]><!-- x -->\u202e"


def map_(party: Party, **fields: Any) -> None:
    fields.setdefault("to_saml", True)
    ClaimMapping.objects.create(application=party.row.application, **fields)


# ----- attributes -----


def test_without_rows_the_usual_attributes(saml: SamlWorld, party: Party) -> None:
    form = posted(party.redirect(saml.session))
    assert form.attributes == USUAL
    for element in form.all("//saml:Attribute"):
        assert element.get("Name").startswith("urn:oid:")
        assert element.get("NameFormat") == vocabulary.NAME_FORMAT_URI


def test_what_is_not_known_is_not_said(saml: SamlWorld, party: Party) -> None:
    _, session = saml.other(username="eve", email="", name="", given_name="", family_name="")
    assert posted(party.redirect(session)).attributes == {"uid": ["eve"], "displayName": ["eve"]}


def test_rows_replace_the_usual_attributes(saml: SamlWorld, party: Party) -> None:
    map_(
        party,
        claim="mail",
        key="email",
        name_format=mapping.NAME_FORMAT_BASIC,
        friendly_name="e-mail",
        transforms=[{"name": "upper"}],
    )
    map_(party, claim="plan", source="constant", key="pro", position=1)
    map_(party, claim="hidden", key="username", to_saml=False, to_userinfo=True, position=2)
    form = posted(party.redirect(saml.session))
    assert form.attributes == {"e-mail": ["ALICE@EXAMPLE.ORG"], "plan": ["pro"]}
    mail = form.all("//saml:Attribute")[0]
    assert (mail.get("Name"), mail.get("NameFormat")) == ("mail", vocabulary.NAME_FORMAT_BASIC)


def test_rows_read_the_sessions_facts(saml: SamlWorld, party: Party) -> None:
    map_(party, claim="sid", source="session", key="id")
    map_(party, claim="acr", source="session", key="acr", position=1)
    map_(party, claim="who", source="application", key="id", position=2)
    form = posted(party.redirect(saml.session))
    index = form.one("//saml:AuthnStatement").get("SessionIndex")
    assert form.attributes == {"sid": [index], "acr": ["pwd"], "who": [party.sp.entity_id]}


def test_a_row_that_fails_denies_its_attribute(saml: SamlWorld, party: Party) -> None:
    map_(party, claim="broken", key="username", transforms=[{"name": "no such"}])
    map_(party, claim="uid", key="username", position=1)
    assert posted(party.redirect(saml.session)).attributes == {"uid": ["alice"]}


def test_nothing_to_say_is_no_statement(saml: SamlWorld, party: Party) -> None:
    map_(party, claim="phone", key="phone_number")
    form = posted(party.redirect(saml.session))
    assert form.status == ("Success",)
    assert not form.all("//saml:AttributeStatement")


def test_values_are_escaped_by_the_serializer(saml: SamlWorld, party: Party) -> None:
    _, session = saml.other(name=HOSTILE, username="eve")
    form = posted(party.redirect(session, identifier="_id"))
    assert form.attributes["displayName"] == [HOSTILE]
    assert not form.root.xpath("//b | //comment()")
    assert party.accept(form, request_id="_id").get_nameid() == form.name_id.text


def test_a_value_that_xml_cannot_carry_is_denied(saml: SamlWorld, party: Party) -> None:
    _, session = saml.other(name="bell\x07", username="eve")
    form = posted(party.redirect(session))
    assert form.status == ("Success",)
    assert "displayName" not in form.attributes


# ----- times and session -----


def test_the_sessions_end_is_said(saml: SamlWorld, party: Party) -> None:
    form = posted(party.redirect(saml.session))
    ends = form.one("//saml:AuthnStatement").get("SessionNotOnOrAfter")
    assert ends == saml.session.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ")


# ----- protection -----


@pytest.mark.parametrize(("response", "inside"), [(True, True), (True, False), (False, True)])
def test_what_is_signed_is_settable(
    saml: SamlWorld, party: Party, response: bool, inside: bool
) -> None:
    party.change(sign_response=response, sign_assertion=inside)
    form = posted(party.redirect(saml.session))
    assert bool(form.all("/samlp:Response/ds:Signature")) is response
    assert bool(form.all("//saml:Assertion/ds:Signature")) is inside


def test_nothing_goes_out_unsigned(saml: SamlWorld, party: Party) -> None:
    party.change(sign_response=False, sign_assertion=False)
    form = posted(party.redirect(saml.session))
    assert form.status == ("Responder",)
    assert form.all("/samlp:Response/ds:Signature")
    assert SignIn.objects.get().error == "unsigned"


@pytest.mark.parametrize("bits", [256, 384, 512])
def test_the_signature_algorithm_is_settable(saml: SamlWorld, party: Party, bits: int) -> None:
    party.change(signature_algorithm=f"rsa-sha{bits}")
    form = posted(party.redirect(saml.session, identifier="_id"))
    methods = {one.get("Algorithm") for one in form.all("//ds:SignatureMethod")}
    assert methods == {f"http://www.w3.org/2001/04/xmldsig-more#rsa-sha{bits}"}
    party.accept(form, request_id="_id")


def test_there_is_no_fallback_for_an_unknown_algorithm(saml: SamlWorld, party: Party) -> None:
    party.change(signature_algorithm="rsa-sha1")
    form = posted(party.redirect(saml.session))
    assert form.status == ("Responder",)
    assert not form.all("//saml:Assertion")
    assert SignIn.objects.get().error == "signature_algorithm"


def test_encrypts_to_one_that_has_a_key(saml: SamlWorld) -> None:
    party = saml.party(encryption=True)
    form = posted(party.redirect(saml.session, identifier="_id"))
    assert not form.all("//saml:Assertion")
    assert b"alice" not in form.xml
    accepted = party.accept(form, request_id="_id", encrypted=True)
    assert accepted.get_attributes()["urn:oid:0.9.2342.19200300.100.1.1"] == ["alice"]
    opened = decrypted(form, party.sp.key)
    assert opened.tag == f"{{{vocabulary.SAML}}}Assertion"
    assert opened.xpath("ds:Signature", namespaces=NAMESPACES)


def test_the_content_key_is_another_one_each_time(saml: SamlWorld) -> None:
    party = saml.party(encryption=True)
    values = {
        posted(party.redirect(saml.session)).all("//*[local-name()='CipherValue']")[0].text
        for _ in range(3)
    }
    assert len(values) == 3


def test_encryption_can_be_switched_off(saml: SamlWorld) -> None:
    party = saml.party(encryption=True, encrypt_assertion=False)
    assert posted(party.redirect(saml.session)).attributes == USUAL


def test_nothing_goes_out_in_the_clear_for_want_of_an_algorithm(saml: SamlWorld) -> None:
    cbc = {"algorithm": "http://www.w3.org/2001/04/xmlenc#aes128-cbc"}
    party = saml.party(encryption=True, encryption_methods=[cbc])
    form = posted(party.redirect(saml.session))
    assert form.status == ("Responder",)
    assert not form.all("//saml:Assertion")
    assert "encryption" in SignIn.objects.get().suggestion


# ----- the preview -----


def foreseen(saml: SamlWorld, party: Party, rows: Any) -> Any:
    """The assertion that a sign-in of just now would give, as the administration asks for it."""
    now = timezone.now()
    signed_in = SignedIn(
        authenticated_at=now, acr="pwd", amr=("pwd",), session_index="index", ends_at=now
    )
    person = attributes.of(saml.user)
    drawn = issuing.assertion_for(
        party.row,
        name_id=name_ids.foreseen(
            party.row.default_name_id_format, person, service_provider=party.row
        ),
        released=issuing.release_for(party.row, person, signed_in=signed_in, rows=rows),
        signed_in=signed_in,
        recipient=Recipient(acs_url=party.sp.acs_url, in_response_to="_request"),
        now=now,
    )
    return assertion.build(drawn)


def content(assertion: Any) -> str:
    """An assertion as text, without signature and what differs from one to the next."""
    for signature in assertion.xpath("ds:Signature", namespaces=NAMESPACES):
        assertion.remove(signature)
    text = etree.tostring(assertion, method="c14n", exclusive=True).decode()
    text = re.sub(r">\s+<", "><", text)
    for name in ("ID", "InResponseTo", "SessionIndex", "SessionNotOnOrAfter"):
        text = re.sub(f' {name}="[^"]*"', "", text)
    return re.sub(r'"\d{4}-\d\d-\d\dT[^"]*Z"', '""', text)


@pytest.mark.parametrize("mapped", [False, True])
def test_preview_and_issued_assertion_are_equal(
    saml: SamlWorld, party: Party, mapped: bool
) -> None:
    if mapped:
        map_(party, claim="groups", source="groups", name_format=mapping.NAME_FORMAT_BASIC)
        map_(party, claim="mail", key="email", friendly_name="mail", position=1)
    issued = posted(party.redirect(saml.session))
    rows = applications.rows(Application.objects.get(pk=party.row.application_id))
    assert content(foreseen(saml, party, rows)) == content(issued.assertion)


def test_preview_takes_unsaved_rows_and_keeps_nothing(saml: SamlWorld, party: Party) -> None:
    row = mapping.Row(
        claim="nick", source="constant", key="Al", destinations=frozenset({mapping.SAML})
    )
    shown = content(foreseen(saml, party, (row,)))
    assert "Al</saml:AttributeValue>" in shown
    assert "random, made at the first sign-in" in shown
    assert not PersistentNameId.objects.exists()
    assert posted(party.redirect(saml.session)).attributes == USUAL
