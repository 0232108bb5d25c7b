"""What administrators do to an account ends everything at once."""

from __future__ import annotations

import pytest
from django.utils import timezone

from idp.accounts import people
from idp.accounts import session as sessions
from idp.models import AuditEvent, KnownDevice, Revocation, User
from tests.support.factories import PASSWORD, SessionFactory
from tests.support.sign_in import BACK, Browser, begin

pytestmark = pytest.mark.django_db


def test_disabling_ends_everything(alice):
    session = SessionFactory(user=alice)
    KnownDevice.objects.create(user=alice, token_hash=b"x" * 32)
    people.disable(alice, now=timezone.now(), actor="admin")
    session.refresh_from_db()
    assert session.ended_at is not None
    assert not User.objects.get().is_active
    assert not KnownDevice.objects.exists()
    assert Revocation.objects.filter(kind="user", key=alice.subject).exists()
    event = AuditEvent.objects.get(action="user.disabled")
    assert (event.user_id, event.actor) == (alice.pk, "admin")


def test_enabling_revives_no_session(alice):
    session = SessionFactory(user=alice)
    people.disable(alice, now=timezone.now())
    people.enable(alice, now=timezone.now())
    assert sessions.current(session.token, now=timezone.now()) is None
    assert AuditEvent.objects.filter(action="user.enabled").exists()


def test_disabled_in_the_middle_of_an_interaction(browser, alice, application, probe):
    probe.ask(application, "email")
    page = browser.open(begin(browser, application))
    page = browser.submit(page, username="alice", password=PASSWORD)
    people.disable(alice, now=timezone.now())
    page = browser.submit(page, decision="allow")
    assert page.path.endswith("/login")
    page = browser.submit(page, username="alice", password=PASSWORD)
    assert b"do not fit together" in page.content
    assert not probe.finished


def test_new_password_ends_everything(browser, alice, probe):
    browser.sign_in()
    people.set_password(alice, "another long password", now=timezone.now(), actor="admin")
    assert browser.open("/account").path.startswith("/interaction/")
    fresh = Browser()
    page = fresh.open(begin(fresh))
    response = fresh.submit(page, username="alice", password="another long password")
    assert response.headers["Location"] == BACK
    assert AuditEvent.objects.get(action="password.changed").actor == "admin"
