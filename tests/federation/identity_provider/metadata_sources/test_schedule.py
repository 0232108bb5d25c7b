"""When a source is asked again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from federation.identity_provider.metadata_sources import schedule

NOW = datetime(2026, 11, 28, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def near(moment: datetime, wait: timedelta) -> bool:
    return abs(moment - NOW - wait) <= wait * 0.101


@pytest.mark.parametrize(
    ("cache", "ends", "wait"),
    [
        (None, None, 6 * HOUR),
        (2 * HOUR, None, 2 * HOUR),
        (timedelta(seconds=1), None, timedelta(minutes=15)),
        (timedelta(days=4000), None, DAY),
        (DAY, 8 * HOUR, 4 * HOUR),
        (DAY, timedelta(seconds=10), timedelta(minutes=5)),
        (HOUR, 30 * DAY, HOUR),
    ],
)
def test_after_success(cache: timedelta | None, ends: timedelta | None, wait: timedelta) -> None:
    valid_until = NOW + ends if ends else None
    for _ in range(50):
        found = schedule.after_success(NOW, cache_duration=cache, valid_until=valid_until)
        assert near(found, wait), found


@pytest.mark.parametrize(("failures", "minutes"), [(1, 5), (2, 10), (4, 40), (8, 360), (5000, 360)])
def test_after_failure(failures: int, minutes: int) -> None:
    assert near(schedule.after_failure(NOW, failures=failures), timedelta(minutes=minutes))


def test_not_all_at_once() -> None:
    found = {schedule.after_failure(NOW, failures=3) for _ in range(30)}
    assert len(found) > 5
