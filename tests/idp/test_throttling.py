"""Throttles: the generic cell rate algorithm in one row and one statement."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idp import throttling
from idp.models import ThrottleBucket

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def take(key="k", *, at=NOW, limit=3):
    return throttling.take(key, limit=limit, per=MINUTE, now=at)


def test_lets_as_many_through_as_it_says():
    assert [take() for _ in range(3)] == [None] * 3
    assert take() is not None


def test_tells_how_long_to_wait():
    for _ in range(3):
        take()
    wait = take()
    assert timedelta(seconds=19) < wait <= timedelta(seconds=20)
    assert take(at=NOW + wait) is None


def test_refused_try_is_not_counted():
    for _ in range(20):
        take()
    assert take(at=NOW + timedelta(seconds=21)) is None


def test_bucket_is_empty_again_after_its_time():
    for _ in range(3):
        take()
    assert [take(at=NOW + MINUTE) for _ in range(4)][:3] == [None] * 3


def test_buckets_do_not_touch_each_other():
    for _ in range(5):
        take("one")
    assert take("other") is None


def test_giving_back_undoes_one_try():
    for _ in range(3):
        take()
    throttling.give_back("k", limit=3, per=MINUTE)
    assert take() is None
    assert take() is not None


def test_clock_that_goes_back_refuses_at_most_for_the_difference():
    take()
    assert take(at=NOW - timedelta(seconds=30)) <= timedelta(seconds=30)


def test_key_fits_its_column_and_hides_what_it_is_about():
    key = throttling.key("account", "x" * 10_000, "\x00", "\ud800", 3)
    assert len(key) <= ThrottleBucket._meta.get_field("key").max_length
    assert throttling.key("s", "a", "b") != throttling.key("s", "a\x00b"[0], "bb")
    assert "alice" not in throttling.key("account", "alice")


@given(steps=st.lists(st.floats(0, 30), max_size=40))
@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
def test_never_more_than_the_limit_and_the_refill(steps):
    ThrottleBucket.objects.all().delete()
    elapsed, passed = 0.0, 0
    for step in steps:
        elapsed += step
        passed += take(at=NOW + timedelta(seconds=elapsed)) is None
    assert passed <= 3 + elapsed / 20 + 1e-3


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_parallel_tries_cannot_slip_through():
    passed = []

    def attempt():
        try:
            passed.append(take(limit=5) is None)
        finally:
            connection.close()

    threads = [threading.Thread(target=attempt) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(passed) == 5
