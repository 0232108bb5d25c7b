"""Asking a metadata query service for one entity (draft-young-md-query, its SAML profile)."""

from __future__ import annotations

import tempfile
from datetime import datetime
from pathlib import Path

from federation.identity_provider import registration
from federation.identity_provider.metadata_sources import fetching, reading, storing
from federation.models import MetadataEntity, MetadataSource
from federation.saml import errors, xml


def look_up(source: MetadataSource, entity_id: str, *, now: datetime) -> MetadataEntity:
    """What the service says of an entity now, kept as the source's.

    Raises NotDescribed, NotFetched, InvalidMetadata.
    """
    known = source.entities.filter(entity_id=entity_id).first()
    url = fetching.query_url(source.url, entity_id, by_digest=source.by_digest)
    with tempfile.TemporaryDirectory(prefix="gatehouse-metadata-") as folder:
        file = Path(folder) / "metadata.xml"
        fetched = fetching.fetch(
            url, file, remembered=known, limit=xml.METADATA.size, timeout=fetching.SOON
        )
        if known is not None and not fetched.changed:
            return known
        entity = _read(source, entity_id, file, now=now)
    entity.etag, entity.last_modified = fetched.etag, fetched.last_modified
    storing.upsert(source, [entity])
    return source.entities.get(entity_id=entity_id)


def _read(source: MetadataSource, entity_id: str, file: Path, *, now: datetime) -> MetadataEntity:
    """The entity that was asked for and no other, with the earliest end that applies."""
    found = reading.read(
        file, file.with_suffix(".lines"), now=now, certificates=source.signing_certificates
    )
    storing.check_validity(source, found.valid_until, now=now)
    lines = list(found.lines())
    if [line.entity_id for line in lines] != [entity_id]:
        raise errors.InvalidMetadata(
            "other_entity", "The service answers with another entity than was asked for."
        )
    entity = storing.entity_of(source, lines[0], signed=found.outcome.signed)
    entity.valid_until = registration.earlier(entity.valid_until, found.valid_until)
    return entity
