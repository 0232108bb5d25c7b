"""The audit trail: every sign-in, refusal, issue and change; the only way to write one.

`record()` is durable before it returns. `buffer()` is for issued tokens: rows are kept at most
100 ms and written in bulk by a thread, at stop too; a crash can lose those. Rows get their
identifier when they are written, so that the sealer (`seal()`) finds ranges complete.
Nothing secret may be passed in: `details` are facts, never tokens, codes or passwords.
"""

from __future__ import annotations

import atexit
import hashlib
import secrets
import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from multiprocessing.util import Finalize
from typing import Any, Protocol

import orjson
import structlog
from django.db import Error, close_old_connections, connection, transaction
from django.utils import timezone

from idp import models
from idp.models.identifiers import lowest_id

log = structlog.get_logger("gatehouse.audit")

FLUSH_SECONDS = 0.1
MOST_BUFFERED = 50_000
SEAL_AFTER = timedelta(minutes=1)
SEAL_BATCH = 5_000
REFERENCE_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"


class Origin(Protocol):
    """Where a request came from: `protocol.message.Request` and the middleware's facts."""

    @property
    def client_address(self) -> str: ...
    @property
    def user_agent(self) -> str: ...
    @property
    def request_id(self) -> str: ...


def new_reference() -> str:
    """A reference for an error page: 10 characters that survive being read aloud."""
    return "".join(secrets.choice(REFERENCE_ALPHABET) for _ in range(10))


def record(action: str, **facts: Any) -> models.AuditEvent:
    """Write one event now.

    Facts: request, user, application, and columns: result, reason, actor, session_id, details…
    """
    event = models.AuditEvent(**_columns(action, **facts))
    event.save()
    return event


def record_many(action: str, events: Iterable[Mapping[str, Any]]) -> None:
    """Write many events of one kind now, in one insertion; each has the facts of `record()`."""
    rows = [_columns(action, **facts) for facts in events]
    if rows:
        models.AuditEvent.objects.insert_many(rows)


def buffer(action: str, **facts: Any) -> None:
    """Write one event within 100 ms, together with others; facts as in `record()`."""
    _writer.add(_columns(action, **facts))


def _columns(
    action: str,
    *,
    request: Origin | None = None,
    user: models.User | None = None,
    application: models.Application | None = None,
    reason: str = "",
    **facts: Any,
) -> dict[str, Any]:
    columns = {"action": action, "at": datetime.now(UTC), "reason": reason[:300], **facts}
    if user is not None:
        columns["user_id"] = user.id
        columns["user_name"] = user.username
    if application is not None:
        columns["application_id"] = application.id
        columns["application_name"] = application.name
    if request is not None:
        columns["client_address"] = request.client_address or None
        columns["user_agent"] = request.user_agent[:300]
        columns["request_id"] = request.request_id
    return columns


class Writer:
    """The buffer and its thread: started by the first row, one per process."""

    def __init__(self) -> None:
        self._rows: list[dict[str, Any]] = []
        self._attempts: list[models.SignIn] = []
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self.synchronous = False

    def add(self, columns: dict[str, Any]) -> None:
        """Keep a row for the next flush; write at once when the buffer is full."""
        if self.synchronous:
            models.AuditEvent(**columns).save()
            return
        self._keep(self._rows, columns)

    def add_attempt(self, attempt: models.SignIn) -> None:
        """The same for a row of the trace of sign-ins."""
        if self.synchronous:
            attempt.save(force_insert=True)
            return
        self._keep(self._attempts, attempt)

    def _keep(self, kept: list[Any], row: Any) -> None:
        with self._lock:
            kept.append(row)
            full = len(kept) >= MOST_BUFFERED
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="audit", daemon=True)
                self._thread.start()
        if full:
            self.flush()
        elif not self._wake.is_set():
            self._wake.set()

    def flush(self) -> None:
        """Write what is buffered; on a failure keep it for the next time.

        What another thread is just writing is waited for: afterwards it can be read.
        """
        with self._writing:
            self._flush(self._rows, _insert_events)
            self._flush(self._attempts, models.SignIn.objects.bulk_create)

    def _flush(self, kept: list[Any], insert: Callable[[list[Any]], Any]) -> None:
        with self._lock:
            rows = kept[:]
            kept.clear()
        if not rows:
            return
        try:
            insert(rows)
        except Error as error:
            log.error("audit_flush_failed", error=type(error).__name__, rows=len(rows))
            with self._lock:
                kept[:] = (rows + kept)[-MOST_BUFFERED * 2 :]
            connection.close()

    def _run(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            threading.Event().wait(FLUSH_SECONDS)
            close_old_connections()
            self.flush()
            if self.waiting:
                self._wake.set()

    @property
    def waiting(self) -> bool:
        """Whether anything is still to be written."""
        return bool(self._rows or self._attempts)


_writer = Writer()
_used: dict[Any, datetime] = {}


def _insert_events(rows: list[dict[str, Any]]) -> None:
    models.AuditEvent.objects.insert_many(rows)
    _note_use(rows)


def _note_use(rows: list[dict[str, Any]]) -> None:
    """Move `last_used_at` of applications that got a token, at most once in ten minutes."""
    now = timezone.now()
    used = {row["application_id"] for row in rows if row.get("application_id")}
    due = [key for key in used if now - _used.get(key, now - timedelta(1)) > timedelta(minutes=10)]
    if due:
        models.Application.objects.filter(pk__in=due).update(last_used_at=now)
        _used.update(dict.fromkeys(due, now))


def flush() -> None:
    """Write everything that is buffered."""
    _writer.flush()


def install() -> None:
    """Flush at the end of the process; called once at start."""
    atexit.register(_last_flush)


def install_in_worker() -> None:
    """The same in a serving process: a forked worker ends without atexit."""
    Finalize(None, _last_flush, exitpriority=0)


def _last_flush() -> None:
    """Also where nothing waits: the writer's thread may be in the middle of it."""
    _writer.flush()


def write_through(*, enabled: bool) -> None:
    """Write buffered events at once (tests, management commands)."""
    _writer.synchronous = enabled


def seal(*, now: datetime) -> int:
    """Hash the events older than a minute that no seal covers yet; returns how many.

    One sealer at a time: the newest seal is locked. The hash covers the seal before it.
    """
    sealed = 0
    while batch := _seal_batch(now=now):
        sealed += batch
    return sealed


def _seal_batch(*, now: datetime) -> int:
    with transaction.atomic():
        last = models.AuditSeal.objects.select_for_update().order_by("-pk").first()
        events = models.AuditEvent.objects.order_by("id").filter(id__lt=lowest_id(now - SEAL_AFTER))
        if last is not None:
            events = events.filter(id__gt=last.last_id)
        batch = list(events[:SEAL_BATCH])
        if not batch:
            return 0
        models.AuditSeal.objects.create(
            first_id=batch[0].id,
            last_id=batch[-1].id,
            events=len(batch),
            hash=_digest(bytes(last.hash) if last else b"", batch),
        )
        return len(batch)


def _digest(previous: bytes, events: list[models.AuditEvent]) -> bytes:
    digest = hashlib.sha256(previous)
    for event in events:
        digest.update(orjson.dumps(_content(event), option=orjson.OPT_SORT_KEYS))
    return digest.digest()


def _content(event: models.AuditEvent) -> dict[str, Any]:
    return {
        field.attname: str(getattr(event, field.attname))
        if field.attname != "details"
        else event.details
        for field in event._meta.concrete_fields
    }


def verify_seals() -> list[str]:
    """Recompute every seal that still has its events; returns what does not fit."""
    problems: list[str] = []
    previous = b""
    for seal_row in models.AuditSeal.objects.order_by("pk").iterator():
        events = list(
            models.AuditEvent.objects.order_by("id").filter(
                id__gte=seal_row.first_id, id__lte=seal_row.last_id
            )
        )
        if events and (
            len(events) != seal_row.events or _digest(previous, events) != bytes(seal_row.hash)
        ):
            problems.append(f"seal {seal_row.pk}: the events do not match their hash")
        previous = bytes(seal_row.hash)
    return problems


def trace(
    *,
    protocol: str,
    result: str,
    request: Origin | None = None,
    user: models.User | None = None,
    application: models.Application | None = None,
    later: bool = False,
    **facts: Any,
) -> models.SignIn:
    """Keep one attempt to use an application for administrators.

    `later`: buffered as `buffer()` does, for what succeeds without anybody being asked.
    Facts: reference, error, reason, suggestion, trace (the checks), received and sent (masked).
    """
    row = models.SignIn(protocol=protocol, result=result, **facts)
    if user is not None:
        row.user_id = user.id
        row.user_name = user.username
    if application is not None:
        row.application_id = application.id
        row.application_name = application.name
    if request is not None:
        row.client_address = request.client_address or None
        row.user_agent = request.user_agent[:300]
    row.reason = row.reason[:300]
    row.suggestion = row.suggestion[:500]
    if later:
        _writer.add_attempt(row)
    else:
        row.save(force_insert=True)
    return row
