"""Sign-out notices: listed, filtered, found, sent again; on the session's page and the overview."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Browser
from django.utils import timezone

from idp.accounts.logout_channels import outbox
from idp.models import AuditEvent, LogoutNotification, Session
from tests.support.factories import ClientFactory, ServiceProviderFactory
from tests.support.logout import end, listening, session_with

URI = "https://application.example/logout"
LIST = "/admin/idp/logoutnotification/"


def told(state: str, name: str = "Acme", **fields: Any) -> LogoutNotification:
    """A notice in this state."""
    session = session_with(listening(URI, application__name=name))
    end(session)
    rows = LogoutNotification.objects.filter(session=session)
    done = state in ("acknowledged", "shown", "failed", "unreachable")
    rows.update(state=state, **({"next_at": None} if done else {}), **fields)
    return rows.get()


@pytest.fixture
def every_state(admin_user: Any) -> dict[str, LogoutNotification]:
    return {state: told(state, f"App {state}") for state in outbox.State.values}


def body(browser: Browser, **query: str) -> str:
    html = browser.get(LIST, query).content.decode()
    return html.split("<tbody>")[1] if "<tbody>" in html else html


@pytest.mark.parametrize(
    ("chosen", "states"),
    [
        ("undelivered", {"waiting", "retrying", "failed", "unreachable"}),
        ("pending", {"waiting", "retrying"}),
        ("failed", {"failed"}),
        ("unreachable", {"unreachable"}),
        ("acknowledged", {"acknowledged"}),
        ("shown", {"shown"}),
        ("odd", set(outbox.State.values)),
    ],
)
def test_filters_by_state(
    browser: Browser, every_state: dict[str, Any], chosen: str, states: set[str]
) -> None:
    html = body(browser, state=chosen)
    assert {state for state in every_state if f"App {state}" in html} == states


def test_finds_by_application_and_person(browser: Browser) -> None:
    mine, other = told("failed", "Acme Reports"), told("failed", "Wiki")
    for term in ("acme", mine.session.user.username):
        html = body(browser, q=term)
        assert "Acme Reports" in html
        assert "Wiki" not in html
    assert "Wiki" in body(browser, q=other.application.client.client_id)


def test_lists_many_with_few_questions(
    browser: Browser, django_assert_max_num_queries: Any
) -> None:
    for number in range(20):
        told("failed", f"App {number}")
    with django_assert_max_num_queries(6):
        browser.get(LIST)


def test_page_of_one(browser: Browser) -> None:
    row = told("retrying", error="it answers with status 500", attempts=3, status=500)
    html = browser.get(f"{LIST}{row.pk}/change/").content.decode()
    for words in ("retrying", "3 attempts", "it answers with status 500", "Send again"):
        assert words in html
    row.session.user.delete()
    html = browser.get(f"{LIST}{row.pk}/change/").content.decode()
    assert html.count("deleted") == 2


@pytest.mark.parametrize("state", ["failed", "unreachable", "retrying"])
def test_sends_again(browser: Browser, state: str) -> None:
    row = told(state, attempts=11)
    response = browser.post(f"{LIST}{row.pk}/again/")
    assert response.headers["Location"] == f"/admin/idp/session/{row.session_id}/change/"
    row.refresh_from_db()
    assert (row.state, row.attempts) == ("waiting", 0)
    assert row.next_at <= timezone.now()
    event = AuditEvent.objects.get(action="logout.sent_again")
    assert (event.actor, event.details) == ("root", {"notices": 1})


def test_does_not_repeat_what_was_delivered(browser: Browser) -> None:
    row = told("acknowledged")
    browser.post(f"{LIST}{row.pk}/again/")
    row.refresh_from_db()
    assert row.state == "acknowledged"
    assert not AuditEvent.objects.filter(action="logout.sent_again").exists()


def test_sends_selected_ones_again(browser: Browser, every_state: dict[str, Any]) -> None:
    chosen = [str(row.pk) for row in every_state.values()]
    browser.post(LIST, {"action": "send_again", "_selected_action": chosen})
    states = {row.application.name[4:]: row.state for row in LogoutNotification.objects.all()}
    assert states == {
        **dict.fromkeys(("waiting", "retrying", "failed", "unreachable"), "waiting"),
        "acknowledged": "acknowledged",
        "shown": "shown",
    }


def test_a_link_sends_nothing(browser: Browser) -> None:
    row = told("failed")
    assert browser.get(f"{LIST}{row.pk}/again/").status_code == 404
    row.refresh_from_db()
    assert row.state == "failed"


def test_only_administrators(browser_of: Any, admin_user: Any) -> None:
    row = told("failed")
    somebody = browser_of(session_with().user)
    assert somebody.post(f"{LIST}{row.pk}/again/").status_code == 403
    assert somebody.get(LIST).status_code == 403


def test_ledger_on_the_page_of_the_session(browser: Browser) -> None:
    saml = ServiceProviderFactory(application__name="Payroll").application
    session = session_with(
        listening(URI, application__name="Acme"),
        ClientFactory(application__name="Blog", frontchannel_logout_uri=URI),
        ClientFactory(application__name="Cabinet"),
        saml,
    )
    live = browser.get(f"/admin/idp/session/{session.pk}/change/").content.decode()
    assert "not told" not in live
    end(session)
    LogoutNotification.objects.update(state="unreachable", error="it did not answer in time")
    html = browser.get(f"/admin/idp/session/{session.pk}/change/").content.decode()
    for words in (
        *("Acme", "unreachable", "it did not answer in time", "Send again"),
        *("only listens in the browser", "no address for sign-out", "Payroll", "SAML"),
    ):
        assert words in html
    assert html.count(">not told<") == 3


def test_overview_mentions_what_was_given_up(browser: Browser) -> None:
    told("acknowledged")
    told("retrying")
    assert "could not be delivered" not in browser.get("/admin/").content.decode()
    told("unreachable")
    told("failed")
    html = browser.get("/admin/").content.decode()
    assert "2 sign-out notices could not be delivered" in html
    assert "?since=week&amp;state=undelivered" in html


class TestDisabling:
    def test_says_who_is_told_and_tells(self, browser: Browser, admin_user: Any) -> None:
        client = listening(URI)
        session = session_with(client)
        page = f"/admin/idp/application/{client.pk}/disable/"
        assert "It is told to sign out everybody" in browser.get(page).content.decode()
        browser.post(page)
        row = LogoutNotification.objects.get()
        assert (row.session_id, row.state) == (session.pk, "waiting")
        assert Session.objects.get(pk=session.pk).ended_at is None

    def test_says_when_nobody_is_told(self, browser: Browser, admin_user: Any) -> None:
        client = ClientFactory()
        page = f"/admin/idp/application/{client.pk}/disable/"
        assert "stay so" in browser.get(page).content.decode()

    def test_enabling_forgets_what_was_told(self, browser: Browser, admin_user: Any) -> None:
        client = listening(URI)
        live, over = session_with(client), session_with(client)
        end(over)
        for what in ("disable", "enable"):
            browser.post(f"/admin/idp/application/{client.pk}/{what}/")
        assert LogoutNotification.objects.get().session_id == over.pk
        browser.post(f"/admin/idp/application/{client.pk}/disable/")
        assert LogoutNotification.objects.filter(session=live).count() == 1

    def test_deletion_says_what_is_lost(self, browser: Browser, admin_user: Any) -> None:
        client = listening(URI)
        page = f"/admin/idp/application/{client.pk}/delete/"
        assert "Disable it first" not in browser.get(page).content.decode()
        session_with(client)
        assert "Disable it first" in browser.get(page).content.decode()


def test_an_administrator_ends_a_session(browser: Browser, admin_user: Any) -> None:
    session = session_with(listening(URI))
    browser.post(f"/admin/idp/session/{session.pk}/end/")
    assert LogoutNotification.objects.get().session_id == session.pk


@pytest.mark.parametrize(
    ("channel", "fields", "words"),
    [
        ("saml-browser", {"state": "shown"}, "no answer through the browser"),
        ("saml-browser", {"state": "failed", "error": "it answers Responder"}, "it answers"),
        ("saml-soap", {"state": "failed", "error": "its answer was not accepted"}, "not accepted"),
        ("saml-soap", {"state": "acknowledged"}, "SAML, SOAP"),
    ],
)
def test_service_providers_stand_in_the_same_list(
    browser: Browser, channel: str, fields: dict[str, str], words: str
) -> None:
    notice = told(**fields, channel=channel)
    assert words in body(browser)
    page = browser.get(f"{LIST}{notice.pk}/change/").content.decode()
    assert words in page
    # What a browser carried cannot be carried again without one.
    again = channel == "saml-soap" and fields["state"] == "failed"
    assert ("Send again" in page) is again


def test_a_soap_notice_is_sent_again_and_a_browser_one_is_not(browser: Browser) -> None:
    soap, carried = told("failed", channel="saml-soap"), told("failed", channel="saml-browser")
    for notice in (soap, carried):
        browser.post(f"{LIST}{notice.pk}/again/")
    states = dict(LogoutNotification.objects.values_list("channel", "state"))
    assert states == {"saml-soap": "waiting", "saml-browser": "failed"}
