"""When a source is asked again: as it says itself, within bounds, and never all at once.

A pure table of times; `refreshing` writes them down.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

USUAL = timedelta(hours=6)
SOONEST = timedelta(minutes=15)
LATEST = timedelta(hours=24)
FIRST_RETRY = timedelta(minutes=5)
LATEST_RETRY = timedelta(hours=6)
JITTER = 0.1


def after_success(
    now: datetime, *, cache_duration: timedelta | None, valid_until: datetime | None
) -> datetime:
    """cacheDuration within bounds, and twice at least before validUntil (SAML Metadata §4.3)."""
    wait = min(max(cache_duration or USUAL, SOONEST), LATEST)
    if valid_until is not None:
        wait = max(min(wait, (valid_until - now) / 2), FIRST_RETRY)
    return now + _spread(wait)


def after_failure(now: datetime, *, failures: int) -> datetime:
    """Twice as long each time; `failures` counts this one."""
    return now + _spread(min(FIRST_RETRY * 2 ** min(failures - 1, 10), LATEST_RETRY))


def _spread(wait: timedelta) -> timedelta:
    """A little earlier or later, so that many sources and many of us do not meet."""
    parts = 1_000
    offset = secrets.randbelow(2 * parts + 1) / parts - 1
    return wait * (1 + JITTER * offset)
