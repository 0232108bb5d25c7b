"""The audit trail: durable, buffered, append only, sealed."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.utils import timezone

from idp import audit
from idp.models import AuditEvent, AuditSeal, SignIn, User

pytestmark = pytest.mark.django_db


def later():
    return timezone.now() + timedelta(minutes=5)


def test_event_is_there_when_record_returns():
    alice = User.objects.create(username="alice")
    audit.record("signin.success", user=alice, details={"factor": "password"})
    event = AuditEvent.objects.get()
    assert (event.action, event.user_id, event.user_name) == ("signin.success", alice.id, "alice")


def test_event_cannot_be_saved_twice():
    event = audit.record("signin.success")
    event.action = "nothing"
    with pytest.raises(IntegrityError), transaction.atomic():
        event.save()


def test_buffered_rows_wait_for_the_flush(monkeypatch):
    writer = audit.Writer()
    monkeypatch.setattr(audit, "_writer", writer)
    monkeypatch.setattr(writer, "_run", lambda: None)
    alice = User.objects.create(username="alice")
    audit.buffer("token.issued", user=alice, details={"scope": "openid"})
    assert AuditEvent.objects.count() == 0
    audit.flush()
    event = AuditEvent.objects.get()
    assert (event.user_id, event.details, event.result) == (
        alice.id,
        {"scope": "openid"},
        "success",
    )


@pytest.mark.parametrize("count", [0, 1, 7, 8, 63, 64, 65, 137])
def test_however_many_rows_are_written_together_each_is_whole(count):
    alice = User.objects.create(username="alice")
    now = timezone.now()
    rows = [
        {"action": "token.issued", "at": now, "user_id": alice.id, "details": {"number": number}}
        for number in range(count)
    ]
    rows.append({"action": "token.refused", "reason": "it's 100% \\ \t wrong\n"})
    AuditEvent.objects.insert_many(rows)
    assert AuditEvent.objects.count() == count + 1
    issued = AuditEvent.objects.filter(action="token.issued")
    assert [row.details["number"] for row in issued.order_by("id")] == list(range(count))
    assert {(row.user_id, row.at, row.result) for row in issued} <= {(alice.id, now, "success")}
    refused = AuditEvent.objects.get(action="token.refused")
    assert (refused.reason, refused.details) == ("it's 100% \\ \t wrong\n", {})
    assert refused.at >= now


def test_failed_flush_keeps_the_rows(monkeypatch):
    writer = audit.Writer()
    monkeypatch.setattr(writer, "_run", lambda: None)
    monkeypatch.setattr(audit.connection, "close", lambda: None)
    writer.add({"action": "token.issued"})

    def fail(*args, **kwargs):
        raise DatabaseError("gone")

    with monkeypatch.context() as broken:
        broken.setattr(AuditEvent.objects, "insert_many", fail)
        writer.flush()
    assert AuditEvent.objects.count() == 0
    writer.flush()
    assert AuditEvent.objects.count() == 1


def test_the_end_of_a_process_waits_for_what_is_being_written(monkeypatch):
    begun, may_end, written = threading.Event(), threading.Event(), []

    def slowly(rows):
        begun.set()
        assert may_end.wait(10)
        written.extend(rows)

    writer = audit.Writer()
    monkeypatch.setattr(audit, "_writer", writer)
    monkeypatch.setattr(audit, "_insert_events", slowly)
    audit.buffer("token.issued")
    assert begun.wait(10)
    assert not writer.waiting
    ending = threading.Thread(target=audit._last_flush)
    ending.start()
    ending.join(0.1)
    assert ending.is_alive()
    may_end.set()
    ending.join(10)
    assert not ending.is_alive()
    assert len(written) == 1


def test_seals_chain_and_notice_every_change():
    for number in range(5):
        audit.record("token.issued", details={"number": number})
    assert audit.seal(now=later()) == 5
    audit.record("key.rotated")
    assert audit.seal(now=later()) == 1
    assert audit.verify_seals() == []
    AuditEvent.objects.filter(details__number=3).update(action="nothing.happened")
    assert len(audit.verify_seals()) == 1


def test_removed_event_is_noticed():
    for _ in range(3):
        audit.record("token.issued")
    audit.seal(now=later())
    AuditEvent.objects.first().delete()
    assert len(audit.verify_seals()) == 1


def test_fresh_events_are_not_sealed_yet():
    audit.record("token.issued")
    assert audit.seal(now=timezone.now()) == 0
    assert AuditSeal.objects.count() == 0


def test_reference_is_easy_to_read_aloud():
    references = {audit.new_reference() for _ in range(100)}
    assert len(references) == 100
    assert all(len(text) == 10 and not set(text) & set("01IO") for text in references)


def test_trace_is_found_by_its_reference():
    reference = audit.new_reference()
    audit.trace(protocol="oidc", result="refused", reference=reference, reason="x" * 1000)
    assert len(SignIn.objects.get(reference=reference).reason) == 300
