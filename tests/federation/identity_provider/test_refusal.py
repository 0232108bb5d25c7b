"""What is said, and to whom, when a request is refused."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.utils import timezone

from federation.identity_provider import errors as codes
from federation.saml import errors
from idp import refusals
from idp.models import AuditEvent, SignIn
from tests.attacks.saml import service_provider
from tests.support.factories import SessionFactory, UserFactory
from tests.support.protocol import header
from tests.support.saml import Party, SamlWorld, posted


def unknown_consumer(party: Party, session: Any = None) -> Any:
    text = party.request(acs_url="https://elsewhere.example/acs")
    return party.send_query(party.sp.redirect(text, signed=False), session)


def reference_of(page: str) -> str:
    found = re.search(r'id="error-reference">([^<]+)<', page)
    assert found
    return found[1]


def test_a_page_with_a_reference_that_administrators_find(saml: SamlWorld, party: Party) -> None:
    answer = unknown_consumer(party)
    page = answer.body.decode()
    reference = reference_of(page)
    row = SignIn.objects.get(reference=reference)
    event = AuditEvent.objects.get(reference=reference)
    assert answer.status == 400
    assert (row.protocol, row.result, row.application_name) == ("saml", "failure", "Acme Reports")
    assert (event.action, event.result) == ("saml.refused", "failure")
    assert event.client_address == "192.0.2.7"
    *passed, failed = row.trace
    assert all(one["passed"] for one in passed)
    assert failed["name"].startswith("The answer goes to an address of the metadata")
    assert party.sp.acs_url in failed["expected"]
    assert "https://elsewhere.example/acs" in failed["received"]
    assert "exactly the received address" in row.suggestion
    assert row.received["AssertionConsumerServiceURL"] == "https://elsewhere.example/acs"
    assert "https://elsewhere.example/acs" not in page


def test_the_page_is_a_page(saml: SamlWorld, party: Party) -> None:
    answer = unknown_consumer(party)
    assert header(answer, "Content-Type") == "text/html; charset=utf-8"
    assert header(answer, "Cache-Control") == "no-store"
    assert "frame-ancestors 'none'" in header(answer, "Content-Security-Policy")


def test_an_administrator_reads_what_to_do_on_the_page(saml: SamlWorld, party: Party) -> None:
    admin = SessionFactory(user=UserFactory(is_superuser=True))
    page = unknown_consumer(party, admin).body.decode()
    assert "For you as administrator" in page
    assert "https://elsewhere.example/acs" in page
    assert "For you as administrator" not in unknown_consumer(party, saml.session).body.decode()


def test_the_way_on_is_the_applications_own_start(saml: SamlWorld, party: Party) -> None:
    party.change_application(launch_url="https://app.example/start")
    assert 'href="https://app.example/start"' in unknown_consumer(party).body.decode()
    party.change_application(launch_url="javascript:alert(1)")
    assert "javascript:" not in unknown_consumer(party).body.decode()


def test_an_error_response_is_signed_and_quotes_the_reference(
    saml: SamlWorld, party: Party
) -> None:
    kerberos = '<samlp:NameIDPolicy Format="urn:oasis:names:tc:SAML:2.0:nameid-format:kerberos"/>'
    form = posted(party.redirect(saml.session, inside=kerberos, identifier="_id"))
    assert form.status == ("Requester", "InvalidNameIDPolicy")
    assert form.all("/samlp:Response/ds:Signature")
    assert form.root.get("Destination") == party.sp.acs_url
    assert form.root.get("InResponseTo") == "_id"
    assert not form.all("//saml:Assertion | //saml:EncryptedAssertion")
    message = form.one("//samlp:StatusMessage").text
    row = SignIn.objects.get()
    assert row.reference in message
    assert "kerberos" not in message


def test_a_relay_state_is_kept_only_by_its_size(saml: SamlWorld, party: Party) -> None:
    text = party.request(acs_url="https://elsewhere.example/acs")
    party.send_query(party.sp.redirect(text, signed=False, relay_state="s3cret" * 9))
    row = SignIn.objects.get()
    assert row.received["RelayState"] == "(54 characters)"
    assert "s3cret" not in str(row.received) + str(row.trace)


@pytest.mark.parametrize(
    "octets", [b"\x00<a/>", b"\xff\xfe\x00", b"<a>\x00</a>", "\u202e".encode()]
)
def test_octets_that_no_database_holds_are_shown_all_the_same(
    saml: SamlWorld, party: Party, octets: bytes
) -> None:
    assert party.send_form(party.sp.post(octets)).status == 400
    assert "\x00" not in str(SignIn.objects.get().received["message"])


def test_a_compressed_message_by_post_is_explained(saml: SamlWorld, party: Party) -> None:
    """node-saml compresses what it posts unless it is told not to."""
    packed = service_provider.deflate(party.request().encode())
    assert party.send_form(party.sp.post(packed)).status == 400
    row = SignIn.objects.get()
    assert "not compressed" in row.suggestion
    assert row.received["message"] == f"({len(packed)} bytes that are no XML)"


def test_a_flood_of_refusals_is_not_written_down_whole(
    saml: SamlWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusals, "MOST_OF_ONE", 60)
    moment = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: moment)  # no bucket runs down meanwhile
    for _ in range(70):
        assert saml.provider.get("/saml/sso").status == 400
    assert SignIn.objects.count() == AuditEvent.objects.count() == refusals.MOST_OF_ONE


def test_codes_and_words_of_every_error() -> None:
    kinds = [*codes.NotAnswered.__subclasses__(), errors.UnknownAssertionConsumerService]
    told = [codes.describe(kind("check", "a detail for us")) for kind in kinds]
    assert len({code for code, _, _ in told}) == len(kinds)
    plain = codes.describe(errors.InvalidSignature("check", "a detail for us"))
    assert plain == codes.describe(errors.MessageTooLarge("other", "something else"))
    assert all("a detail for us" not in " ".join(words) for words in [*told, plain])


def test_the_page_by_django_and_by_the_short_way(
    saml: SamlWorld, party: Party, client: Any
) -> None:
    text = party.request(acs_url="https://elsewhere.example/acs")
    query = party.sp.redirect(text, signed=False).decode()
    by_django = client.get(f"/saml/sso?{query}")
    direct = party.send_query(query)
    assert by_django.status_code == direct.status == 400
    assert len(reference_of(by_django.content.decode())) == 10
