"""The account pages: one's own, and nobody else's."""

from __future__ import annotations

from collections import Counter

import pytest
from django.utils import timezone

from idp.accounts import attempts, password
from idp.accounts import session as sessions
from idp.models import Application, AuditEvent, Consent, Session, SignIn
from tests.support.factories import (
    PASSWORD,
    ApplicationFactory,
    ClientFactory,
    GroupFactory,
    SessionFactory,
    UserFactory,
)
from tests.support.sign_in import Browser

pytestmark = pytest.mark.django_db

PAGES = ["", "/permissions", "/sessions", "/activity", "/password"]
NEW = "another long password"


@pytest.fixture
def at_home(browser, alice):
    browser.sign_in()
    return browser


@pytest.mark.parametrize("page", PAGES)
class TestEveryPage:
    def test_strangers_sign_in_first(self, browser, alice, page):
        shown = browser.open(f"/account{page}")
        assert shown.path.endswith("/login")
        shown = browser.submit(shown, username="alice", password=PASSWORD)
        assert shown.path == f"/account{page}"

    def test_is_shown_and_kept_nowhere(self, at_home, page):
        response = at_home.get(f"/account{page}")
        assert response.status_code == 200
        assert "no-store" in response.headers["Cache-Control"]
        assert b"Alice Adams" in response.content

    def test_late_form_changes_nothing_and_says_so(self, at_home, page):
        response = at_home.post(f"/account{page}", {"others": "1"})
        assert response.status_code == 303
        assert b"That took a while" in at_home.open(response.headers["Location"]).content

    def test_other_methods_are_refused(self, at_home, page):
        assert at_home.put(f"/account{page}").status_code in (303, 405)


class TestLauncher:
    def test_shows_what_i_may_use(self, at_home, alice):
        group = GroupFactory()
        alice.groups.add(group)
        for name, access in (("Open", "everyone"), ("Closed", "nobody"), ("Foreign", "groups")):
            ApplicationFactory(name=name, access=access, launch_url=f"https://{name}.example/")
        mine = ApplicationFactory(name="Mine", access="groups")
        mine.allowed_groups.add(group)
        ApplicationFactory(name="Off", enabled=False)
        ApplicationFactory(name="Machine", kind="machine")
        page = at_home.get("/account").content.decode()
        shown = [
            name
            for name in ("Open", "Closed", "Foreign", "Mine", "Off", "Machine")
            if f"<strong>{name}</strong>" in page
        ]
        assert shown == ["Open", "Mine"]
        assert "https://Open.example/" in page

    def test_strangers_cannot_put_links_there(self, at_home, alice, bob):
        group = GroupFactory()
        alice.groups.add(group)
        facts = {"origin": "dynamic", "launch_url": "https://evil.example/"}
        ApplicationFactory(name="Payroll", **facts)
        for_bob = ApplicationFactory(name="Bobs", **facts)
        Consent.objects.create(user=bob, application=for_bob, given_at=timezone.now())
        used = ApplicationFactory(name="Used", **facts)
        Consent.objects.create(user=alice, application=used, given_at=timezone.now())
        ApplicationFactory(name="Ours", first_party=True, **facts)
        chosen = ApplicationFactory(name="Chosen", access="groups", **facts)
        chosen.allowed_groups.add(group)
        page = at_home.get("/account").content.decode()
        names = ("Payroll", "Bobs", "Used", "Ours", "Chosen")
        shown = [name for name in names if f"<strong>{name}</strong>" in page]
        assert shown == ["Used", "Ours", "Chosen"]

    def test_dangerous_launch_address_is_no_link(self, at_home):
        Application.objects.create(name="X", launch_url="javascript:alert(1)")
        assert b"javascript:" not in at_home.get("/account").content

    def test_says_where_an_application_begins_that_cannot_be_opened_from_here(self, at_home):
        known = Application.objects.create(name="X", launch_url="https://x.example/")
        assert "Begin at its own address" not in at_home.get("/account").content.decode()
        Application.objects.filter(pk=known.pk).update(launch_url="")
        assert "Begin at its own address" in at_home.get("/account").content.decode()

    def test_number_of_statements_does_not_grow(self, at_home, django_assert_max_num_queries):
        for _ in range(30):
            ApplicationFactory(access="groups").allowed_groups.add(GroupFactory())
        with django_assert_max_num_queries(8):
            at_home.get("/account")


class TestSessions:
    def test_lists_mine_alone(self, at_home, alice):
        SessionFactory(user=alice, user_agent="Mozilla/5.0 (X11; Linux) Firefox/140.0")
        SessionFactory(user=UserFactory(), client_address="203.0.113.99")
        page = at_home.get("/account/sessions").content.decode()
        assert "Firefox on Linux" in page
        assert "203.0.113.99" not in page
        assert page.count("this device") == 1

    def test_signs_one_device_out(self, at_home, alice):
        other = SessionFactory(user=alice)
        page = at_home.open("/account/sessions")
        page = at_home.submit(page, session=other.pk.hex)
        assert b"That device is signed out" in page.content
        assert sessions.current(other.token, now=timezone.now()) is None
        assert sessions.current(at_home.session_token, now=timezone.now())

    def test_signs_all_others_out(self, at_home, alice, bob):
        others = [SessionFactory(user=alice) for _ in range(3)]
        of_bob = SessionFactory(user=bob)
        at_home.submit(at_home.open("/account/sessions"), others="1")
        now = timezone.now()
        assert not any(sessions.current(row.token, now=now) for row in others)
        assert sessions.current(of_bob.token, now=now)
        assert sessions.current(at_home.session_token, now=now)

    def test_session_of_somebody_else_stays(self, at_home, bob):
        of_bob = SessionFactory(user=bob)
        at_home.submit(at_home.open("/account/sessions"), session=of_bob.pk.hex)
        assert sessions.current(of_bob.token, now=timezone.now())

    def test_this_device_asks_first(self, at_home):
        own = Session.objects.get()
        page = at_home.submit(at_home.open("/account/sessions"), session=own.pk.hex)
        assert page.path == "/logout"

    @pytest.mark.parametrize("value", ["", "x", "0" * 32, "\x00", "é", "1' OR '1'='1", "9" * 5000])
    def test_nonsense_ends_nothing(self, at_home, alice, value):
        SessionFactory(user=alice)
        page = at_home.submit(at_home.open("/account/sessions"), session=value)
        assert page.status_code == 200
        assert Session.objects.filter(ended_at=None).count() == 2


class TestPermissions:
    def test_shows_the_values_and_withdraws(self, at_home, alice):
        application = ClientFactory(application__name="Acme Reports").application
        scopes = ["openid", "email", "offline_access"]
        Consent.objects.create(user=alice, application=application, scopes=scopes)
        page = at_home.open("/account/permissions")
        assert b"alice@example.org" in page.content
        assert b"Stay connected" in page.content
        page = at_home.submit(page, consent=str(Consent.objects.get().pk))
        assert b"Acme Reports has lost its access" in page.content
        assert not Consent.objects.exists()

    def test_consent_of_somebody_else_stays(self, at_home, alice, bob, application):
        Consent.objects.create(user=alice, application=ApplicationFactory())
        foreign = Consent.objects.create(user=bob, application=application)
        at_home.submit(at_home.open("/account/permissions"), consent=str(foreign.pk))
        assert Consent.objects.filter(pk=foreign.pk).exists()

    @pytest.mark.parametrize(
        "value", ["", "x", "-1", "0", "²", "9" * 18, "9" * 5000, "\x00", "1e3"]
    )
    def test_nonsense_withdraws_nothing(self, at_home, alice, application, value):
        Consent.objects.create(user=alice, application=application, pk=77)
        page = at_home.submit(at_home.open("/account/permissions"), consent=value)
        assert page.status_code == 200
        assert Consent.objects.exists()


class TestPassword:
    def change(self, browser, old=PASSWORD, new=NEW, again=None):
        page = browser.open("/account/password")
        return browser.submit(page, old_password=old, new_password1=new, new_password2=again or new)

    def test_changes_and_ends_the_other_sessions(self, at_home, alice):
        other = SessionFactory(user=alice)
        token = at_home.session_token
        page = self.change(at_home)
        assert b"Your password is changed" in page.content
        now = timezone.now()
        assert sessions.current(other.token, now=now) is None
        assert sessions.current(token, now=now) is None
        assert sessions.current(at_home.session_token, now=now)
        alice.refresh_from_db()
        assert password.verify(alice, NEW)
        event = AuditEvent.objects.get(action="password.changed")
        assert event.user_id == alice.pk

    def test_this_device_stays_known(self, at_home, alice):
        self.change(at_home)
        assert alice.devices.count() == 1

    @pytest.mark.parametrize(
        ("fields", "words"),
        [
            ({"old": "wrong"}, b"not your current password"),
            ({"old": ""}, b"not your current password"),
            ({"again": "something else"}, b"not the same"),
            ({"new": "short"}, b"at least 12 characters"),
            ({"new": "alice@example.org"}, b"too similar"),
            ({"new": "x" * 1025}, b"At most 1024"),
        ],
    )
    def test_refuses_in_words(self, at_home, alice, fields, words):
        page = self.change(at_home, **fields)
        assert words in page.content
        assert b'role="alert"' in page.content
        alice.refresh_from_db()
        assert password.verify(alice, PASSWORD)
        assert b'role="alert"' not in at_home.open("/account/password").content

    def test_current_password_cannot_be_guessed_here(self, at_home, alice):
        for _ in range(attempts.CONFIRMATION.tries):
            self.change(at_home, old="wrong")
        for _ in range(3):
            assert b"Too many attempts. Please wait" in self.change(at_home).content
        alice.refresh_from_db()
        assert password.verify(alice, PASSWORD)
        noted = AuditEvent.objects.filter(action="password.refused", user_id=alice.pk)
        assert Counter(event.reason for event in noted) == {
            "wrong password": attempts.CONFIRMATION.tries,
            "too many tries": 1,
        }

    def test_password_managers_find_it(self, browser, db):
        response = browser.get("/.well-known/change-password")
        assert (response.status_code, response.headers["Location"]) == (303, "/account/password")


class TestActivity:
    def test_shows_mine_alone(self, at_home, alice, bob):
        Browser().sign_in("alice", "wrong")
        Browser().sign_in("bob", "wrong")
        page = at_home.get("/account/activity").content.decode()
        assert page.count("refused") == 1
        assert page.count("signed in") >= 1
        assert SignIn.objects.filter(user_id=bob.pk).count() == 1
