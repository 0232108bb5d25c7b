"""What a source describes, as rows: thousands, written in small transactions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import islice

from django.db import transaction

from federation.identity_provider.metadata_sources.reading import Reading
from federation.models import MetadataEntity, MetadataSource
from federation.saml import errors
from federation.saml.metadata.aggregate_process import Line

# What decides whether a document counts, and for what.
SETTINGS = (
    *("kind", "url", "signing_certificates"),
    *("longest_validity_days", "patterns", "by_digest"),
)
BATCH = 250
MOST_NAME = 200
DAY = timedelta(days=1)


def check_validity(source: MetadataSource, ends: datetime | None, *, now: datetime) -> None:
    """Refuse what is valid for too long, or says no end, where that is asked for (IIP-MD04)."""
    days = source.longest_validity_days
    if days is None:
        return
    if ends is None:
        raise errors.InvalidMetadata(
            "valid_until_missing",
            f"The metadata does not say until when it is valid; at most {days} days are allowed.",
        )
    if ends - now > days * DAY:
        raise errors.InvalidMetadata(
            "valid_until_distant",
            f"The metadata is valid until {ends:%Y-%m-%d}; at most {days} days are allowed.",
        )


def check_settings(source: MetadataSource) -> None:
    """Refuse to go on by settings that an administrator has changed since, a pinned key above all.

    Within a transaction: whoever changes them waits for its end. Raises InvalidMetadata.
    """
    now = MetadataSource.objects.select_for_update().filter(pk=source.pk)
    if now.values(*SETTINGS).first() != {name: getattr(source, name) for name in SETTINGS}:
        raise errors.InvalidMetadata(
            "settings_changed", "Its settings were changed while it was read: it is read again."
        )


def step(source: MetadataSource, words: str, *, now: datetime) -> None:
    """Say what is being done, for the page that shows progress."""
    MetadataSource.objects.filter(pk=source.pk).update(step=words, step_at=now)


def store(source: MetadataSource, found: Reading, *, now: datetime) -> None:
    """Write what is new or different, in small transactions; drop what is gone."""
    known = {
        entity_id: known
        for entity_id, *known in source.entities.values_list(
            "entity_id", "digest", "signed", "valid_until"
        ).iterator(chunk_size=1_000)
    }
    total, done = found.outcome.entities, 0
    lines = found.lines()
    while batch := list(islice(lines, BATCH)):
        rows = [entity_of(source, line, signed=found.outcome.signed) for line in batch]
        fresh = [row for row in rows if known.pop(row.entity_id, None) != _said(row)]
        upsert(source, fresh)
        done += len(batch)
        step(source, f"Storing {done:,} of {total:,} service providers", now=now)
    _drop(source, known)


def _said(row: MetadataEntity) -> list[object]:
    return [row.digest, row.signed, row.valid_until]


def entity_of(source: MetadataSource, line: Line, *, signed: bool) -> MetadataEntity:
    """The row of a service provider that was read."""
    return MetadataEntity(
        source=source,
        entity_id=line.entity_id,
        display_name=" ".join(line.display_name.split())[:MOST_NAME],
        document=line.deflated,
        digest=line.digest,
        signed=signed,
        valid_until=datetime.fromisoformat(line.valid_until) if line.valid_until else None,
    )


@transaction.atomic
def upsert(source: MetadataSource, rows: list[MetadataEntity]) -> None:
    """Write rows, whoever else has just written them. Raises InvalidMetadata."""
    check_settings(source)
    MetadataEntity.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["source", "entity_id"],
        update_fields=[
            *("display_name", "document", "digest", "signed", "valid_until"),
            *("etag", "last_modified"),
        ],
    )


def _drop(source: MetadataSource, gone: Iterable[str]) -> None:
    left = iter(gone)
    while batch := list(islice(left, BATCH)):
        source.entities.filter(entity_id__in=batch).delete()
