"""Recurring jobs: who runs them when, without a broker.

One row per job in `Schedule`; a conditional update elects the process that enqueues it. The
jobs themselves are tasks of Django's tasks API, run by the library's worker in a thread of the
serving process (`GATEHOUSE_EMBEDDED_WORKER`), or of `manage.py run_worker` elsewhere. The library's
own `db_worker` runs what is enqueued and enqueues nothing.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import structlog
from django.db import close_old_connections, connections
from django.dispatch import receiver
from django.utils import timezone
from django_tasks import task
from django_tasks.base import Task, TaskResult, TaskResultStatus
from django_tasks.signals import task_finished

from idp import audit, key_rotation, prune
from idp.models import Schedule

if TYPE_CHECKING:
    from django_tasks_db.management.commands.db_worker import Worker

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


@receiver(task_finished, dispatch_uid="schedule")
def _note_outcome(sender: Any, task_result: TaskResult[Any], **_: Any) -> None:
    """Write down how a recurring job ended, for the overview and `doctor`.

    The kind of an error alone: its text may hold what no administrator should read.
    """
    names = [job.name for job in _jobs.values() if job.run.func == task_result.task.func]
    error = ""
    if task_result.status == TaskResultStatus.FAILED:
        kinds = [one.exception_class_path for one in task_result.errors]
        error = (kinds[-1] if kinds else "unknown")[-300:]
    outcome = {"last_finished_at": timezone.now(), "last_error": error}
    Schedule.objects.filter(name__in=names).update(**outcome)


def work() -> None:
    """Run the tasks that wait, with the library's worker, until none is left."""
    _worker().run()


def _worker() -> Worker:
    # Imported late: the serving processes would carry it though another process runs the jobs.
    from django_tasks_db.management.commands.db_worker import Worker

    return Worker(
        queue_names=["default"],
        interval=0,
        batch=True,
        backend_name="default",
        startup_delay=False,
        max_tasks=None,
        worker_id="embedded",
        excluded_queue_names=[],
    )


class Runner:
    """Runs the jobs as they become due, in a thread of this process."""

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._worker: Worker | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Run in a daemon thread."""
        self._thread = threading.Thread(target=self.run, name="schedule", daemon=True)
        self._thread.start()

    def run(self) -> None:
        """Look for what is due now and then, until `stop()`; failures are waited out."""
        while not self._stopping.wait(TICK_SECONDS):
            close_old_connections()
            try:
                if enqueue_due(now=timezone.now()):
                    self._work()
            except Exception:
                log.exception("schedule_failed")
        connections.close_all()

    def _work(self) -> None:
        self._worker = _worker()
        if not self._stopping.is_set():
            self._worker.run()

    def stop(self) -> None:
        """Begin no other job, and wait for the one that runs; what waits is left in its row."""
        self._stopping.set()
        if self._worker is not None:
            self._worker.running = False
        if self._thread is not None:
            self._thread.join()


def start() -> Runner:
    """Run the jobs from this process until it ends; called once by the server."""
    runner = Runner()
    runner.start()
    return runner
