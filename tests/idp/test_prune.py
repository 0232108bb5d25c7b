"""What has expired goes, what lives stays, in batches."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from idp import prune, schedule
from idp.models import (
    AuditEvent,
    Grant,
    LogoutNotification,
    RemoteDocument,
    Revocation,
    Session,
    SignIn,
    SpentIdentifier,
    ThrottleBucket,
    User,
)
from idp.models.identifiers import lowest_id
from tests.support.factories import ApplicationFactory

pytestmark = pytest.mark.django_db

NOW = timezone.now()
LONG_AGO = NOW - timedelta(days=100)


def grant(*, created, expires):
    return Grant.objects.create(
        id=uuid.UUID(int=lowest_id(created).int + uuid.uuid4().int % 2**60),
        application_id=uuid.uuid4(),
        user_id=uuid.uuid4(),
        session_id=uuid.uuid4(),
        sid=uuid.uuid4(),
        scope="openid",
        acr="pwd",
        amr="pwd",
        authenticated_at=created,
        expires_at=expires,
        absolute_expires_at=expires,
    )


def test_expired_grant_goes_and_a_live_one_stays():
    dead = grant(created=LONG_AGO, expires=LONG_AGO)
    old_but_alive = grant(created=LONG_AGO, expires=NOW + timedelta(days=1))
    fresh = grant(created=NOW, expires=NOW + timedelta(minutes=10))
    assert prune.prune(now=NOW, pause=0) == {"grants": 1}
    assert set(Grant.objects.all()) == {old_but_alive, fresh}
    assert not Grant.objects.filter(pk=dead.pk).exists()


def test_just_expired_grant_stays_so_that_a_replayed_code_is_noticed():
    grant(created=NOW - timedelta(minutes=15), expires=NOW - timedelta(minutes=5))
    assert prune.prune(now=NOW, pause=0) == {}


def test_trails_are_kept_for_their_time(settings):
    SignIn.objects.create(id=lowest_id(LONG_AGO), protocol="oidc", result="refused")
    SignIn.objects.create(protocol="oidc", result="refused")
    AuditEvent.objects.create(id=lowest_id(LONG_AGO), action="signin.success")
    assert prune.prune(now=NOW, pause=0) == {"sign-ins": 1}
    assert AuditEvent.objects.count() == 1


def test_deny_list_and_buckets():
    Revocation.objects.create(kind="jti", key="a", expires_at=NOW - timedelta(seconds=1))
    Revocation.objects.create(kind="jti", key="b", expires_at=NOW + timedelta(seconds=60))
    ThrottleBucket.objects.create(key="old", arrival=LONG_AGO.timestamp())
    ThrottleBucket.objects.create(key="new", arrival=NOW.timestamp())
    assert prune.prune(now=NOW, pause=0) == {"revocations": 1, "throttle buckets": 1}


def test_sessions_go_with_their_events_a_month_after_their_end():
    user = User.objects.create(username="alice")
    facts = {"user": user, "expires_at": LONG_AGO + timedelta(days=7)}
    Session.objects.create(id=lowest_id(LONG_AGO), token_hash=b"a", **facts)
    Session.objects.create(token_hash=b"b", user=user, expires_at=NOW + timedelta(days=7))
    assert prune.prune(now=NOW, pause=0) == {"sessions": 1}


def test_notices_go_after_their_session():
    user = User.objects.create(username="alice")
    facts = {"user_id": user.pk, "application": ApplicationFactory(), "channel": "backchannel"}
    expired = LONG_AGO + timedelta(days=7)
    session = Session.objects.create(
        id=lowest_id(LONG_AGO), token_hash=b"a", user=user, expires_at=expired
    )
    kept = Session.objects.create(token_hash=b"b", user=user, expires_at=NOW + timedelta(days=7))
    ids = [uuid.UUID(int=lowest_id(LONG_AGO).int + number) for number in range(4)]
    LogoutNotification.objects.create(id=ids[0], session=session, **facts)
    LogoutNotification.objects.create(id=ids[1], session=None, **facts)
    waiting = LogoutNotification.objects.create(id=ids[2], session=None, next_at=NOW, **facts)
    shown = LogoutNotification.objects.create(id=ids[3], session=kept, **facts)
    young = LogoutNotification.objects.create(session=None, **facts)
    assert prune.prune(now=NOW, pause=0) == {"sessions": 1, "sign-out notices": 2}
    assert set(LogoutNotification.objects.all()) == {waiting, shown, young}


def test_works_in_batches(monkeypatch, django_assert_max_num_queries):
    monkeypatch.setattr(prune, "BATCH", 10)
    Revocation.objects.bulk_create(
        Revocation(kind="jti", key=str(number), expires_at=LONG_AGO) for number in range(25)
    )
    pauses = []
    monkeypatch.setattr(prune.time, "sleep", pauses.append)
    with django_assert_max_num_queries(10):
        assert prune.delete(Revocation.objects.all(), pause=0.5) == 25
    assert pauses == [0.5, 0.5]


def test_spent_identifiers_go_when_their_assertions_have_expired():
    SpentIdentifier.objects.spend("a", expires_at=NOW - timedelta(seconds=1))
    SpentIdentifier.objects.spend("b", expires_at=NOW + timedelta(seconds=1))
    assert prune.prune(now=NOW, pause=0) == {"spent identifiers": 1}
    assert not SpentIdentifier.objects.spend("b", expires_at=NOW)
    assert SpentIdentifier.objects.spend("a", expires_at=NOW)


def test_key_sets_that_nobody_asks_for_go():
    RemoteDocument.objects.create(url="https://old.example/", attempted_at=LONG_AGO)
    RemoteDocument.objects.create(url="https://new.example/", attempted_at=NOW)
    assert prune.prune(now=NOW, pause=0) == {"remote documents": 1}
    assert RemoteDocument.objects.get().url == "https://new.example/"


def test_tasks_of_a_killed_process_go_too():
    now = timezone.now()
    for started in (now - timedelta(days=8), now - timedelta(hours=1)):
        result = schedule.prune_expired.enqueue()
        DBTaskResult.objects.filter(pk=result.id).update(status="RUNNING", started_at=started)
    prune.prune(now=now)
    assert [row.started_at for row in DBTaskResult.objects.all()] == [now - timedelta(hours=1)]
