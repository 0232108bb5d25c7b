"""Attacks on the sign-in engine: foreign sessions, foreign browsers, stolen links, raw requests."""

from __future__ import annotations

import re

import pytest
from django.utils import timezone

from idp.accounts import cookies
from idp.accounts import session as sessions
from idp.models import Consent, Interaction, Session, User
from tests.support.factories import PASSWORD, SessionFactory
from tests.support.sign_in import BACK, Browser, begin

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quick_hashes")]

STEPS = ("", "/login", "/consent", "/not-allowed")
PAGES = (
    "/",
    "/login",
    "/logout",
    "/logout/done",
    "/logout/confirm/x",
    "/account",
    "/account/permissions",
    "/account/sessions",
    "/account/activity",
    "/account/password",
    "/logo/x",
    "/.well-known/change-password",
)


class TestFixation:
    def test_session_planted_before_the_sign_in_is_not_used(self, browser, alice):
        planted = cookies.new_token()
        browser.cookies["gatehouse_session"] = planted
        browser.sign_in()
        assert browser.session_token != planted
        assert sessions.current(planted, now=timezone.now()) is None

    def test_session_of_the_attacker_planted_before_the_sign_in_is_ended(self, browser, alice, bob):
        attackers = SessionFactory(user=bob)
        browser.cookies["gatehouse_session"] = attackers.token
        page = browser.open("/logout")
        browser.submit(page, logout="1")
        browser.sign_in("alice")
        assert sessions.current(attackers.token, now=timezone.now()) is None
        assert sessions.current(browser.session_token, now=timezone.now()).user == alice

    def test_token_changes_with_every_proof(self, browser, alice, application, probe):
        tokens = set()
        browser.sign_in()
        for _ in range(3):
            tokens.add(browser.session_token)
            page = browser.open(begin(browser, application, force=True))
            browser.submit(page, password=PASSWORD)
        tokens.add(browser.session_token)
        assert len(tokens) == 4
        now = timezone.now()
        live = [token for token in tokens if sessions.current(token, now=now)]
        assert live == [browser.session_token]

    def test_flow_begun_by_the_attacker_does_not_end_in_the_victims_browser(
        self, browser, other_browser, alice, application, probe
    ):
        path = begin(other_browser, application)
        other_browser.open(path)
        browser.sign_in()
        for step in STEPS:
            assert browser.open(path + step).status_code == 410
        assert not probe.finished

    def test_flow_begun_by_the_victim_does_not_end_in_the_attackers_browser(
        self, browser, other_browser, alice, bob, application, probe
    ):
        path = begin(browser, application)
        page = browser.open(path)
        browser.submit(page, follow=False, username="alice", password=PASSWORD)
        other_browser.sign_in("bob")
        assert other_browser.open(path).status_code == 410
        assert browser.open(path).headers["Location"] == BACK

    def test_victims_password_in_the_attackers_flow_signs_nobody_in(
        self, browser, other_browser, alice, application, probe
    ):
        path = begin(other_browser, application)
        browser.open("/login")
        token = browser.cookies["gatehouse_csrf"].value
        fields = {"username": "alice", "password": PASSWORD, "csrfmiddlewaretoken": token}
        browser.post(f"{path}/login", fields)
        assert not Session.objects.exists()

    def test_cookie_of_another_purpose_is_no_session(self, browser, alice, application, probe):
        browser.sign_in()
        jar = {name: morsel.value for name, morsel in browser.cookies.items()}
        for value in (jar["gatehouse_browser"], jar["gatehouse_device"], jar["gatehouse_csrf"]):
            thief = Browser()
            thief.cookies["gatehouse_session"] = value
            assert thief.open("/account").path.endswith("/login")

    def test_handle_is_no_session_and_no_browser(self, browser, alice, application, probe):
        path = begin(browser, application)
        thief = Browser()
        for name in ("session", "browser", "device"):
            thief.cookies[f"gatehouse_{name}"] = path.rpartition("/")[2]
        assert thief.open(path).status_code == 410


class TestForgedForms:
    """Without the token of the page nothing happens, whatever else is right."""

    def test_sign_in(self, browser, alice):
        page = browser.open("/login")
        browser.post(page.path, {"username": "alice", "password": PASSWORD})
        assert not Session.objects.exists()

    def test_consent(self, browser, alice, application, probe):
        probe.ask(application, "email")
        page = browser.open(begin(browser, application))
        page = browser.submit(page, username="alice", password=PASSWORD)
        shown = browser.form_of(page, "decision")["inputs"]["shown"]
        browser.post(page.path, {"decision": "allow", "shown": shown})
        assert not Consent.objects.exists()

    @pytest.mark.parametrize(
        ("path", "fields"),
        [
            ("/logout", {"logout": "1"}),
            ("/account/sessions", {"others": "1"}),
            (
                "/account/password",
                {"old_password": PASSWORD, "new_password1": "n" * 20, "new_password2": "n" * 20},
            ),
        ],
    )
    def test_account(self, browser, alice, path, fields):
        browser.sign_in()
        SessionFactory(user=alice)
        before = User.objects.get().password
        assert browser.post(path, fields).status_code == 303
        assert Session.objects.filter(ended_at=None).count() == 2
        assert User.objects.get().password == before

    def test_token_of_another_browser(self, browser, other_browser, alice):
        page = browser.open("/login")
        other_browser.open("/login")
        token = other_browser.cookies["gatehouse_csrf"].value
        fields = {"username": "alice", "password": PASSWORD, "csrfmiddlewaretoken": token}
        browser.post(page.path, fields)
        assert not Session.objects.exists()

    @pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:9"])
    def test_token_sent_by_another_site(self, browser, alice, origin):
        page = browser.open("/login")
        form = browser.form_of(page, "password")["inputs"]
        fields = {**form, "username": "alice", "password": PASSWORD}
        browser.post(page.path, fields, headers={"origin": origin})
        assert not Session.objects.exists()

    @pytest.mark.parametrize(
        "path",
        ["//evil.example/login", "/login//evil.example", "/account//evil.example", "/login\\"],
    )
    def test_late_form_never_leads_away(self, browser, path):
        response = browser.post(path, {"x": "y"})
        assert not response.headers.get("Location", "/").startswith("//")
        assert response.status_code in (303, 403, 404)


class TestTamperedState:
    def test_interaction_of_one_application_says_nothing_of_another(
        self, browser, alice, application, probe
    ):
        """Everything that was validated is in the row; the address carries only its handle."""
        path = begin(browser, application)
        page = browser.open(f"{path}/login?application=x&scope=admin&redirect_uri=https://evil")
        form = browser.form_of(page, "password")["inputs"]
        extra = {"scope": "admin", "next": "//evil", "application": "x"}
        browser.post(page.path, {**form, **extra, "username": "alice", "password": PASSWORD})
        browser.open(path)
        assert probe.finished[0][0].request == {"state": "secret-state"}

    def test_digest_of_a_handle_is_no_handle(self, browser, alice, application, probe):
        begin(browser, application)
        digest = bytes(Interaction.objects.get().handle_hash)
        for guess in (digest.hex(), digest.hex()[:43]):
            assert browser.get(f"/interaction/{guess}").status_code == 410

    @pytest.mark.parametrize("step", STEPS[1:])
    @pytest.mark.parametrize(
        "fields",
        [
            {},
            {"decision": "allow"},
            {"decision": "allow", "shown": "\x00é"},
            {"finished": "1", "step": "finish", "authenticated_at": "2030-01-01"},
            {"username": "alice"},
            {"username": "alice", "password": ""},
            {"username": "alice", "password": "\x00"},
            {"username": "\x00", "password": PASSWORD},
            {"username": "' OR 1=1 --", "password": "' OR '1'='1"},
            {"username": "alice\n", "password": PASSWORD + "\n"},
            {"username": ["alice", "nobody"], "password": [PASSWORD, "x"]},
            {"username": "nobody", "password": "x" * 100_000},
            {"cancel": "", "switch": ""},
        ],
    )
    def test_skipping_and_empty_forms_never_advance(
        self, browser, alice, application, probe, step, fields
    ):
        path = begin(browser, application)
        browser.open(path)
        token = browser.cookies["gatehouse_csrf"].value
        response = browser.post(path + step, {**fields, "csrfmiddlewaretoken": token})
        assert response.status_code == 303
        browser.open(path)
        assert not probe.finished
        assert not Session.objects.exists()
        assert not Consent.objects.exists()


class TestRawRequests:
    """No request gives a server error, and none is answered with more than a page."""

    @pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete", "options", "head"])
    @pytest.mark.parametrize("signed_in", [True, False])
    def test_every_method_on_every_page(self, alice, method, signed_in):
        browser = Browser()
        if signed_in:
            browser.sign_in()
        for path in PAGES:
            response = getattr(browser, method)(path)
            assert response.status_code < 500, path

    @pytest.mark.parametrize(
        ("body", "content_type"),
        [
            (b"", ""),
            (b"\x00", "application/x-www-form-urlencoded"),
            (b"\xff\xfe", "application/x-www-form-urlencoded"),
            (b"username=%ff%fe&password=%00", "application/x-www-form-urlencoded"),
            (b"username=a&password=b", "application/x-www-form-urlencoded; charset=utf-7"),
            (b"username=a&password=b", "application/x-www-form-urlencoded; charset=bogus"),
            (b"&" * 5000, "application/x-www-form-urlencoded"),
            (b"a=b&" * 5000, "application/x-www-form-urlencoded"),
            (b"{}", "application/json"),
            (b"<x/>", "text/xml"),
            (b"--x\r\nbroken", "multipart/form-data; boundary=x"),
            (b"x", "multipart/form-data"),
            (b"x", "multipart/form-data; boundary="),
            (b"x", "\xff"),
        ],
    )
    def test_every_body(self, browser, alice, body, content_type):
        page = browser.open("/login")
        token = browser.cookies["gatehouse_csrf"].value
        for path in (page.path, "/logout", "/account/password", "/account/sessions"):
            response = browser.generic(
                "POST", path, body, content_type, headers={"x-csrftoken": token}
            )
            assert response.status_code in (303, 400, 403), path

    @pytest.mark.parametrize(
        "query",
        [
            "next=%00",
            "next=%ff",
            "next[]=x",
            "next=/a&next=//evil",
            "late=1",
            "cookie=1",
            "%",
            "&&=",
        ],
    )
    def test_every_query(self, browser, alice, query):
        for path in PAGES:
            assert browser.get(f"{path}?{query}").status_code < 500

    def test_user_agent_and_address_of_any_kind(self, alice):
        for agent in ("\x00", "x" * 10_000, "\x1b[31m", "é\xff", "a\r\nb"):
            for address in ("", "unix:", "256.1.1.1", "::ffff:1.2.3.4", "fe80::1%eth0", "\x00"):
                browser = Browser(HTTP_USER_AGENT=agent, REMOTE_ADDR=address)
                assert browser.sign_in().path == "/account"

    def test_names_of_people_and_applications_are_text(self, browser, application, probe):
        evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
        person = User(username="mallory", email="m@example.org", name=evil)
        person.set_password(PASSWORD)
        person.save()
        application.name = evil[:120]
        application.contact = evil
        application.save()
        probe.ask(application, evil)
        pages = [browser.open(begin(browser, application))]
        pages.append(browser.submit(pages[0], username=evil, password="x"))
        pages.append(browser.submit(pages[1], username="mallory", password=PASSWORD))
        pages += [browser.get(path) for path in PAGES]
        application.access = "nobody"
        application.save()
        pages.append(browser.open(begin(browser, application)))
        for page in pages:
            assert b"<script>alert" not in page.content
            assert b"<img src=x" not in page.content


class TestWhatPagesCarry:
    def test_nothing_secret_is_in_a_page_or_address(self, browser, alice, application, probe):
        probe.ask(application, "email")
        page = browser.open(begin(browser, application))
        seen = [page.content, page.path.encode()]
        page = browser.submit(page, username="alice", password=PASSWORD)
        seen += [page.content, page.path.encode()]
        for path in PAGES:
            seen.append(browser.get(path).content)
        everything = b"".join(seen)
        for name in ("session", "browser", "device"):
            assert browser.cookies[f"gatehouse_{name}"].value.encode() not in everything
        assert PASSWORD.encode() not in everything
        assert b"secret-state" not in everything

    def test_every_page_is_kept_nowhere_and_framed_nowhere(self, browser, alice):
        browser.sign_in()
        for path in PAGES:
            response = browser.get(path)
            if response.status_code == 200:
                assert "no-store" in response.headers["Cache-Control"], path
                assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"]

    def test_forms_that_lead_away_are_not_held_back(self, browser, alice, application, probe):
        page = browser.open(begin(browser, application))
        assert "form-action" not in page.headers["Content-Security-Policy"]
        assert "Cross-Origin-Opener-Policy" not in page.headers
        assert "form-action 'self'" in browser.get("/").headers["Content-Security-Policy"]

    def test_token_of_forms_survives_the_sign_in(self, browser, alice):
        page = browser.open("/login")
        before = browser.cookies["gatehouse_csrf"].value
        browser.submit(page, username="alice", password=PASSWORD)
        browser.open("/account/password")
        assert browser.cookies["gatehouse_csrf"].value == before

    def test_error_pages_name_no_version_and_no_path(self, browser, db):
        for path in ("/nothing", "/interaction/x", "/logo/x"):
            content = browser.get(path).content
            assert not re.search(rb"Traceback|Django|/work/|site-packages", content)
