"""Sign-on from the AuthnRequest to the answer, through the pages and past them."""

from __future__ import annotations

from datetime import timedelta
from types import ModuleType
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings
from django.utils import timezone

from federation.identity_provider import success
from federation.saml import vocabulary
from idp.accounts import people
from idp.accounts import session as sessions
from idp.models import (
    Application,
    AuditEvent,
    AuthenticationEvent,
    Group,
    Interaction,
    Participant,
    SignIn,
    User,
)
from tests.support.factories import PASSWORD, UserFactory
from tests.support.protocol import cookie_of, header, sign_in
from tests.support.saml import Party, SamlWorld, encrypted_id, posted
from tests.support.sign_in import Browser

FORCE = 'ForceAuthn="true"'
PASSIVE = 'IsPassive="true"'
MFA = "https://refeds.org/profile/mfa"


@pytest.fixture
def person(saml: SamlWorld) -> User:
    """Somebody with a password who is not signed in anywhere."""
    return UserFactory(username="bob", name="Bob Brown", password=PASSWORD)


def start(browser: Browser, party: Party, *, relay_state: str = "state", **options: Any) -> Any:
    """Send a request in a browser; returns the page at which it ends up."""
    query = party.sp.redirect(party.request(**options), signed=False, relay_state=relay_state)
    return browser.open(f"/saml/sso?{query.decode()}")


def signed_in_browser(saml: SamlWorld) -> Browser:
    browser = Browser()
    browser.cookies.load(cookie_of(saml.session))
    return browser


# ----- a live session is answered at once -----


def test_a_live_session_is_answered_at_once(saml: SamlWorld, party: Party) -> None:
    answer = party.redirect(saml.session, identifier="_id", relay_state="a&b=<c> +%41\u20ac")
    form = posted(answer)
    assert form.status == ("Success",)
    assert form.action == party.sp.acs_url
    assert form.relay_state == "a&b=<c> +%41\u20ac"
    assert form.root.get("InResponseTo") == "_id"
    assert not Interaction.objects.exists()
    assert header(answer, "Cache-Control") == "no-store"
    assert header(answer, "Referrer-Policy") == "origin"
    assert "form-action" not in header(answer, "Content-Security-Policy")


def test_by_post_with_the_cookie_too(saml: SamlWorld, party: Party) -> None:
    assert posted(party.post(saml.session, signed=True)).status == ("Success",)


def test_an_answer_without_relay_state_has_none(saml: SamlWorld, party: Party) -> None:
    assert posted(party.redirect(saml.session)).relay_state is None


def test_the_short_way_and_django_give_the_same_page(saml: SamlWorld, party: Party) -> None:
    page = start(signed_in_browser(saml), party)
    assert posted(page).status == ("Success",)
    assert page.headers["Referrer-Policy"] == "origin"
    assert "form-action" not in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize("state", ["ended", "idle", "expired", "disabled"])
def test_a_session_that_is_not_live_counts_for_nothing(
    saml: SamlWorld, party: Party, state: str
) -> None:
    session = saml.session
    if state == "ended":
        sessions.end(session, reason="test", now=timezone.now())
    elif state == "disabled":
        User.objects.filter(pk=saml.user.pk).update(is_active=False)
    else:
        past = timezone.now() - timedelta(days=30)
        column = {"idle": "seen_at", "expired": "expires_at"}[state]
        type(session).objects.filter(pk=session.pk).update(**{column: past})
    answer = party.redirect(session)
    assert answer.status == 303
    assert header(answer, "Location").startswith("/interaction/")
    assert posted(party.redirect(session, attributes=PASSIVE)).status == ("Responder", "NoPassive")


def test_another_cookie_is_no_session(saml: SamlWorld, party: Party) -> None:
    for value in ("", "x", "A" * 43, "\u00e9" * 43):
        cookies = {settings.IDP.cookie("session"): value}
        query = party.sp.redirect(party.request(), signed=False).decode()
        answer = saml.provider.send("GET", "/saml/sso", query=query, cookies=cookies)
        assert answer.status == 303


@pytest.mark.parametrize("format_", [vocabulary.PERSISTENT, "none"])
@pytest.mark.parametrize("known", [True, False])
def test_a_session_that_ends_meanwhile_gives_nothing(
    saml: SamlWorld, monkeypatch: pytest.MonkeyPatch, known: bool, format_: str
) -> None:
    """Also where the service provider has taken part in it a moment ago."""
    party = saml.party(default_name_id_format=format_)
    if known:
        posted(party.redirect(saml.session))
    end_before(monkeypatch, success.participation, "read", saml)
    answer = party.redirect(saml.session)
    assert answer.status == 303
    assert header(answer, "Location").startswith("/interaction/")


def test_one_that_ends_while_the_assertion_is_signed(
    saml: SamlWorld, party: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sign-out has found no name there to tell the service provider."""
    end_before(monkeypatch, success.response, "build_signed_response", saml)
    assert party.redirect(saml.session).status == 303
    assert not AuditEvent.objects.filter(action="saml.response").exists()


def end_before(
    monkeypatch: pytest.MonkeyPatch, module: ModuleType, function: str, saml: SamlWorld
) -> None:
    """Let alice's session end right before a function is called."""
    real = getattr(module, function)

    def ending(*arguments: Any, **options: Any) -> Any:
        sessions.end(saml.session, reason="signed out", now=timezone.now())
        return real(*arguments, **options)

    monkeypatch.setattr(module, function, ending)


# ----- through the sign-in page -----


def test_signs_in_and_goes_on(saml: SamlWorld, party: Party, person: User) -> None:
    browser = Browser()
    page = start(browser, party, identifier="_id", relay_state="back")
    assert "Acme Reports" in page.content.decode()
    form = posted(browser.submit(page, username="bob", password=PASSWORD))
    assert form.attributes["uid"] == ["bob"]
    assert (form.root.get("InResponseTo"), form.relay_state) == ("_id", "back")
    party.accept(form, request_id="_id")
    assert posted(start(browser, party)).attributes["uid"] == ["bob"]


def test_a_cross_site_post_is_stored_and_goes_on_by_get(
    saml: SamlWorld, party: Party, person: User
) -> None:
    browser = Browser()
    body = party.sp.post(party.sp.signed(identifier="_id"), relay_state="back")
    first = browser.post(
        "/saml/sso", body.decode(), content_type="application/x-www-form-urlencoded"
    )
    assert first.status_code == 303
    page = browser.open(first.headers["Location"])
    form = posted(browser.submit(page, username="bob", password=PASSWORD))
    assert (form.root.get("InResponseTo"), form.relay_state) == ("_id", "back")


def test_a_cross_site_post_finds_the_session_at_the_get(saml: SamlWorld, party: Party) -> None:
    answer = party.post(None, signed=True)
    assert answer.status == 303
    browser = signed_in_browser(saml)
    assert posted(browser.open(header(answer, "Location"))).attributes["uid"] == ["alice"]


def test_what_came_by_post_belongs_to_the_first_browser(saml: SamlWorld, party: Party) -> None:
    path = header(party.post(None, signed=True), "Location")
    posted(signed_in_browser(saml).open(path))
    _, session = saml.other(username="mallory")
    thief = Browser()
    thief.cookies.load(cookie_of(session))
    assert "SAMLResponse" not in thief.open(path).content.decode()


def test_it_is_answered_once(saml: SamlWorld, party: Party) -> None:
    path = header(party.post(None, signed=True), "Location")
    browser = signed_in_browser(saml)
    posted(browser.open(path))
    again = browser.open(path)
    assert "SAMLResponse" not in again.content.decode()
    assert AuditEvent.objects.filter(action="saml.response").count() == 1


def test_cancel_reaches_the_service_provider(saml: SamlWorld, party: Party) -> None:
    browser = Browser()
    page = start(browser, party, identifier="_id", relay_state="back")
    form = posted(browser.submit(page, cancel="1"))
    assert form.status == ("Responder", "AuthnFailed")
    assert form.action == party.sp.acs_url
    assert (form.root.get("InResponseTo"), form.relay_state) == ("_id", "back")
    assert form.all("/samlp:Response/ds:Signature")
    assert not form.all("//saml:Assertion")


def test_an_expired_one_offers_the_application_again(
    saml: SamlWorld, party: Party, person: User
) -> None:
    party.change_application(launch_url="https://app.example/start")
    browser = Browser()
    page = start(browser, party)
    Interaction.objects.update(expires_at=timezone.now())
    late = browser.open(page.path)
    assert late.status_code == 410
    assert "https://app.example/start" in late.content.decode()


# ----- ForceAuthn, IsPassive, RequestedAuthnContext -----


def test_force_authn_asks_the_person_again(saml: SamlWorld, party: Party, person: User) -> None:
    earlier = timezone.now() - timedelta(hours=2)
    session = sign_in(person, authenticated_at=earlier)
    browser = Browser()
    browser.cookies.load(cookie_of(session))
    assert posted(start(browser, party)).one("//saml:AuthnStatement").get(
        "AuthnInstant"
    ) == earlier.strftime("%Y-%m-%dT%H:%M:%SZ")

    page = start(browser, party, attributes=FORCE)
    assert "id_password" in page.content.decode()
    form = posted(browser.submit(page, password=PASSWORD))
    instant = form.one("//saml:AuthnStatement").get("AuthnInstant")
    assert instant > (timezone.now() - timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert AuthenticationEvent.objects.filter(session=session).exists()


def test_a_wrong_password_does_not_satisfy_force_authn(
    saml: SamlWorld, party: Party, person: User
) -> None:
    browser = Browser()
    browser.cookies.load(cookie_of(sign_in(person)))
    page = start(browser, party, attributes=FORCE)
    again = browser.submit(page, password="wrong")
    assert "id_password" in again.content.decode()
    interaction = page.path.rsplit("/", 1)[0]
    assert "SAMLResponse" not in browser.open(interaction).content.decode()


def test_passive_without_a_session(saml: SamlWorld, party: Party) -> None:
    answer = party.redirect(None, attributes=PASSIVE, identifier="_id")
    form = posted(answer)
    assert form.status == ("Responder", "NoPassive")
    assert form.root.get("InResponseTo") == "_id"
    assert not Interaction.objects.exists()
    assert not SignIn.objects.exists()
    assert AuditEvent.objects.get(action="saml.refused").result == "failure"


def test_passive_with_a_session(saml: SamlWorld, party: Party) -> None:
    assert posted(party.redirect(saml.session, attributes=PASSIVE)).status == ("Success",)


@pytest.mark.parametrize("with_session", [True, False])
def test_passive_by_cross_site_post_shows_no_page(
    saml: SamlWorld, party: Party, with_session: bool
) -> None:
    path = header(party.post(None, attributes=PASSIVE), "Location")
    browser = signed_in_browser(saml) if with_session else Browser()
    expected = ("Success",) if with_session else ("Responder", "NoPassive")
    assert posted(browser.open(path)).status == expected


def context(*classes: str, comparison: str = "") -> str:
    said = f' Comparison="{comparison}"' if comparison else ""
    refs = "".join(
        f"<saml:AuthnContextClassRef>{one}</saml:AuthnContextClassRef>" for one in classes
    )
    return f"<samlp:RequestedAuthnContext{said}>{refs}</samlp:RequestedAuthnContext>"


def test_an_authentication_context_that_was_reached(saml: SamlWorld, party: Party) -> None:
    password = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
    for asked in ((password,), (MFA, password)):
        form = posted(party.redirect(saml.session, inside=context(*asked)))
        assert form.one("//saml:AuthnContextClassRef").text == password


def test_one_that_nobody_reaches_here(saml: SamlWorld, party: Party) -> None:
    for session in (saml.session, None):
        form = posted(party.redirect(session, inside=context(MFA)))
        assert form.status == ("Responder", "NoAuthnContext")
    assert not Interaction.objects.exists()


# ----- who may use it -----


def test_who_may_not_use_it_reads_why(saml: SamlWorld, party: Party) -> None:
    party.change_application(access=Application.Access.NOBODY)
    browser = signed_in_browser(saml)
    page = start(browser, party)
    assert page.status_code == 403
    assert "You have no access to Acme Reports" in page.content.decode()
    form = posted(browser.submit(page, cancel="1"))
    assert form.status == ("Responder", "RequestDenied")
    assert not AuditEvent.objects.filter(action="saml.response").exists()


def test_only_members_of_its_groups(saml: SamlWorld, party: Party) -> None:
    party.change_application(access=Application.Access.GROUPS)
    party.row.application.allowed_groups.add(Group.objects.get(name="staff"))
    assert posted(party.redirect(saml.session)).status == ("Success",)
    _, outsider = saml.other(username="mallory", groups=["users"])
    assert party.redirect(outsider).status == 303


def test_who_may_not_use_it_sees_no_page_where_none_may_be_shown(
    saml: SamlWorld, party: Party
) -> None:
    party.change_application(access=Application.Access.NOBODY)
    form = posted(party.redirect(saml.session, attributes=PASSIVE))
    assert form.status == ("Responder", "RequestDenied")
    path = header(party.post(None, attributes=PASSIVE), "Location")
    form = posted(signed_in_browser(saml).open(path))
    assert form.status == ("Responder", "RequestDenied")


def test_somebody_else_can_sign_in_instead(saml: SamlWorld, party: Party, person: User) -> None:
    party.change_application(access=Application.Access.GROUPS)
    allowed = Group.objects.create(name="allowed")
    party.row.application.allowed_groups.add(allowed)
    person.groups.add(allowed)
    browser = signed_in_browser(saml)
    page = browser.submit(start(browser, party), switch="1")
    form = posted(browser.submit(page, username="bob", password=PASSWORD))
    assert form.attributes["uid"] == ["bob"]


# ----- switched off while it waits -----


def test_an_application_disabled_meanwhile(saml: SamlWorld, party: Party, person: User) -> None:
    browser = Browser()
    page = start(browser, party)
    party.change_application(enabled=False)
    answer = browser.submit(page, username="bob", password=PASSWORD)
    assert answer.status_code == 403
    ended = browser.submit(answer, cancel="1")
    assert ended.status_code == 400
    assert 'id="error-code">disabled_application<' in ended.content.decode()
    assert not AuditEvent.objects.filter(action="saml.response").exists()


def test_a_person_disabled_meanwhile(saml: SamlWorld, party: Party, person: User) -> None:
    session = sign_in(person)
    path = header(party.post(None, signed=True), "Location")
    people.disable(person, now=timezone.now())
    browser = Browser()
    browser.cookies.load(cookie_of(session))
    page = browser.open(path)
    assert "SAMLResponse" not in page.content.decode()
    refused = browser.submit(page, username="bob", password=PASSWORD)
    assert "SAMLResponse" not in refused.content.decode()


def test_a_service_provider_removed_meanwhile(saml: SamlWorld, party: Party) -> None:
    browser = Browser()
    page = start(browser, party)
    party.row.application.delete()
    answer = browser.submit(page, cancel="1")
    assert "SAMLResponse" not in answer.content.decode()
    assert answer.status_code in (400, 410)


def test_an_address_removed_meanwhile(saml: SamlWorld, party: Party, person: User) -> None:
    browser = Browser()
    page = start(browser, party)
    elsewhere = {**party.row.assertion_consumer_services[0], "url": "https://new.example/acs"}
    party.change(assertion_consumer_services=[elsewhere])
    answer = browser.submit(page, username="bob", password=PASSWORD)
    assert answer.status_code == 400
    assert 'id="error-code">unknown_assertion_consumer_service<' in answer.content.decode()


# ----- a Subject in the request -----


def subject(value: str, format_: str = "", **attributes: str) -> str:
    said = {**({"Format": format_} if format_ else {}), **attributes}
    text = " ".join(f'{name}="{one}"' for name, one in said.items())
    return f"<saml:Subject><saml:NameID {text}>{value}</saml:NameID></saml:Subject>"


def test_a_subject_that_is_signed_in(saml: SamlWorld, party: Party) -> None:
    name = posted(party.redirect(saml.session)).name_id.text
    form = posted(party.redirect(saml.session, inside=subject(name, vocabulary.PERSISTENT)))
    assert form.name_id.text == name


def test_a_subject_that_somebody_else_is(saml: SamlWorld, party: Party, person: User) -> None:
    session = sign_in(person)
    name = posted(party.redirect(session)).name_id.text
    wanted = subject(name, vocabulary.PERSISTENT)
    passive = posted(party.redirect(saml.session, inside=wanted, attributes=PASSIVE))
    assert passive.status == ("Responder", "NoPassive")

    browser = signed_in_browser(saml)
    page = start(browser, party, inside=wanted)
    form = posted(browser.submit(page, username="bob", password=PASSWORD))
    assert form.name_id.text == name


def test_signing_in_as_another_than_the_subject(
    saml: SamlWorld, party: Party, person: User
) -> None:
    name = posted(party.redirect(saml.session)).name_id.text
    browser = Browser()
    page = start(browser, party, inside=subject(name, vocabulary.PERSISTENT))
    form = posted(browser.submit(page, username="bob", password=PASSWORD))
    assert form.status == ("Responder", "UnknownPrincipal")


@pytest.mark.parametrize(
    "wanted",
    [
        subject("nobody", vocabulary.PERSISTENT),
        subject("nobody", vocabulary.TRANSIENT),
        subject("nobody@example.org", vocabulary.EMAIL_ADDRESS),
        subject("nobody"),
        subject("CN=alice", "urn:oasis:names:tc:SAML:1.1:nameid-format:X509SubjectName"),
        subject("https://sp.example", vocabulary.ENTITY),
        subject("x", vocabulary.PERSISTENT, NameQualifier="https://other.example"),
    ],
)
def test_an_unknown_subject(saml: SamlWorld, party: Party, wanted: str) -> None:
    form = posted(party.redirect(saml.session, inside=wanted))
    assert form.status == ("Responder", "UnknownPrincipal")


TRANSIENT = f'<samlp:NameIDPolicy Format="{vocabulary.TRANSIENT}"/>'


def test_a_subject_that_is_encrypted_to_us(saml: SamlWorld, party: Party) -> None:
    name = posted(party.redirect(saml.session)).name_id.text
    wanted = f"<saml:Subject>{encrypted_id(name, vocabulary.PERSISTENT)}</saml:Subject>"
    form = posted(party.post(saml.session, signed=True, inside=wanted))
    assert form.name_id.text == name
    # Nothing is decrypted for somebody who has not signed.
    assert party.post(saml.session, inside=wanted).status == 400


def test_a_transient_subject_is_said_again_in_its_session(saml: SamlWorld, party: Party) -> None:
    name = posted(party.redirect(saml.session, inside=TRANSIENT)).name_id.text
    wanted = subject(name, vocabulary.TRANSIENT)
    form = posted(party.redirect(saml.session, inside=wanted))
    assert (form.name_id.text, form.name_id.get("Format")) == (name, vocabulary.TRANSIENT)
    # Elsewhere, and for somebody else, it means nobody.
    assert posted(saml.party().redirect(saml.session, inside=wanted)).status[-1] == (
        "UnknownPrincipal"
    )
    passive = {"inside": wanted, "attributes": PASSIVE}
    assert posted(party.redirect(sign_in(UserFactory()), **passive)).status[-1] == "NoPassive"
    # In another session of the same person it cannot be given again.
    assert posted(party.redirect(sign_in(saml.user), inside=wanted)).status[-1] == (
        "UnknownPrincipal"
    )


def test_a_transient_subject_dies_with_its_session(saml: SamlWorld, party: Party) -> None:
    name = posted(party.redirect(saml.session, inside=TRANSIENT)).name_id.text
    sessions.end(saml.session, reason="test", now=timezone.now())
    answer = party.redirect(sign_in(saml.user), inside=subject(name, vocabulary.TRANSIENT))
    assert posted(answer).status == ("Responder", "UnknownPrincipal")


def test_a_name_id_of_another_service_provider_is_unknown(saml: SamlWorld, party: Party) -> None:
    name = posted(saml.party().redirect(saml.session)).name_id.text
    form = posted(party.redirect(saml.session, inside=subject(name, vocabulary.PERSISTENT)))
    assert form.status == ("Responder", "UnknownPrincipal")


@pytest.mark.parametrize("address", ["alice@example.org", "nobody@example.org"])
def test_an_address_tells_nobody_who_exists(saml: SamlWorld, party: Party, address: str) -> None:
    """Without a session the answer is the sign-in page, with the address as a hint."""
    browser = Browser()
    page = start(browser, party, inside=subject(address, vocabulary.EMAIL_ADDRESS))
    text = page.content.decode()
    assert "id_username" in text
    assert address in text


def test_what_came_encrypted_is_shown_to_nobody(saml: SamlWorld, party: Party) -> None:
    """Another service provider's EncryptedID, picked up on its way, would be read on the page."""
    secret = encrypted_id("carol@example.org", vocabulary.EMAIL_ADDRESS)
    query = party.sp.redirect(party.request(inside=f"<saml:Subject>{secret}</saml:Subject>"))
    page = Browser().open(f"/saml/sso?{query.decode()}").content.decode()
    assert "id_username" in page
    assert "carol" not in page


def test_the_format_of_the_subject_counts_without_a_policy(saml: SamlWorld, party: Party) -> None:
    wanted = subject("alice@example.org", vocabulary.EMAIL_ADDRESS)
    form = posted(party.redirect(saml.session, inside=wanted))
    assert form.name_id.text == "alice@example.org"


# ----- what is kept -----


def test_a_participant_for_each_service_provider(saml: SamlWorld, party: Party) -> None:
    other = saml.party()
    first = posted(party.redirect(saml.session)).one("//saml:AuthnStatement")
    again = posted(party.redirect(saml.session)).one("//saml:AuthnStatement")
    elsewhere = posted(other.redirect(saml.session)).one("//saml:AuthnStatement")
    assert first.get("SessionIndex") == again.get("SessionIndex")
    assert first.get("SessionIndex") != elsewhere.get("SessionIndex")
    rows = {row.id.hex: row for row in Participant.objects.all()}
    row = rows[first.get("SessionIndex")]
    assert row.application_id == party.row.application_id
    assert row.session_id == saml.session.pk
    assert row.name_id_format == vocabulary.PERSISTENT


def test_the_audit_trail_names_every_signature(saml: SamlWorld, party: Party) -> None:
    form = posted(party.redirect(saml.session, identifier="_id"))
    event = AuditEvent.objects.get(action="saml.response")
    assert event.user_name == "alice"
    assert event.application_name == "Acme Reports"
    assert event.session_id == saml.session.pk
    assert event.details["response_id"] == form.root.get("ID")
    assert event.details["assertion_id"] == form.assertion.get("ID")
    assert event.details["in_response_to"] == "_id"
    row = SignIn.objects.get()
    assert (row.protocol, row.result, row.user_name) == ("saml", "success", "alice")
    assert row.received["Issuer"] == party.sp.entity_id


def test_nothing_that_is_kept_holds_the_assertion(
    saml: SamlWorld, party: Party, person: User
) -> None:
    browser = Browser()
    page = start(browser, party, relay_state="a secret of the application")
    form = posted(browser.submit(page, username="bob", password=PASSWORD))
    kept = [*AuditEvent.objects.values_list("details", "reason")]
    kept += [*SignIn.objects.values_list("received", "trace")]
    text = str(kept)
    assert form.name_id.text not in text
    assert "bob@example.org" not in text
    assert "a secret of the application" not in text


def test_a_sign_on_of_just_now_costs_no_write_but_the_buffered(
    saml: SamlWorld, party: Party, django_assert_max_num_queries: Any
) -> None:
    posted(party.redirect(saml.session))
    party.provider.get("/saml/metadata")
    query = party.sp.redirect(party.request(), signed=False)
    # Session with person, person's claims, NameID, participant; audit and trace written through.
    with django_assert_max_num_queries(7):
        posted(party.send_query(query, saml.session))


def test_a_quoted_query_reaches_the_signature_check_as_it_came(
    saml: SamlWorld, party: Party
) -> None:
    query = party.sp.redirect(party.request(), relay_state="a b").decode()
    lower = query.replace("%2F", "%2f").replace("%3D", "%3d").replace("%2B", "%2b")
    assert lower != query
    assert party.send_query(lower, saml.session).status == 400
    assert posted(party.send_query(query, saml.session)).relay_state == "a b"
    assert quote("a b") in query
