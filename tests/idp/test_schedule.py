"""Recurring jobs: one process takes each, and the library's worker runs it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from idp import schedule
from idp.models import Revocation, Schedule

NOW = timezone.now()
LATER = NOW + timedelta(days=1)


@pytest.mark.django_db
def test_first_look_only_sets_the_time():
    assert schedule.enqueue_due(now=NOW) == []
    assert Schedule.objects.count() == len(schedule._jobs)


@pytest.mark.django_db
def test_due_job_is_taken_once():
    schedule.enqueue_due(now=NOW)
    assert "prune" in schedule.enqueue_due(now=LATER)
    assert schedule.enqueue_due(now=LATER) == []


@pytest.mark.django_db(transaction=True)
def test_worker_runs_what_was_enqueued():
    Revocation.objects.create(kind="jti", key="a", expires_at=NOW - timedelta(days=1))
    schedule.enqueue_due(now=NOW)
    schedule.enqueue_due(now=LATER)
    schedule.work()
    assert not Revocation.objects.exists()
    assert {row.status for row in DBTaskResult.objects.all()} == {"SUCCESSFUL"}
    row = Schedule.objects.get(name="prune")
    assert row.last_finished_at is not None
    assert row.last_error == ""


@pytest.mark.django_db(transaction=True)
def test_a_failure_is_written_down_until_it_succeeds(monkeypatch):
    def run_prune() -> Schedule:
        Schedule.objects.filter(name="prune").update(next_at=NOW)
        schedule.enqueue_due(now=LATER)
        schedule.work()
        return Schedule.objects.get(name="prune")

    def fail(**_):
        raise LookupError("what it says may be secret")

    schedule.enqueue_due(now=NOW)
    with monkeypatch.context() as broken:
        broken.setattr(schedule.prune, "prune", fail)
        assert run_prune().last_error == "builtins.LookupError"
    assert run_prune().last_error == ""
