"""Removes rows whose time is over, in batches, so that no writer waits for a long delete.

Time-ordered keys make most of it a range of the primary key. What other applications keep is
added with `register()`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Model, Q, QuerySet
from django_tasks.base import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from idp import keys, models
from idp.models.identifiers import lowest_id

BATCH = 2_000
PAUSE_SECONDS = 0.02
KEPT_AFTER_EXPIRY = timedelta(days=1)
SESSIONS_KEPT = timedelta(days=30)
DEVICES_KEPT = timedelta(days=180)
KEYS_KEPT = timedelta(days=30)
REMOTE_DOCUMENTS_KEPT = timedelta(days=30)
TASK_RESULTS_KEPT = timedelta(days=7)

Source = Callable[[datetime], "QuerySet[Any]"]
_sources: dict[str, Source] = {}


def register(name: str, source: Source) -> None:
    """Add `source(now)`: the rows of one kind that may go."""
    _sources[name] = source


def prune(*, now: datetime, pause: float = PAUSE_SECONDS) -> dict[str, int]:
    """Delete everything that has expired; returns how many rows of each kind went."""
    counts = {name: delete(source(now), pause=pause) for name, source in _all_sources()}
    return {name: count for name, count in counts.items() if count}


def delete(rows: QuerySet[Any], *, pause: float = PAUSE_SECONDS) -> int:
    """Delete `rows` in batches by ascending key; returns how many."""
    deleted = 0
    model: type[Model] = rows.model
    remaining = rows.order_by("pk")
    while batch := list(remaining.values_list("pk", flat=True)[:BATCH]):
        model._default_manager.filter(pk__in=batch).delete()
        deleted += len(batch)
        remaining = rows.filter(pk__gt=batch[-1]).order_by("pk")
        if len(batch) == BATCH:
            time.sleep(pause)
    return deleted


def _all_sources() -> Iterator[tuple[str, Source]]:
    yield "interactions", _interactions
    yield "grants", _grants
    yield "authorization codes", _codes
    yield "revocations", lambda now: models.Revocation.objects.filter(expires_at__lt=now)
    yield "sessions", _sessions
    yield "sign-out notices", _logout_notices
    yield "sign-ins", _sign_ins
    yield "audit events", _audit_events
    yield "throttle buckets", _buckets
    yield "devices", _devices
    yield "one-time values", lambda now: models.OneTimeValue.objects.filter(expires_at__lt=now)
    yield "keys", _keys
    yield "spent identifiers", lambda now: models.SpentIdentifier.objects.filter(expires_at__lt=now)
    yield "remote documents", _remote_documents
    yield "task results", _task_results
    yield from _sources.items()


def _interactions(now: datetime) -> QuerySet[Any]:
    oldest = now - settings.IDP.interaction_lifetime - KEPT_AFTER_EXPIRY
    return models.Interaction.objects.filter(id__lt=lowest_id(oldest))


def _grants(now: datetime) -> QuerySet[Any]:
    idp = settings.IDP
    oldest = now - idp.code_lifetime - idp.access_token_lifetime - keys.OVERLAP_MARGIN
    return models.Grant.objects.filter(
        id__lt=lowest_id(oldest), expires_at__lt=now - KEPT_AFTER_EXPIRY
    )


def _codes(now: datetime) -> QuerySet[Any]:
    oldest = now - settings.IDP.code_lifetime - KEPT_AFTER_EXPIRY
    return models.StoredAuthorizationCode.objects.filter(id__lt=lowest_id(oldest))


def _sessions(now: datetime) -> QuerySet[Any]:
    return models.Session.objects.filter(
        id__lt=lowest_id(now - SESSIONS_KEPT), expires_at__lt=now - SESSIONS_KEPT
    )


def _logout_notices(now: datetime) -> QuerySet[Any]:
    """Those whose session has gone before them."""
    old = models.LogoutNotification.objects.filter(id__lt=lowest_id(now - SESSIONS_KEPT))
    return old.filter(session=None, next_at=None)


def _sign_ins(now: datetime) -> QuerySet[Any]:
    oldest = now - settings.IDP.sign_in_retention
    return models.SignIn.objects.filter(id__lt=lowest_id(oldest))


def _audit_events(now: datetime) -> QuerySet[Any]:
    oldest = now - settings.IDP.audit_retention
    return models.AuditEvent.objects.filter(id__lt=lowest_id(oldest))


def _buckets(now: datetime) -> QuerySet[Any]:
    oldest = now - KEPT_AFTER_EXPIRY
    return models.ThrottleBucket.objects.filter(arrival__lt=oldest.timestamp())


def _devices(now: datetime) -> QuerySet[Any]:
    return models.KnownDevice.objects.filter(last_used_at__lt=now - DEVICES_KEPT)


def _keys(now: datetime) -> QuerySet[Any]:
    return models.SigningKey.objects.filter(
        state=models.SigningKey.State.RETIRED,
        retired_at__lt=now - max(keys.overlap(), keys.DECRYPTS_FOR) - KEYS_KEPT,
    )


def _remote_documents(now: datetime) -> QuerySet[Any]:
    """Key sets that nobody has asked for in a month: their clients are gone, or unused."""
    oldest = now - REMOTE_DOCUMENTS_KEPT
    return models.RemoteDocument.objects.filter(attempted_at__lt=oldest)


def _task_results(now: datetime) -> QuerySet[Any]:
    """What ended long ago, and what a killed process left as running."""
    limit = now - TASK_RESULTS_KEPT
    abandoned = Q(status=TaskResultStatus.RUNNING, started_at__lt=limit)
    ended = Q(finished_at__lt=limit) & ~Q(status=TaskResultStatus.RUNNING)
    return DBTaskResult.objects.filter(ended | abandoned)
