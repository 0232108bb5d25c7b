"""What newer metadata changes: taken over silently, or shown to an administrator first.

Silently only if a pinned key signed it, the application is not marked as one whose changes wait,
and nothing gets weaker. Everything else that it says (keys, addresses, formats, attributes) becomes
a proposal; the last good metadata stays in use meanwhile, until it ends.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from federation.identity_provider import registration
from federation.models import MetadataProposal, ServiceProvider, Subscription
from federation.saml import errors
from federation.saml.metadata import service_provider
from idp import audit, directory

State = MetadataProposal.State
ACTOR = "metadata refresh"
VALIDITY = "metadata_valid_until"
# A list of these that becomes empty takes a protection away.
PROTECTING = ("signing_certificates", "encryption_certificates")

UNSIGNED = "No pinned key signed it: only TLS says where it comes from."
UNPROTECTED = "No pinned key signed it, and it came by plain http: anybody may have written it."
SENSITIVE = "Changes of this application's metadata wait for an administrator."
WEAKER = "It would take all keys of a kind away."


@dataclass(frozen=True, slots=True)
class Found:
    """One service provider as its source describes it now.

    `valid_until`: what holds the document says. `signed`: a pinned key verified it. `plain_http`:
    it came without TLS.
    """

    document: bytes
    signed: bool
    valid_until: datetime | None
    plain_http: bool = False


def take(subscription: Subscription, found: Found, *, now: datetime) -> None:
    """Follow what the source says of a registered service provider. Raises InvalidMetadata."""
    provider = subscription.service_provider
    metadata = service_provider.parse(found.document, now=now, entity_id=provider.entity_id)
    ends = registration.earlier(metadata.valid_until, found.valid_until)
    if ends is not None and ends <= now:
        raise errors.InvalidMetadata(
            "valid_until", f"The metadata of its source was valid until {ends:%Y-%m-%d %H:%M}."
        )
    values = registration.from_metadata(metadata)
    with transaction.atomic():
        known = taken(subscription.pk)
        if known is None:
            return
        provider = ServiceProvider.objects.get(pk=provider.pk)
        digest = digest_of(values)
        if (known.digest, known.signed) == (digest, found.signed):
            if known.in_use:
                _extend(provider, ends)
            Subscription.objects.filter(pk=known.pk).exclude(error="").update(error="")
            return
        in_use = _follow(provider, found, values, ends, now=now)
        Subscription.objects.filter(pk=known.pk).update(
            digest=digest, signed=found.signed, in_use=in_use, error=""
        )


def taken(pk: Any) -> Subscription | None:
    """The subscription with nobody else at it; always before the version row and the provider.

    None if it was ended meanwhile.
    """
    return Subscription.objects.select_for_update(of=("self",)).filter(pk=pk).first()


def _follow(
    provider: ServiceProvider,
    found: Found,
    values: Mapping[str, Any],
    ends: datetime | None,
    *,
    now: datetime,
) -> bool:
    """Whether what the source says is in use now."""
    changed = changes(provider, values)
    if not changed:
        _overtake(provider, now=now)
        _extend(provider, ends)
        return True
    reason = why_it_waits(provider, values, found=found)
    if reason:
        _propose(provider, found, values, changed, ends, reason=reason, now=now)
        return False
    _overtake(provider, now=now)
    registration.register_from_metadata(
        found.document, entity_id=provider.entity_id, actor=ACTOR, valid_until=ends
    )
    Subscription.objects.filter(pk=provider.pk).update(changed_at=now)
    record("metadata.applied", provider, changed, actor=ACTOR)
    return True


def changes(provider: ServiceProvider, values: Mapping[str, Any]) -> list[str]:
    """The names of the columns that metadata would change; its end is none of them.

    A demand for signatures is never switched off by metadata, so its absence changes nothing.
    """
    return [
        name
        for name, value in values.items()
        if name != VALIDITY
        and not (name == "want_authn_requests_signed" and not value)
        and _plain(getattr(provider, name)) != _plain(value)
    ]


def why_it_waits(provider: ServiceProvider, values: Mapping[str, Any], *, found: Found) -> str:
    """The first reason why an administrator has to say yes; empty if there is none."""
    if not found.signed:
        return UNPROTECTED if found.plain_http else UNSIGNED
    if provider.changes_wait:
        return SENSITIVE
    if any(getattr(provider, name) and not values.get(name) for name in PROTECTING):
        return WEAKER
    return ""


def _propose(
    provider: ServiceProvider,
    found: Found,
    values: Mapping[str, Any],
    changed: list[str],
    ends: datetime | None,
    *,
    reason: str,
    now: datetime,
) -> None:
    digest = digest_of(values)
    latest = provider.metadata_proposals.first()
    if latest is not None and latest.digest == digest and latest.state == State.REFUSED:
        return
    if latest is not None and latest.digest == digest and latest.state == State.WAITING:
        latest.document = found.document.decode()
        latest.valid_until = ends
        latest.base = base_of(provider, values)
        latest.save(update_fields=["document", "valid_until", "base"])
        return
    _overtake(provider, now=now)
    MetadataProposal.objects.create(
        service_provider=provider,
        reason=reason,
        document=found.document.decode(),
        digest=digest,
        base=base_of(provider, values),
        valid_until=ends,
        changes=changed,
        created_at=now,
    )
    record("metadata.proposed", provider, changed, actor=ACTOR, reason=reason)


def digest_of(values: Mapping[str, Any]) -> str:
    """A digest over what metadata says, but for its end, which changes every time."""
    said = {name: value for name, value in values.items() if name != VALIDITY}
    return hashlib.sha256(_plain(said).encode()).hexdigest()


def base_of(provider: ServiceProvider, values: Mapping[str, Any]) -> str:
    """The same digest over what is in use now, which metadata would change."""
    return digest_of({name: getattr(provider, name) for name in values})


def _plain(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _overtake(provider: ServiceProvider, *, now: datetime) -> None:
    """What waited is no longer what the source says."""
    waiting = provider.metadata_proposals.filter(state=State.WAITING)
    waiting.update(state=State.OVERTAKEN, decided_at=now)


def _extend(provider: ServiceProvider, ends: datetime | None) -> None:
    """The same again: only its end moves."""
    if provider.metadata_valid_until != ends:
        directory.bump()
        ServiceProvider.objects.filter(pk=provider.pk).update(metadata_valid_until=ends)


def accept(proposal: MetadataProposal, *, actor: str, now: datetime) -> bool:
    """Take a proposal over; False if somebody else was faster. Raises InvalidMetadata."""
    with transaction.atomic():
        taken(proposal.service_provider_id)
        if not proposal.decide(State.ACCEPTED, by=actor, at=now):
            return False
        take_over(proposal, actor=actor, now=now)
        rows = Subscription.objects.filter(pk=proposal.service_provider_id)
        rows.update(changed_at=now, in_use=True)
    return True


def take_over(proposal: MetadataProposal, *, actor: str, now: datetime) -> None:
    """Use what a proposal says, which is decided by now. Raises InvalidMetadata."""
    check_end(proposal, now=now)
    provider = proposal.service_provider
    registration.register_from_metadata(
        proposal.document.encode(),
        entity_id=provider.entity_id,
        actor=actor,
        valid_until=proposal.valid_until,
    )
    record("metadata.accepted", provider, proposal.changes, actor=actor)


def check_end(proposal: MetadataProposal, *, now: datetime) -> None:
    """Metadata is used until its end, that of what held it too (SAML Metadata §2.3.1)."""
    ends = proposal.valid_until
    if ends is not None and ends <= now:
        raise errors.InvalidMetadata(
            "valid_until", f"The metadata was valid until {ends:%Y-%m-%d %H:%M}: ask for newer."
        )


def refuse(proposal: MetadataProposal, *, actor: str, now: datetime) -> bool:
    """Leave everything as it is, now and when the same comes again."""
    with transaction.atomic():
        taken(proposal.service_provider_id)
        if not proposal.decide(State.REFUSED, by=actor, at=now):
            return False
        record("metadata.refused", proposal.service_provider, proposal.changes, actor=actor)
    return True


def record(
    action: str, provider: ServiceProvider, changed: list[str], *, actor: str, reason: str = ""
) -> None:
    audit.record(
        action,
        application=provider.application,
        actor=actor,
        reason=reason,
        details={"entity_id": provider.entity_id, "changes": changed},
    )
