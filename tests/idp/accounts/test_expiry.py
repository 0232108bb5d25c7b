"""Expired sessions end by themselves, in batches, and their applications hear of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from idp import schedule
from idp.accounts import expiry
from idp.accounts import session as sessions
from idp.models import AuditEvent, LogoutNotification, Participant, Revocation, Session
from tests.support.factories import ClientFactory, SessionFactory
from tests.support.logout import listening, session_with

pytestmark = pytest.mark.django_db
URI = "https://application.example/logout"


@pytest.fixture
def now() -> datetime:
    return timezone.now()


def idle(session: Session, now: datetime, **more: float) -> Session:
    session.seen_at = now - settings.IDP.session_idle - timedelta(**more)
    session.save()
    return session


def test_ends_idle_and_old_ones_only(now: datetime) -> None:
    live = SessionFactory()
    unused = idle(SessionFactory(), now, seconds=1)
    old = SessionFactory(expires_at=now - timedelta(seconds=1))
    assert expiry.end_expired(now=now, pause=0) == 2
    over = Session.objects.filter(ended_at=now, end_reason="expired")
    assert set(over) == {unused, old}
    live.refresh_from_db()
    assert live.ended_at is None
    assert expiry.end_expired(now=now, pause=0) == 0


def test_applications_hear_of_it(now: datetime) -> None:
    session = idle(session_with(listening(URI), ClientFactory()), now, seconds=1)
    expiry.end_expired(now=now, pause=0)
    row = LogoutNotification.objects.get()
    assert (row.session_id, row.state) == (session.pk, "waiting")
    event = AuditEvent.objects.get(action="session.ended")
    assert (event.session_id, event.user_id, event.reason) == (
        session.pk,
        session.user_id,
        "expired",
    )


def test_tokens_that_can_be_alive_are_denied(now: datetime) -> None:
    just_now = idle(session_with(ClientFactory()), now, minutes=1)
    idle(session_with(ClientFactory()), now, hours=5)
    expiry.end_expired(now=now, pause=0)
    sid = Participant.objects.get(session=just_now).pk.hex
    assert list(Revocation.objects.values_list("kind", "key")) == [("sid", sid)]


def test_a_run_is_bounded(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expiry, "BATCH", 2)
    for _ in range(7):
        idle(SessionFactory(), now, seconds=1)
    assert expiry.end_expired(now=now, most=4, pause=0) == 4
    assert expiry.end_expired(now=now, pause=0) == 3


def test_a_batch_costs_few_statements(now: datetime, django_assert_max_num_queries: Any) -> None:
    client = listening(URI)
    for _ in range(60):
        idle(session_with(client), now, seconds=1)
    with django_assert_max_num_queries(30):
        assert sessions.end_expired(most=100, now=now) == 60


def test_disabled_applications_are_told(now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expiry, "BATCH", 2)
    disabled = listening(URI, application__enabled=False)
    enabled = listening(URI)
    for _ in range(5):
        session_with(disabled, enabled)
    assert expiry.tell_disabled(now=now, most=4, pause=0) == 4
    assert expiry.tell_disabled(now=now, pause=0) == 1
    assert expiry.tell_disabled(now=now, pause=0) == 0
    told = LogoutNotification.objects.values_list("application_id", flat=True)
    assert list(told) == [disabled.pk] * 5


def test_both_jobs_are_scheduled() -> None:
    assert {"end-expired-sessions", "tell-disabled-applications"} <= schedule._jobs.keys()
    assert expiry.end_expired_sessions.call() == expiry.tell_disabled_applications.call() == 0
