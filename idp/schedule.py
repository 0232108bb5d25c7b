"""Recurring jobs: who runs them when, without a broker.

One row per job in `Schedule`; a conditional update elects the process that enqueues it. The
jobs themselves are tasks of Django's tasks API, run by the library's worker in a thread of the
serving process (`GATEHOUSE_EMBEDDED_WORKER`), or by `manage.py db_worker` elsewhere.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import close_old_connections
from django.utils import timezone
from django_tasks import task
from django_tasks.base import Task

from idp import audit, key_rotation, prune
from idp.models import Schedule

log = structlog.get_logger("gatehouse.schedule")

TICK_SECONDS = 15.0


@dataclass(frozen=True)
class Job:
    """A recurring job: its task and how often it runs."""

    name: str
    run: Task[[], Any]
    every: timedelta


_jobs: dict[str, Job] = {}


def register(name: str, function: Task[[], Any], *, every: timedelta) -> None:
    """Add a recurring job; `function` is a task made with `django_tasks.task`."""
    _jobs[name] = Job(name, function, every)


@task()
def prune_expired() -> dict[str, int]:
    """Remove what has expired."""
    return prune.prune(now=timezone.now())


@task()
def seal_audit_trail() -> int:
    """Seal the audit events of the last minutes."""
    return audit.seal(now=timezone.now())


@task()
def rotate_keys() -> list[str]:
    """Rotate the keys whose time is over."""
    return key_rotation.rotate_due(now=timezone.now())


register("prune", prune_expired, every=timedelta(minutes=15))
register("seal-audit", seal_audit_trail, every=timedelta(minutes=5))
register("rotate-keys", rotate_keys, every=timedelta(hours=1))


def enqueue_due(*, now: datetime) -> list[str]:
    """Enqueue every job whose time has come and that no other process took; returns names."""
    return [job.name for job in _jobs.values() if _elected(job, now=now)]


def _elected(job: Job, *, now: datetime) -> bool:
    row, created = Schedule.objects.get_or_create(
        name=job.name, defaults={"next_at": now + job.every}
    )
    if created or row.next_at > now:
        return False
    won = Schedule.objects.filter(name=job.name, next_at=row.next_at).update(
        next_at=now + job.every, last_started_at=now
    )
    if won:
        job.run.enqueue()
    return bool(won)


def work() -> None:
    """Run the tasks that wait, with the library's worker, until none is left."""
    from django_tasks_db.management.commands.db_worker import Worker

    Worker(
        queue_names=["default"],
        interval=0,
        batch=True,
        backend_name="default",
        startup_delay=False,
        max_tasks=None,
        worker_id="embedded",
        excluded_queue_names=[],
    ).run()


def start() -> threading.Thread:
    """Tick in a daemon thread of this process until it ends."""
    thread = threading.Thread(target=_loop, name="schedule", daemon=True)
    thread.start()
    return thread


def _loop() -> None:
    pause = threading.Event()
    while not pause.wait(TICK_SECONDS):
        close_old_connections()
        try:
            if enqueue_due(now=timezone.now()):
                work()
        except Exception:
            log.exception("schedule_failed")
