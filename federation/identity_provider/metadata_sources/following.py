"""Registered service providers that follow a source: how it begins and how it ends."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from django.db import transaction

from federation.identity_provider.metadata_sources import fetching, reading
from federation.models import MetadataSource, ServiceProvider, Subscription
from federation.saml import xml
from idp import audit


def fetch(url: str, *, certificates: Sequence[str], now: datetime) -> bytes:
    """The document at an address, verified if a key is pinned; at most 1 MB.

    Raises NotFetched, InvalidMetadata.
    """
    with tempfile.TemporaryDirectory(prefix="gatehouse-metadata-") as folder:
        file = Path(folder) / "metadata.xml"
        fetching.fetch(url, file, limit=xml.METADATA.size, timeout=fetching.SOON)
        reading.read(file, file.with_suffix(".lines"), now=now, certificates=certificates)
        return file.read_bytes()


def address(url: str, certificates: Sequence[str], *, now: datetime) -> MetadataSource:
    """The source at an address with these keys: the one there is, or a new one, due now."""
    known = MetadataSource.objects.filter(url=url, kind=MetadataSource.Kind.URL)
    for source in known:
        if list(source.signing_certificates) == list(certificates):
            return source
    return MetadataSource.objects.create(
        name=(urlsplit(url).hostname or url)[:120],
        url=url,
        signing_certificates=list(certificates),
        next_at=now,
    )


@transaction.atomic
def subscribe(provider: ServiceProvider, source: MetadataSource, *, actor: str) -> None:
    """Let a service provider follow a source, and no other."""
    Subscription.objects.update_or_create(
        service_provider=provider,
        defaults={
            "source": source,
            "signed": source.is_pinned,
            "digest": "",
            "error": "",
        },
    )
    _record("metadata.followed", provider, source, actor=actor)


@transaction.atomic
def unsubscribe(subscription: Subscription, *, actor: str) -> None:
    """Keep what is known, and ask no more."""
    provider, source = subscription.service_provider, subscription.source
    subscription.delete()
    _record("metadata.unfollowed", provider, source, actor=actor)


def _record(action: str, provider: ServiceProvider, source: MetadataSource, *, actor: str) -> None:
    audit.record(
        action,
        application=provider.application,
        actor=actor,
        details={"source": source.name, "url": source.url},
    )
