"""Passwords: Argon2id, equal work, few hashes at once, and what ends with a new one."""

from __future__ import annotations

import statistics
import threading
import time
import unicodedata

import pytest
from django.contrib.auth import hashers
from django.core.exceptions import ValidationError
from django.utils import timezone

from idp.accounts import password
from idp.accounts import session as sessions
from idp.models import AuditEvent, Grant, KnownDevice, Session, User
from tests.support.factories import PASSWORD, SessionFactory, UserFactory


@pytest.fixture(autouse=True)
def cheap():
    """Here passwords cost what they cost."""
    password._decoy.cache_clear()


def grant_for(session: Session) -> Grant:
    now = timezone.now()
    return Grant.objects.create(
        application_id=session.pk,
        user_id=session.user_id,
        session_id=session.pk,
        sid=session.pk,
        scope="openid",
        acr="pwd",
        amr="pwd",
        authenticated_at=now,
        expires_at=now + timezone.timedelta(days=1),
        absolute_expires_at=now + timezone.timedelta(days=1),
    )


class TestHasher:
    def test_is_argon2id_with_the_intended_costs(self):
        encoded = hashers.make_password("x")
        assert encoded.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
        assert hashers.check_password("x", encoded)
        assert not hashers.check_password("y", encoded)

    def test_forms_of_the_same_characters_are_one_password(self):
        composed = unicodedata.normalize("NFC", "Café au lait")
        decomposed = unicodedata.normalize("NFD", composed)
        assert composed != decomposed
        assert hashers.check_password(decomposed, hashers.make_password(composed))
        assert hashers.check_password(composed, hashers.make_password(decomposed))

    def test_nothing_is_cut_off(self):
        long = "x" * 1000
        encoded = hashers.make_password(long)
        assert hashers.check_password(long, encoded)
        assert not hashers.check_password(long[:-1], encoded)

    @pytest.mark.parametrize("secret", ["a\x00b", "\x00", "long, with 🔑" * 20, " x "])
    def test_every_character_counts(self, secret):
        encoded = hashers.make_password(secret)
        assert hashers.check_password(secret, encoded)
        for other in (secret[:-1], secret + " ", secret.strip(" \x00") + "x"):
            assert not hashers.check_password(other, encoded)


@pytest.mark.django_db
class TestVerify:
    def test_knows_the_password(self, alice):
        assert password.verify(alice, PASSWORD)
        assert not password.verify(alice, PASSWORD + "x")

    def test_nobody_has_a_password(self):
        assert not password.verify(None, PASSWORD)
        assert not password.verify(None, "")

    def test_person_without_a_password_has_none(self):
        person = UserFactory()
        assert not password.verify(person, "")
        assert not password.verify(person, person.password)

    def test_too_long_is_wrong(self, alice):
        assert not password.verify(alice, PASSWORD + "x" * 2_000_000)

    def test_renews_a_hash_of_older_costs(self, alice):
        class Cheap(password.Argon2id):
            time_cost = 1

        alice.password = Cheap().encode(PASSWORD, "saltsaltsalt")
        alice.save()
        assert password.verify(alice, PASSWORD)
        alice.refresh_from_db()
        assert ",t=2," in alice.password
        assert password.verify(alice, PASSWORD)

    def test_wrong_password_renews_nothing(self, alice):
        class Cheap(password.Argon2id):
            time_cost = 1

        alice.password = Cheap().encode(PASSWORD, "saltsaltsalt")
        alice.save()
        assert not password.verify(alice, "wrong")
        alice.refresh_from_db()
        assert ",t=1," in alice.password

    @pytest.mark.parametrize("kind", ["unknown", "without password", "disabled"])
    def test_does_the_same_work_for_whoever_it_is(self, alice, kind):
        other = {
            "unknown": None,
            "without password": UserFactory(),
            "disabled": UserFactory(password=PASSWORD, is_active=False),
        }[kind]
        known, unknown = [], []
        for _ in range(12):
            for user, times in ((alice, known), (other, unknown)):
                started = time.thread_time()
                password.verify(user, "wrong")
                times.append(time.thread_time() - started)
        ratio = statistics.median(known) / statistics.median(unknown)
        assert 0.4 < ratio < 2.5  # a hash that is not made costs a thousandth

    def test_decoy_is_checked_like_a_real_hash(self):
        decoy = password._decoy()
        assert hashers.identify_hasher(decoy).algorithm == "argon2"
        assert not hashers.get_hasher().must_update(decoy)
        assert password.Argon2id().verify("x", decoy) is False


class TestGate:
    def test_refuses_more_than_it_takes_on(self):
        gate = password.Gate(at_once=2, waiting=2, wait_seconds=60)
        inside, leave = threading.Semaphore(0), threading.Event()

        def hold():
            with gate.pass_through():
                inside.release()
                leave.wait(60)

        threads = [threading.Thread(target=hold) for _ in range(4)]
        for thread in threads:
            thread.start()
        assert inside.acquire(timeout=60)
        assert inside.acquire(timeout=60)
        deadline = time.monotonic() + 60
        while gate._admitted._value and time.monotonic() < deadline:
            time.sleep(0.01)
        with pytest.raises(password.Busy), gate.pass_through():
            pass
        leave.set()
        for thread in threads:
            thread.join(60)
        with gate.pass_through():
            pass

    def test_waits_only_briefly(self):
        gate = password.Gate(at_once=1, wait_seconds=0.05)
        with gate.pass_through(), pytest.raises(password.Busy), gate.pass_through():
            pass
        with gate.pass_through():
            pass

    @pytest.mark.django_db
    def test_login_page_says_so_and_keeps_the_name(self, browser, alice, monkeypatch):
        page = browser.open("/login")
        monkeypatch.setattr(password, "_gate", lambda: password.Gate(at_once=0, waiting=0))
        response = browser.submit(page, username="alice", password=PASSWORD)
        assert response.status_code == 503
        assert response.headers["Retry-After"] == "2"
        assert b'value="alice"' in response.content
        monkeypatch.undo()
        assert browser.submit(page, username="alice", password=PASSWORD).path == "/account"

    @pytest.mark.django_db
    def test_every_other_page_says_so_too(self, browser, alice, monkeypatch):
        browser.sign_in()
        page = browser.open("/account/password")
        monkeypatch.setattr(password, "_gate", lambda: password.Gate(at_once=0, waiting=0))
        response = browser.submit(page, old_password="x", new_password1="y", new_password2="y")
        assert response.status_code == 503
        assert response.headers["Retry-After"] == "2"


@pytest.mark.django_db
class TestChange:
    def test_ends_everything_else(self, alice, bob):
        mine, other, bobs = (SessionFactory(user=user) for user in (alice, alice, bob))
        grants = [grant_for(session) for session in (mine, other, bobs)]
        KnownDevice.objects.create(user=alice, token_hash=b"x" * 32)
        password.change(alice, "another long password", session=mine, now=timezone.now())
        for row in (mine, other, bobs, *grants):
            row.refresh_from_db()
        assert [row.ended_at is None for row in (mine, other, bobs)] == [True, False, True]
        assert [row.revoked_at is None for row in grants] == [True, False, True]
        assert not KnownDevice.objects.exists()
        alice.refresh_from_db()
        assert password.verify(alice, "another long password")
        assert not password.verify(alice, PASSWORD)
        assert AuditEvent.objects.filter(action="password.changed", user_id=alice.pk).exists()

    def test_without_a_session_ends_everything(self, alice):
        session = SessionFactory(user=alice)
        password.change(alice, "another long password", session=None, now=timezone.now())
        assert sessions.current(session.token, now=timezone.now()) is None

    @pytest.mark.parametrize(
        "secret", ["short", "password12345", "alice@example.org", "x" * 1025, "123456789012345"]
    )
    def test_rules(self, alice, secret):
        if secret == "123456789012345":
            password.validate(alice, secret)  # digits alone are no reason (NIST SP 800-63B)
            return
        with pytest.raises(ValidationError):
            password.validate(alice, secret)

    def test_long_and_strange_passwords_are_welcome(self, alice):
        for secret in ("x" * 64, "pässwörter aus ümläuten", "with spaces in it, and 🔑"):
            password.validate(alice, secret)


def test_user_model_uses_this_hasher(db):
    user = User(username="x")
    user.set_password("y")
    assert "m=19456" in user.password
