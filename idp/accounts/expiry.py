"""Recurring jobs: sessions that have expired end, and disabled applications hear that they are.

Both are about telling applications; nobody can use such a session, and a disabled application gets
nothing. Bounded: what a run leaves over, the next one does.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from django.utils import timezone
from django_tasks import task

from idp import schedule
from idp.accounts import session as sessions
from idp.accounts.logout_channels import outbox
from idp.models import Application

BATCH = 200
MOST_AT_ONCE = 20_000
PAUSE_SECONDS = 0.02
EVERY = timedelta(minutes=1)


@task()
def end_expired_sessions() -> int:
    """End what is idle or too old."""
    return end_expired(now=timezone.now())


@task()
def tell_disabled_applications() -> int:
    """Tell disabled applications to sign out whoever is signed in there."""
    return tell_disabled(now=timezone.now())


def end_expired(*, now: datetime, most: int = MOST_AT_ONCE, pause: float = PAUSE_SECONDS) -> int:
    """End expired sessions in batches; returns how many."""
    ended = 0
    while ended < most and (batch := sessions.end_expired(most=BATCH, now=now)):
        ended += batch
        time.sleep(pause)
    return ended


def tell_disabled(*, now: datetime, most: int = MOST_AT_ONCE, pause: float = PAUSE_SECONDS) -> int:
    """Queue notices of the live sessions that disabled applications have a part in; how many."""
    told = 0
    for application in Application.objects.filter(enabled=False).only("pk"):
        while told < most and (batch := outbox.queue_disabled(application, most=BATCH, now=now)):
            told += batch
            time.sleep(pause)
    return told


def install() -> None:
    """Register the jobs; called once at start."""
    schedule.register("end-expired-sessions", end_expired_sessions, every=EVERY)
    schedule.register("tell-disabled-applications", tell_disabled_applications, every=EVERY)
