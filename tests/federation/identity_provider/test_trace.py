"""The trace behind a sign-in: request, checks, answer; nothing of the person."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

import federation.saml
from federation.identity_provider import entity, evidence, pipeline, refusal, remedies
from federation.models import ServiceProvider as Row
from federation.saml import certificate, errors, redaction, vocabulary
from idp import refusals
from idp.models import Interaction, SignIn, User
from idp.protocol import authentication_context
from tests.attacks.saml import service_provider
from tests.attacks.saml.service_provider import Shape
from tests.support.factories import PASSWORD, UserFactory
from tests.support.saml import Party, SamlWorld, posted
from tests.support.sign_in import Browser

MAIL = "urn:oid:0.9.2342.19200300.100.1.3"


def last() -> SignIn:
    return SignIn.objects.order_by("-at", "-id")[0]


def line(row: SignIn, beginning: str) -> dict[str, Any]:
    """The only line of the trace whose name begins so."""
    (found,) = [one for one in row.trace if one["name"].startswith(beginning)]
    return dict(found)


def asks_for(party: Party, *names: str, required: bool = True) -> None:
    party.change(
        requested_attributes=[
            {"name": name, "friendly_name": "", "required": required} for name in names
        ]
    )


# ----- what worked -----


def test_a_success_shows_request_checks_and_response(saml: SamlWorld, party: Party) -> None:
    form = posted(party.redirect(saml.session, signed=True, identifier="_id"))
    row = last()
    assert row.result == "success"
    assert row.received["message"].startswith("<samlp:AuthnRequest")
    assert 'ID="_id"' in row.received["message"]
    assert all(one["passed"] for one in row.trace)
    assert line(row, "Destination")["expected"] == line(row, "Destination")["received"]
    assert "our clock" in line(row, "IssueInstant")["received"]
    assert party.sp.acs_url in line(row, "The answer goes to")["expected"]
    assert "persistent" in line(row, "The NameIDPolicy")["received"]
    assert row.sent["to"] == party.sp.acs_url
    assert row.sent["Audience"] == party.sp.entity_id
    assert row.sent["NameID"].startswith("persistent, ")
    assert row.sent["response"].startswith("<samlp:Response")
    assert form.root.get("ID") in row.sent["response"]


def test_the_keys_that_were_tried_are_told_by_fingerprint(saml: SamlWorld, party: Party) -> None:
    posted(party.post(saml.session, signed=True))
    found = line(last(), "It is sound")
    known = certificate.fingerprint(party.sp.certificate)[: evidence.BEGINNING]
    assert known in found["expected"]
    assert "signed with rsa-sha256" in found["received"]


def test_nothing_of_the_person_is_kept(saml: SamlWorld, party: Party) -> None:
    form = posted(party.redirect(saml.session))
    row = last()
    kept = f"{row.received}{row.trace}{row.sent}"
    values = [value for several in form.attributes.values() for value in several]
    assert "Alice Adams" in values
    for secret in (
        *values,
        form.name_id.text,
        form.one("//saml:AuthnStatement").get("SessionIndex"),
    ):
        assert f">{secret}<" not in kept
    assert "Alice Adams" not in kept
    for value in form.all("//ds:SignatureValue"):
        assert "".join(value.text.split())[:60] not in kept


def test_an_encrypted_assertion_is_shown_as_it_reads_inside(saml: SamlWorld) -> None:
    party = saml.party(encryption=True)
    posted(party.redirect(saml.session))
    row = last()
    assert "EncryptedAssertion" in row.sent["response"]
    assert row.sent["assertion"].startswith("<saml:Assertion")
    assert "Alice Adams" not in row.sent["assertion"]
    assert row.sent["encrypted"].startswith("aes256-gcm, to the certificate ")


def test_what_is_asked_for_and_missing_is_named_with_its_reason(
    saml: SamlWorld, party: Party
) -> None:
    User.objects.filter(pk=saml.user.pk).update(email="")
    asks_for(party, MAIL, "urn:oid:2.5.4.3", "urn:oid:2.5.4.42")
    posted(party.redirect(saml.session))
    assert last().sent["asked for, but without a value"] == [
        f"{MAIL} (required): its mapping row has no value for this person",
        "urn:oid:2.5.4.3 (required): no mapping row gives it",
    ]


def test_required_attributes_come_first(saml: SamlWorld, party: Party) -> None:
    party.change(
        requested_attributes=[
            {"name": "a", "friendly_name": "", "required": False},
            {"name": "b", "friendly_name": "", "required": True},
            "odd",
        ]
    )
    posted(party.redirect(saml.session))
    first, second = last().sent["asked for, but without a value"]
    assert (first[:12], second[:12]) == ("b (required)", "a (optional)")


def test_a_request_that_waited_for_its_person_keeps_its_evidence(
    saml: SamlWorld, party: Party
) -> None:
    UserFactory(username="bob", password=PASSWORD)
    browser = Browser()
    query = party.sp.redirect(party.request(identifier="_kept"), signed=False)
    page = browser.open(f"/saml/sso?{query.decode()}")
    answer = browser.submit(page, username="bob", password=PASSWORD)
    assert posted(answer).status == ("Success",)
    row = SignIn.objects.get(protocol="saml", result="success")
    assert 'ID="_kept"' in row.received["message"]
    assert line(row, "Destination")["received"] == party.sp.destination


def test_a_request_that_waits_is_kept_short(saml: SamlWorld, party: Party) -> None:
    many = f'<x xmlns="urn:x">{"<y>t</y>" * 800}</x>'
    text = party.request(inside=f"<samlp:Extensions>{many}</samlp:Extensions>")
    assert party.send_form(party.sp.post(text)).status == 303
    row = Interaction.objects.get()
    assert len(row.request["received"]["message"]) == 4_000
    assert len(orjson.dumps(row.request)) < 12_000


def listed() -> str:
    """Our own entity ID among long others."""
    others = (entity.entity_id(), *(f"https://{number:0200}.example" for number in range(900)))
    return "".join(f'<samlp:IDPEntry ProviderID="{one}"/>' for one in others)


@pytest.mark.parametrize(
    "inside",
    [
        f"<samlp:Scoping><samlp:IDPList>{listed()}</samlp:IDPList></samlp:Scoping>",
        f"<samlp:Scoping><samlp:RequesterID>{'x' * 200_000}</samlp:RequesterID></samlp:Scoping>",
        f"<samlp:Scoping>{'<samlp:RequesterID>urn:x</samlp:RequesterID>' * 900}</samlp:Scoping>",
        f'<samlp:NameIDPolicy Format="{vocabulary.TRANSIENT}"/><samlp:RequestedAuthnContext>'
        + f"<saml:AuthnContextClassRef>{authentication_context.SAML_PASSWORD}"
        "</saml:AuthnContextClassRef>"
        * 800
        + f"<saml:AuthnContextClassRef>{'x' * 100_000}</saml:AuthnContextClassRef>"
        "</samlp:RequestedAuthnContext>",
    ],
    ids=["providers", "one long", "many", "contexts"],
)
def test_lists_of_strangers_are_kept_short(saml: SamlWorld, party: Party, inside: str) -> None:
    """Nobody has signed in, and nothing is signed: each such request stays for a while."""
    assert party.send_form(party.sp.post(party.request(inside=inside))).status == 303
    kept = Interaction.objects.get()
    assert len(orjson.dumps(kept.request)) < 12_000
    assert len(orjson.dumps(kept.requirement)) < 12_000


def test_a_name_that_nobody_can_have_does_not_wait(saml: SamlWorld, party: Party) -> None:
    name = f"<saml:Subject><saml:NameID>{'x' * 200_000}</saml:NameID></saml:Subject>"
    answer = posted(party.send_form(party.sp.post(party.request(inside=name))))
    assert answer.status[-1] == "UnknownPrincipal"
    assert not Interaction.objects.exists()
    assert "200000 characters" in last().reason


def test_at_once_again_within_a_minute_nothing_is_kept(saml: SamlWorld, party: Party) -> None:
    for _ in range(3):
        posted(party.redirect(saml.session))
    assert SignIn.objects.count() == 1


# ----- what did not -----


def test_an_error_response_is_shown_as_it_was_sent(saml: SamlWorld, party: Party) -> None:
    kerberos = '<samlp:NameIDPolicy Format="urn:oasis:names:tc:SAML:2.0:nameid-format:kerberos"/>'
    form = posted(party.redirect(saml.session, inside=kerberos))
    row = last()
    assert row.sent["to"] == form.action
    assert "InvalidNameIDPolicy" in row.sent["response"]
    assert row.reference in row.sent["response"]
    assert form.root.get("ID") in row.sent["response"]


def test_where_nothing_was_sent_nothing_is_shown(party: Party) -> None:
    party.redirect(issuer="<saml:Issuer>https://nobody.example</saml:Issuer>")
    assert last().sent == {}


def test_a_person_without_a_value_for_the_name_id(saml: SamlWorld, party: Party) -> None:
    User.objects.filter(pk=saml.user.pk).update(email_verified=False)
    policy = f'<samlp:NameIDPolicy Format="{vocabulary.EMAIL_ADDRESS}"/>'
    posted(party.redirect(saml.session, inside=policy))
    row = last()
    *passed, failed = row.trace
    assert all(one["passed"] for one in passed)
    assert len(passed) == len(pipeline.CHECKS)
    assert failed["name"].startswith("The person has a value for the NameID")
    assert "verified" in failed["received"]
    assert "verified e-mail address" in row.suggestion


def test_a_first_name_id_that_the_request_forbids(saml: SamlWorld, party: Party) -> None:
    policy = f'<samlp:NameIDPolicy Format="{vocabulary.PERSISTENT}" AllowCreate="false"/>'
    posted(party.redirect(saml.session, inside=policy))
    assert 'AllowCreate="true"' in last().suggestion


@pytest.mark.parametrize(
    ("seconds", "words"), [(600, "seconds ahead of"), (-7200, "seconds behind")]
)
def test_the_clocks_difference_in_seconds(party: Party, seconds: int, words: str) -> None:
    text = party.request()
    now = text.split('IssueInstant="')[1].split('"')[0]
    other = (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    party.send_query(party.sp.redirect(text.replace(now, other), signed=False))
    row = last()
    number = re.search(r"([\d,]+) seconds", row.trace[-1]["received"])
    assert number
    assert abs(int(number[1].replace(",", "")) - abs(seconds)) <= 5
    assert words in row.trace[-1]["received"]
    assert "time server" in row.suggestion


def test_the_clocks_difference_of_one_second() -> None:
    now = datetime.now(UTC)
    told = evidence.clock_offset(now + timedelta(seconds=1), now)
    assert told == "1 second ahead of our clock"


def test_a_signature_by_a_key_that_is_not_registered(party: Party) -> None:
    key = service_provider.rsa_key("somebody else")
    other = service_provider.certificate(key)
    shape = Shape(key_info=service_provider.key_info(other))
    signed = party.sp.signed(shape=shape, key=service_provider.xmlsec_key(key))
    party.send_form(party.sp.post(signed))
    row = last()
    foreign = certificate.fingerprint(other)[: evidence.BEGINNING]
    assert foreign in row.trace[-1]["received"]
    assert foreign in row.suggestion
    assert "not registered" in row.suggestion
    own = certificate.fingerprint(party.sp.certificate)[: evidence.BEGINNING]
    assert own in row.trace[-1]["expected"]


def test_a_registered_certificate_over_another_content(party: Party) -> None:
    shape = Shape(key_info=service_provider.key_info(party.sp.certificate))
    document = service_provider.octets(party.sp.signed(shape=shape))
    party.send_form(party.sp.post(document.replace(b"/acs", b"/acx")))
    row = last()
    assert row.error == "signature_value"
    assert "changed after it was signed" in row.suggestion


def test_no_key_is_registered(saml: SamlWorld) -> None:
    party = saml.party(signing=False)
    party.redirect(signed=True)
    assert last().trace[-1]["expected"] == evidence.NO_KEY


def test_a_name_in_a_message_that_cannot_be_parsed_is_not_kept(party: Party) -> None:
    broken = "<samlp:AuthnRequest><saml:Subject>alice@example.org</saml:Subject>"
    party.send_form(party.sp.post(broken.encode()))
    row = last()
    assert "alice" not in f"{row.received}{row.trace}{row.reason}"
    assert "(17 characters)" in row.received["message"]


def test_what_is_kept_is_bounded(saml: SamlWorld, party: Party) -> None:
    long = "x" * 4_000
    attributes = f'ProviderName="{long}"'
    inside = f'<samlp:Extensions><x xmlns="urn:x">{"y" * 200_000}</x></samlp:Extensions>'
    body = party.sp.post(party.request(attributes=attributes, inside=inside))
    party.send_form(body, saml.session)
    row = last()
    assert len(row.received["message"]) < 17_000
    assert all(len(str(one)) < 3_000 for one in row.trace)


# ----- one suggested fix for everything -----


def _rules() -> list[tuple[type[errors.SamlError], str]]:
    """Every rule by which the message layer refuses, read from its source."""
    folder = Path(str(federation.saml.__file__)).parent
    source = "".join(one.read_text() for one in sorted(folder.glob("*.py")))
    found = re.findall(
        r'errors\.(InvalidMessage|MessageTooLarge|InvalidSignature)\(\s*"(\w+)"', source
    )
    named = [("InvalidMessage", one) for one in re.findall(r'check="(\w+)"', source)]
    return sorted({(getattr(errors, kind), rule) for kind, rule in [*found, *named]}, key=str)


@pytest.mark.parametrize(("kind", "rule"), _rules())
def test_every_refused_message_has_a_suggested_fix(kind: type[errors.SamlError], rule: str) -> None:
    words = remedies.of(kind(rule, "a detail"))
    assert words.endswith(".")
    assert len(words) <= 500
    assert "a detail" not in words


@pytest.mark.parametrize("kind", errors.StatusError.__subclasses__())
def test_every_status_has_a_suggested_fix(kind: type[errors.StatusError]) -> None:
    assert remedies.of(kind("a detail")).endswith(".")


def test_what_happens_after_the_checks_has_a_line_of_its_own() -> None:
    failures = (
        errors.InvalidNameIDPolicy("no"),
        errors.AuthnFailed("no"),
        errors.InvalidContent("content", "no"),
    )
    names = {refusal._failed(one)["name"] for one in failures}
    assert len(names) == len(failures)


def test_an_unreadable_certificate_is_told_to_be_so(party: Party) -> None:
    assert evidence.fingerprint("bm8=") == "unreadable"
    claim = evidence.ClaimedSignature(vocabulary.RSA_SHA256, "AB:CD")
    assert not evidence.is_registered(claim, Row(signing_certificates=["bm8="]))


def test_nothing_is_written_out_for_what_is_not_kept(
    saml: SamlWorld, party: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a flood nor the silent question of every page costs more than its answer."""
    written: list[bytes] = []
    real = redaction.readable

    def readable(data: bytes) -> str:
        written.append(data)
        return real(data)

    monkeypatch.setattr(redaction, "readable", readable)
    party.redirect(attributes='IsPassive="true"')
    monkeypatch.setattr(refusals, "is_bearable", lambda *_: False)
    party.redirect(issuer="<saml:Issuer>https://nobody.example</saml:Issuer>")
    assert not written
    monkeypatch.undo()
    monkeypatch.setattr(redaction, "readable", readable)
    party.redirect(issuer="<saml:Issuer>https://nobody.example</saml:Issuer>")
    assert len(written) == 1


# ----- the other messages -----


def test_a_refused_logout_request_is_shown(saml: SamlWorld, party: Party) -> None:
    text = (
        f'<samlp:LogoutRequest xmlns:samlp="{vocabulary.SAMLP}" xmlns:saml="{vocabulary.SAML}"'
        f' ID="_out" Version="2.0" IssueInstant="{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}">'
        f"<saml:Issuer>{party.sp.entity_id}</saml:Issuer>"
        "<saml:NameID>alice@example.org</saml:NameID></samlp:LogoutRequest>"
    )
    query = party.sp.redirect(text, signed=False).decode()
    assert saml.provider.send("GET", "/saml/slo", query=query).status == 400
    row = last()
    assert row.received["type"] == "LogoutRequest"
    assert row.received["message"].startswith("<samlp:LogoutRequest")
    assert "alice" not in f"{row.received}{row.trace}{row.sent}"
    assert row.suggestion


def test_a_refused_soap_message_is_shown(saml: SamlWorld, party: Party) -> None:
    body = (
        '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>'
        f'<samlp:ArtifactResolve xmlns:samlp="{vocabulary.SAMLP}" xmlns:saml="{vocabulary.SAML}"'
        ' ID="_a" Version="2.0" IssueInstant="2026-11-28T12:00:00Z">'
        "<saml:Issuer>https://nobody.example</saml:Issuer>"
        "<samlp:Artifact>AAQAAMh48/1oXIM</samlp:Artifact></samlp:ArtifactResolve>"
        "</soap:Body></soap:Envelope>"
    )
    answer = saml.provider.send(
        "POST", entity.ARTIFACT_RESOLUTION_PATH, body=body.encode(), content_type="text/xml"
    )
    assert answer.status == 403
    row = last()
    assert "<saml:Issuer>https://nobody.example</saml:Issuer>" in row.received["message"]
    assert "AAQAAMh48" not in row.received["message"]
    assert row.suggestion
