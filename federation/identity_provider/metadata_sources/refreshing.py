"""Asking a source again, and what follows for the service providers that hang on it.

Whatever fails, the last good metadata stays in use until its own end; the failure is written down,
and the next try waits twice as long. One process at a time works on a source: it takes the source's
next time as a lease.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from django.db import transaction

from federation.identity_provider import registration
from federation.identity_provider.metadata_sources import (
    changes,
    fetching,
    queries,
    reading,
    storing,
)
from federation.identity_provider.metadata_sources import schedule as times
from federation.identity_provider.metadata_sources.changes import Found
from federation.models import MetadataSource, Subscription
from federation.models.metadata_source import LEASE
from federation.saml import errors
from idp import audit

log = structlog.get_logger("gatehouse.metadata")

INSIDE = "It failed inside this service: its log tells more."
GONE = "Its source no longer describes it. The last good metadata stays in use until it ends."


def claim(source: MetadataSource, *, now: datetime) -> bool:
    """Take the source for this process; False if another has it, or has just done it."""
    rows = MetadataSource.objects.filter(pk=source.pk, next_at=source.next_at)
    if not rows.update(next_at=now + LEASE, step="waiting", step_at=now):
        return False
    source.next_at = now + LEASE
    return True


def refresh(source: MetadataSource, *, now: datetime) -> bool:
    """Ask a source that was claimed; whether it went well. Nothing is raised but bugs."""
    try:
        said = _ask(source, now=now)
    except (fetching.NotFetched, errors.InvalidMetadata) as error:
        words = getattr(error, "description", "") or str(error)
        _fail(source, words, now=now)
        return False
    except Exception:
        _fail(source, INSIDE, now=now)
        raise
    next_at = times.after_success(now, **said)
    ended = {"error": "", "failures": 0, "next_at": next_at, "checked_at": now}
    MetadataSource.objects.filter(pk=source.pk).update(**ended, step="", step_at=None)
    return True


def refresh_from(source: MetadataSource, file: Path, *, now: datetime) -> bool:
    """Read a file that an administrator sent; whether it went well."""
    try:
        take_file(source, file, now=now)
    except errors.InvalidMetadata as error:
        _fail(source, error.description, now=now)
        return False
    except Exception:
        _fail(source, INSIDE, now=now)
        raise
    ended = {"error": "", "failures": 0, "checked_at": now}
    MetadataSource.objects.filter(pk=source.pk).update(**ended, step="", step_at=None)
    return True


def _ask(source: MetadataSource, *, now: datetime) -> dict[str, Any]:
    """Do what its kind needs; returns what decides the next time."""
    if source.kind == MetadataSource.Kind.MDQ:
        _ask_for_each(source, now=now)
        return {"cache_duration": None, "valid_until": None}
    with tempfile.TemporaryDirectory(prefix="gatehouse-metadata-") as folder:
        file = Path(folder) / "metadata.xml"
        storing.step(source, "Fetching the document", now=now)
        fetched = fetching.fetch(source.url, file, remembered=source)
        if not fetched.changed:
            _follow_all(source, now=now)
            return _said(source)
        take_file(source, file, now=now)
    with transaction.atomic():
        storing.check_settings(source)
        validators = {"etag": fetched.etag, "last_modified": fetched.last_modified}
        MetadataSource.objects.filter(pk=source.pk).update(**validators)
    return _said(source)


def _said(source: MetadataSource) -> dict[str, Any]:
    seconds = source.figures.get("cache_seconds") or 0
    return {
        "cache_duration": timedelta(seconds=seconds) if seconds else None,
        "valid_until": source.valid_until,
    }


def take_file(source: MetadataSource, file: Path, *, now: datetime) -> None:
    """Read a document and follow it. Raises InvalidMetadata; nothing has changed then."""
    storing.step(source, "Reading the document and checking its signature", now=now)
    found = reading.read(
        file,
        file.with_suffix(".lines"),
        now=now,
        certificates=source.signing_certificates,
        patterns=source.patterns,
    )
    storing.check_validity(source, found.valid_until, now=now)
    try:
        storing.store(source, found, now=now)
    finally:
        found.output.unlink(missing_ok=True)
    outcome = found.outcome
    source.valid_until = found.valid_until
    source.entity_count = outcome.entities
    source.figures = {
        "size": file.stat().st_size,
        "cache_seconds": outcome.cache_seconds,
        "passed_over": outcome.passed_over,
        "peak": outcome.peak,
        "cpu": outcome.cpu,
    }
    source.fetched_at = now
    source.save(update_fields=["valid_until", "entity_count", "figures", "fetched_at"])
    _follow_all(source, now=now)


def _fail(source: MetadataSource, words: str, *, now: datetime) -> None:
    failures = source.failures + 1
    next_at = times.after_failure(now, failures=failures)
    if source.kind == MetadataSource.Kind.FILE:
        MetadataSource.objects.filter(pk=source.pk).update(error=words[:500], step="", step_at=None)
    else:
        ended = {"error": words[:500], "failures": failures, "next_at": next_at, "checked_at": now}
        MetadataSource.objects.filter(pk=source.pk).update(**ended, step="", step_at=None)
    log.warning("metadata_not_refreshed", source=source.name, error=words)
    if not source.error:
        # The first of a row of failures; the page tells of the last.
        audit.record(
            "metadata_source.failed",
            result="failure",
            reason=words,
            details={"source": source.name},
        )


# ----- who hangs on it -----


def _follow_all(source: MetadataSource, *, now: datetime) -> None:
    for subscription in _subscriptions(source):
        follow(subscription, now=now)


def _subscriptions(source: MetadataSource) -> Iterable[Subscription]:
    rows = Subscription.objects.filter(source=source)
    rows = rows.select_related("service_provider__application", "source")
    return rows.defer("service_provider__metadata_xml", "service_provider__application__logo")


def follow(subscription: Subscription, *, now: datetime) -> None:
    """Follow what its source holds of one service provider; a refusal is written down at it."""
    source = subscription.source
    entity_id = subscription.service_provider.entity_id
    entity = source.entities.filter(entity_id=entity_id).first()
    if entity is None:
        note(subscription, GONE)
        return
    found = Found(
        document=entity.xml,
        signed=entity.signed and source.is_pinned,
        valid_until=registration.earlier(entity.valid_until, source.valid_until),
        plain_http=source.is_plain_http,
    )
    try:
        changes.take(subscription, found, now=now)
    except errors.InvalidMetadata as error:
        note(subscription, error.description)


def note(subscription: Subscription, words: str) -> None:
    """Write down at a service provider what is wrong; the first time in the audit trail too."""
    if subscription.error != words:
        Subscription.objects.filter(pk=subscription.pk).update(error=words[:500])
        audit.record(
            "metadata.not_refreshed",
            application=subscription.service_provider.application,
            result="failure",
            reason=words,
        )


def _ask_for_each(source: MetadataSource, *, now: datetime) -> None:
    """One question for each service provider that follows a query service. Raises NotFetched."""
    failure: Exception | None = None
    for subscription in _subscriptions(source):
        entity_id = subscription.service_provider.entity_id
        storing.step(source, f"Asking for {entity_id}"[:100], now=now)
        try:
            queries.look_up(source, entity_id, now=now)
        except fetching.NotDescribed:
            note(subscription, GONE)
            continue
        except (fetching.NotFetched, errors.InvalidMetadata) as error:
            note(subscription, getattr(error, "description", "") or str(error))
            failure = error
            continue
        follow(subscription, now=now)
    if failure is not None:
        raise failure
