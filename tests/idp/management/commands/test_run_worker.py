"""What the serving processes leave to another process: jobs, notices, and its end."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from django_tasks import task

from idp import schedule
from idp.accounts.logout_channels import sender
from idp.models import Revocation, Schedule
from tests.support.server import ROOT, Gatehouse

DAY = timedelta(days=1)
LAST = threading.Event()
BEGUN = threading.Event()
GO_ON = threading.Event()


@task()
def slow() -> None:
    """Wait until the test goes on."""
    BEGUN.set()
    GO_ON.wait(10)


@task()
def last() -> None:
    """Tell that it ran."""
    LAST.set()


def said(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


@pytest.mark.django_db(transaction=True)
def test_once_runs_what_is_due_and_sends_notices(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[float] = []
    monkeypatch.setattr(sender.Sender, "deliver", lambda self, *, seconds: sent.append(seconds))
    assert said("run_worker", "--once") == "jobs: none due\n"  # the first look sets the times
    Revocation.objects.create(kind="jti", key="a", expires_at=timezone.now() - DAY)
    Schedule.objects.filter(name="prune").update(next_at=timezone.now())
    assert said("run_worker", "--once") == "jobs: prune\n"
    assert not Revocation.objects.exists()
    assert len(sent) == 2


@pytest.mark.django_db(transaction=True)
def test_stop_lets_the_job_end_that_runs_and_begins_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    jobs = {name: schedule.Job(name, run, DAY) for name, run in (("slow", slow), ("last", last))}
    monkeypatch.setattr(schedule, "_jobs", jobs)
    monkeypatch.setattr(schedule, "TICK_SECONDS", 0.01)
    for name in jobs:
        Schedule.objects.create(name=name, next_at=timezone.now() - DAY)
    runner = schedule.start()
    assert BEGUN.wait(10)
    threading.Timer(0.1, GO_ON.set).start()
    runner.stop()
    assert GO_ON.is_set()
    assert not LAST.is_set()
    schedule.work()
    assert LAST.is_set()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ends_when_asked(tmp_path: Path, number: signal.Signals) -> None:
    server = Gatehouse(tmp_path)
    server.prepare()
    argv = [sys.executable, "-c", STARTED]
    options = {"cwd": ROOT, "env": server.environment, "text": True}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(argv, **options, **pipes) as process:
        try:
            assert process.stdout.readline() == "started\n"
            process.send_signal(number)
            _, errors = process.communicate(timeout=30)
        finally:
            process.kill()
    assert (process.returncode, errors) == (0, "")


STARTED = """
import django
django.setup()
from django.core.management import call_command
from idp.accounts.logout_channels.sender import Sender
start = Sender.start
def told(self):
    start(self)
    print("started", flush=True)
Sender.start = told
call_command("run_worker")
"""


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("late", "good"), [(None, False), (timedelta(hours=1), True), (timedelta(days=2), False)]
)
def test_doctor_sees_that_nothing_runs_the_jobs(late: timedelta | None, good: bool) -> None:
    if late is not None:
        Schedule.objects.create(name="prune", next_at=timezone.now() - late)
    out = StringIO()
    with pytest.raises(CommandError):  # there is no administrator either
        call_command("doctor", stdout=out)
    assert ("ok   recurring jobs" in out.getvalue()) == good
    assert ("run_worker" in out.getvalue()) != good
