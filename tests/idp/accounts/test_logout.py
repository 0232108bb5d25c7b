"""Sign-out: never by a link alone, always with everything."""

from __future__ import annotations

import pytest
from django.utils import timezone

from idp.accounts import interaction, logout
from idp.accounts import session as sessions
from idp.models import AuditEvent, Interaction, Revocation, Session
from tests.support.sign_in import Browser, Origin, begin

pytestmark = pytest.mark.django_db

REDIRECT = "https://app.example/signed-out?state=s%20t"


def question(browser, application=None, *, redirect_to=REDIRECT, method="GET"):
    cookies = {name: morsel.value for name, morsel in browser.cookies.items()}
    opened = logout.question(
        application=application,
        redirect_to=redirect_to,
        origin=Origin(method, {} if method == "POST" else cookies),
        now=timezone.now(),
    )
    for value in opened.cookies:
        browser.cookies.load(value)
    return opened.path


class TestPlain:
    def test_link_alone_signs_nobody_out(self, browser, alice):
        browser.sign_in()
        page = browser.open("/logout")
        assert b"logout-confirm" in page.content
        assert Session.objects.get().ended_at is None

    def test_button_ends_the_session(self, browser, alice, application):
        browser.sign_in()
        row = Session.objects.get()
        sid = sessions.participate(row, application, timezone.now()).id.hex
        page = browser.open("/logout")
        assert b"Acme Reports" in page.content
        page = browser.submit(page, logout="1")
        assert page.path == "/logout/done"
        assert b"Acme Reports" in page.content
        row.refresh_from_db()
        assert row.ended_at is not None
        assert Revocation.objects.filter(kind="sid", key=sid).exists()
        assert not browser.session_token
        assert browser.open("/account").path.endswith("/login")
        assert AuditEvent.objects.filter(action="session.ended").count() == 1

    def test_old_cookie_is_dead(self, browser, alice):
        browser.sign_in()
        token = browser.session_token
        browser.submit(browser.open("/logout"), logout="1")
        thief = Browser()
        thief.cookies["gatehouse_session"] = token
        assert thief.open("/account").path.endswith("/login")

    def test_form_of_another_site_signs_nobody_out(self, browser, alice):
        browser.sign_in()
        assert browser.post("/logout", {"logout": "1"}).status_code == 303
        assert Session.objects.get().ended_at is None

    def test_without_a_session_there_is_nothing_to_ask(self, browser, db):
        page = browser.open("/logout")
        assert (page.status_code, page.path) == (200, "/logout/done")

    def test_second_tab_is_no_error(self, browser, alice):
        browser.sign_in()
        first, second = browser.open("/logout"), browser.open("/logout")
        browser.submit(first, logout="1")
        assert browser.submit(second, logout="1").status_code == 200


class TestQuestion:
    def test_person_confirms_and_goes_on(self, browser, alice, application):
        browser.sign_in()
        page = browser.open(question(browser, application))
        response = browser.submit(page, logout="1")
        assert (response.status_code, response.headers["Location"]) == (303, REDIRECT)
        assert Session.objects.get().ended_at is not None

    @pytest.mark.standard("OIDC RP-Initiated Logout", "2", "the person is asked")
    def test_opening_it_signs_nobody_out(self, browser, alice, application):
        browser.sign_in()
        browser.open(question(browser, application))
        assert Session.objects.get().ended_at is None
        assert Interaction.objects.latest("pk").finished_at is None

    def test_without_a_session_it_leads_straight_on(self, browser, application):
        response = browser.open(question(browser, application))
        assert response.headers["Location"] == REDIRECT

    def test_without_an_address_it_shows_the_signed_out_page(self, browser, alice, application):
        browser.sign_in()
        page = browser.open(question(browser, application, redirect_to=""))
        assert browser.submit(page, logout="1").path == "/logout/done"

    def test_post_from_another_site_comes_back_as_get(self, browser, alice, application):
        browser.sign_in()
        page = browser.open(question(browser, application, method="POST"))
        assert browser.submit(page, logout="1").headers["Location"] == REDIRECT

    def test_other_browser_is_not_signed_out(self, browser, other_browser, alice, bob, application):
        other_browser.sign_in("bob")
        path = question(browser, application)
        assert other_browser.open(path).status_code == 410
        token = other_browser.form_of(other_browser.open("/logout"), "logout")["inputs"]
        assert other_browser.post(path, {**token, "logout": "1"}).status_code == 303
        assert Session.objects.get(user=bob).ended_at is None

    def test_it_is_answered_once(self, browser, alice, application):
        browser.sign_in()
        path = question(browser, application)
        browser.submit(browser.open(path), logout="1")
        browser.sign_in()
        page = browser.open(path)
        assert b"logout-confirm" not in page.content
        assert Session.objects.filter(ended_at=None).count() == 1

    def test_its_handle_opens_no_interaction(self, browser, alice, application):
        browser.sign_in()
        handle = question(browser, application).rpartition("/")[2]
        assert browser.open(f"/interaction/{handle}").status_code == 410

    def test_interaction_is_no_logout(self, browser, alice, application, probe):
        browser.sign_in()
        handle = begin(browser, application).rpartition("/")[2]
        assert browser.open(f"/logout/confirm/{handle}").status_code == 410
        assert "logout" not in interaction.kinds()
