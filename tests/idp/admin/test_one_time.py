"""Values that are shown once: sealed, for one session, for an hour, gone when they are read."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.test import RequestFactory
from django.utils import timezone

from idp import models, prune
from idp.admin import one_time
from tests.support.factories import SessionFactory

pytestmark = pytest.mark.django_db
ABOUT = uuid.UUID(int=7)


def request_in(session: models.Session, method: str = "GET", **headers: str) -> Any:
    request = RequestFactory().generic(method, "/", headers=headers)
    request.idp_session = session
    return request


@pytest.fixture
def session() -> models.Session:
    return SessionFactory()


def test_is_gone_when_it_was_taken(session: models.Session) -> None:
    request = request_in(session)
    one_time.put(request, one_time.SECRET, "the secret", about=ABOUT)
    assert one_time.take(request, one_time.SECRET, about=ABOUT) == "the secret"
    assert one_time.take(request, one_time.SECRET, about=ABOUT) is None
    assert not models.OneTimeValue.objects.exists()


def test_a_newer_one_replaces_an_older(session: models.Session) -> None:
    request = request_in(session)
    one_time.put(request, one_time.SECRET, "old", about=ABOUT)
    one_time.put(request, one_time.SECRET, "new", about=ABOUT)
    assert one_time.take(request, one_time.SECRET, about=ABOUT) == "new"
    assert one_time.take(request, one_time.SECRET, about=ABOUT) is None


def test_belongs_to_session_purpose_and_subject(session: models.Session) -> None:
    one_time.put(request_in(session), one_time.SECRET, "x", about=ABOUT)
    assert one_time.take(request_in(SessionFactory()), one_time.SECRET, about=ABOUT) is None
    assert one_time.take(request_in(session), one_time.TEST, about=ABOUT) is None
    assert one_time.take(request_in(session), one_time.SECRET, about=uuid.UUID(int=8)) is None
    assert models.OneTimeValue.objects.count() == 1


def test_expires_and_is_pruned(session: models.Session) -> None:
    request = request_in(session)
    one_time.put(request, one_time.SECRET, "x", about=ABOUT)
    past = timezone.now() - timedelta(seconds=1)
    models.OneTimeValue.objects.update(expires_at=past)
    assert one_time.take(request, one_time.SECRET, about=ABOUT) is None
    assert prune.prune(now=timezone.now())["one-time values"] == 1


def test_looking_ahead_does_not_take_it(session: models.Session) -> None:
    one_time.put(request_in(session), one_time.SECRET, "x", about=ABOUT)
    head = request_in(session, "HEAD")
    ahead = request_in(session, **{"Sec-Purpose": "prefetch;prerender"})
    for request in (head, ahead):
        assert one_time.take(request, one_time.SECRET, about=ABOUT) is None
    assert one_time.take(request_in(session), one_time.SECRET, about=ABOUT) == "x"


def test_a_draft_stays_until_it_is_dropped(session: models.Session) -> None:
    request = request_in(session)
    identifier = one_time.put(request, one_time.DRAFT, {"a": 1})
    for _ in range(2):
        assert one_time.look(request, one_time.DRAFT, identifier) == {"a": 1}
    one_time.drop(request, one_time.DRAFT, identifier)
    assert one_time.look(request, one_time.DRAFT, identifier) is None
    assert one_time.look(request, one_time.DRAFT, "odd") is None


def test_goes_with_its_session(session: models.Session) -> None:
    one_time.put(request_in(session), one_time.SECRET, "x", about=ABOUT)
    session.delete()
    assert not models.OneTimeValue.objects.exists()
