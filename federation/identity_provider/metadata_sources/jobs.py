"""The recurring job that asks sources again, and asking one at once for an administrator."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from django.db import connections, transaction
from django.utils import timezone
from django_tasks import task

from federation.identity_provider.metadata_sources import refreshing
from federation.models import MetadataSource
from idp import schedule

EVERY = timedelta(minutes=1)
MOST_AT_ONCE = 50


@task()
def refresh_metadata() -> int:
    """Ask the sources whose time has come; how many were asked."""
    return refresh_due(most=MOST_AT_ONCE)


def refresh_due(*, most: int) -> int:
    """Ask sources whose time has come, one after the other; returns how many."""
    asked = 0
    for source in MetadataSource.objects.filter(next_at__lte=timezone.now()).order_by("next_at"):
        if asked == most:
            break
        if refreshing.claim(source, now=timezone.now()):
            refreshing.refresh(source, now=timezone.now())
            asked += 1
    return asked


def begin(source: MetadataSource) -> bool:
    """Ask a source now, in a thread; False if somebody is at it.

    If this process ends meanwhile the lease runs out, and the job asks again.
    """
    if source.is_busy or not refreshing.claim(source, now=timezone.now()):
        return False
    _spawn(lambda: refreshing.refresh(source, now=timezone.now()))
    return True


def begin_file(source: MetadataSource, file: Path) -> None:
    """Read a file in a thread, and remove it."""

    def read() -> None:
        try:
            refreshing.refresh_from(source, file, now=timezone.now())
        finally:
            file.unlink(missing_ok=True)

    _spawn(read)


def _spawn(work: Callable[[], object]) -> None:
    """In a thread, and not before what it reads by is written."""

    def run() -> None:
        try:
            work()
        finally:
            connections.close_all()

    transaction.on_commit(threading.Thread(target=run, name="metadata", daemon=True).start)


def register() -> None:
    """Add the job."""
    schedule.register("saml-metadata", refresh_metadata, every=EVERY)
