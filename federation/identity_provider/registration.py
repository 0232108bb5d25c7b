"""Registering a service provider: by its metadata, or by entity ID and one address alone.

The command and the administration call the same functions. Registering an entity ID again
updates what its metadata says and leaves what administrators chose.
"""

from __future__ import annotations

import copy
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.db import IntegrityError, transaction
from django.utils import timezone

from federation.identity_provider import name_ids
from federation.models import ServiceProvider
from federation.saml import errors, vocabulary
from federation.saml.metadata import endpoint, service_provider
from idp import audit, directory
from idp.models import Application

MAX_ENTITY_ID = 1_024
MAX_NAME = 120
# A scheme and no white space: enough to tell a name from a URI.
URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")
NO_URI = (
    "The entity ID is not a URI, which SAML asks for (Core §8.3.6): compare it letter by letter"
    " with what the application calls itself."
)


@dataclass(frozen=True)
class Registered:
    """The outcome: the row, whether it is new, and sentences for the administrator."""

    service_provider: ServiceProvider
    created: bool
    warnings: tuple[str, ...] = ()


def register_from_metadata(
    xml: bytes,
    *,
    entity_id: str | None = None,
    name: str = "",
    actor: str = "",
    origin: str = Application.Origin.ADMINISTRATOR,
    valid_until: datetime | None = None,
) -> Registered:
    """Register or update the service provider that `xml` describes (SAML Metadata §2.4.4).

    `entity_id`: which one, where the document holds several. `valid_until`: the end that what
    holds the document says, beside its own.
    Raises InvalidMetadata (its description is for the administrator) or SeveralEntities.
    """
    metadata = service_provider.parse(xml, now=timezone.now(), entity_id=entity_id)
    values = {**from_metadata(metadata), "metadata_xml": xml.decode("utf-8", "replace")}
    values["metadata_valid_until"] = earlier(metadata.valid_until, valid_until)
    return _save(
        metadata.entity_id,
        values,
        name=name,
        title=metadata.display_name,
        actor=actor,
        origin=origin,
        warnings=metadata.warnings,
    )


def register(
    entity_id: str,
    acs_url: str,
    *,
    name: str = "",
    actor: str = "",
    origin: str = Application.Origin.ADMINISTRATOR,
) -> Registered:
    """Register or update a service provider of which only two addresses are known.

    Its AuthnRequests are not verified and assertions not encrypted: no keys are known. An entity
    ID that is no URI is warned of. Raises InvalidMetadata.
    """
    entity_id = entity_id.strip()
    if not 0 < len(entity_id) <= MAX_ENTITY_ID or not entity_id.isprintable():
        raise errors.InvalidMetadata("entity_id", "The entity ID is empty, too long or unprintable")
    url = endpoint.check(acs_url.strip(), what="The assertion consumer service")
    service = {"url": url, "binding": vocabulary.POST, "index": 0, "is_default": True}
    values = {"assertion_consumer_services": [service]}
    return _save(
        entity_id,
        values,
        name=name,
        actor=actor,
        origin=origin,
        warnings=entity_id_warnings(entity_id),
    )


def entity_id_warnings(entity_id: str) -> tuple[str, ...]:
    """An entity ID is a URI (SAML Core §8.3.6); products that use another string exist."""
    return () if URI.fullmatch(entity_id) else (NO_URI,)


def register_columns(
    entity_id: str, values: Mapping[str, Any], *, name: str, actor: str
) -> Registered:
    """Register or update a service provider whose columns are known already, and checked.

    Raises InvalidMetadata.
    """
    return _save(entity_id, values, name=name, actor=actor, origin=Application.Origin.ADMINISTRATOR)


def from_metadata(metadata: service_provider.ServiceProviderMetadata) -> dict[str, Any]:
    """The columns of a ServiceProvider that its metadata decides."""
    return {
        "assertion_consumer_services": _rows(metadata.assertion_consumer_services),
        "signing_certificates": list(metadata.signing_certificates),
        "encryption_certificates": list(metadata.encryption_certificates),
        "encryption_methods": _rows(metadata.encryption_methods),
        "name_id_formats": list(metadata.name_id_formats),
        "single_logout_services": _rows(metadata.single_logout_services),
        "requested_attributes": _rows(metadata.requested_attributes),
        "attribute_consuming_services": _rows(metadata.attribute_consuming_services),
        "entity_attributes": _rows(metadata.entity_attributes),
        "want_authn_requests_signed": metadata.authn_requests_signed,
        "contacts": _rows(metadata.contacts),
        "metadata_valid_until": metadata.valid_until,
    }


def drafted(
    entity_id: str, values: Mapping[str, Any], existing: ServiceProvider | None
) -> ServiceProvider:
    """The service provider as registering would make it; nothing is saved."""
    row = copy.copy(existing) if existing else _drafted(entity_id, values)
    _take(row, values)
    return row


def _drafted(entity_id: str, values: Mapping[str, Any]) -> ServiceProvider:
    return ServiceProvider(
        application=Application(kind=Application.Kind.SAML),
        entity_id=entity_id,
        slug=slug(entity_id),
        default_name_id_format=_first_format(values.get("name_id_formats", ())),
    )


def earlier(first: datetime | None, second: datetime | None) -> datetime | None:
    """The earlier of two ends, either of which may not be said."""
    return min((one for one in (first, second) if one is not None), default=None)


def _rows(values: Any) -> list[dict[str, Any]]:
    return [asdict(value) for value in values]


def _save(
    entity_id: str,
    values: Mapping[str, Any],
    *,
    name: str,
    title: str = "",
    actor: str,
    origin: str,
    warnings: tuple[str, ...] = (),
) -> Registered:
    """Create or update; of two that create the same one at once, one becomes an update.

    `name`: the administrator's wish. `title`: what a new one is called without it.
    """
    words = {"name": name, "title": title, "actor": actor, "origin": origin}
    try:
        row, created = _write(entity_id, values, **words)
    except IntegrityError:
        row, created = _write(entity_id, values, **words)
    return Registered(row, created, warnings)


@transaction.atomic
def _write(
    entity_id: str, values: Mapping[str, Any], *, name: str, title: str, actor: str, origin: str
) -> tuple[ServiceProvider, bool]:
    # First of all, so that two writers wait for each other here, and never across two rows.
    directory.bump()
    existing = (
        ServiceProvider.objects.select_for_update(of=("self",))
        .select_related("application")
        .filter(entity_id=entity_id)
        .first()
    )
    row = existing or _new(entity_id, values, name=name or title, origin=origin)
    if existing is not None and name:
        row.application.name = _one_line(name) or row.application.name
        row.application.save()
    _take(row, values)
    row.save()
    audit.record(
        "application.changed" if existing else "application.created",
        application=row.application,
        actor=actor,
        details={"entity_id": entity_id, "by": "SAML metadata or addresses"},
    )
    return row, existing is None


def _take(row: ServiceProvider, values: Mapping[str, Any]) -> None:
    """Set what the metadata says; it never switches a demand of ours off (SAML Metadata §2.4.4)."""
    demanded = row.want_authn_requests_signed
    for field, value in values.items():
        setattr(row, field, value)
    row.want_authn_requests_signed = row.want_authn_requests_signed or demanded


def _new(entity_id: str, values: Mapping[str, Any], *, name: str, origin: str) -> ServiceProvider:
    _check_namespace(entity_id)
    application = Application.objects.create(
        name=_one_line(name) or _host(entity_id, values)[:MAX_NAME],
        kind=Application.Kind.SAML,
        origin=origin,
    )
    return ServiceProvider(
        application=application,
        entity_id=entity_id,
        slug=slug(entity_id),
        default_name_id_format=_first_format(values.get("name_id_formats", ())),
    )


def _check_namespace(entity_id: str) -> None:
    """A group has a name of its own: its persistent NameIDs would be the newcomer's."""
    if ServiceProvider.objects.filter(name_qualifier=entity_id).exists():
        raise errors.InvalidMetadata(
            "affiliation", "This entity ID is the affiliation of applications that are registered."
        )


def _one_line(name: str) -> str:
    """A name as pages can show it; metadata is often indented."""
    return " ".join(name.split())[:MAX_NAME]


def _first_format(listed: Iterable[str]) -> str:
    """The first format of the metadata that says something and that we can give."""
    for one in listed:
        if one in name_ids.SUPPORTED and one != vocabulary.UNSPECIFIED:
            return one
    return vocabulary.PERSISTENT


def _host(entity_id: str, values: Mapping[str, Any]) -> str:
    services = values["assertion_consumer_services"]
    return urlsplit(services[0]["url"]).hostname or entity_id


def slug(entity_id: str) -> str:
    """The last part of its metadata URL: stable, and the same wherever it is registered."""
    return hashlib.sha256(entity_id.encode()).hexdigest()[:20]
