"""Metadata that was refused, accepted after all: against what is in use now, not what was then.

It is no longer what waits, so nothing is taken for granted: its end has not passed, and what is
replaced is exactly what the administrator has looked at.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from federation.identity_provider import registration
from federation.identity_provider.metadata_sources import changes
from federation.models import MetadataProposal, ServiceProvider, Subscription
from federation.saml.metadata import service_provider
from idp import directory

State = MetadataProposal.State


def base_now(proposal: MetadataProposal, *, now: datetime) -> str:
    """A digest over what it would replace now. Raises InvalidMetadata if it has ended."""
    changes.check_end(proposal, now=now)
    provider = ServiceProvider.objects.get(pk=proposal.service_provider_id)
    metadata = service_provider.parse(
        proposal.document.encode(), now=now, entity_id=provider.entity_id
    )
    return changes.base_of(provider, registration.from_metadata(metadata))


def accept(proposal: MetadataProposal, *, seen: str, actor: str, now: datetime) -> bool:
    """Use what was refused; False if anything has changed since it was looked at.

    `seen`: what `base_now` said then. Raises InvalidMetadata.
    """
    pk = proposal.service_provider_id
    with transaction.atomic():
        changes.taken(pk)
        # Whoever else writes a service provider waits here, so that `seen` stays true.
        directory.bump()
        if base_now(proposal, now=now) != seen:
            return False
        if not proposal.decide(State.ACCEPTED, by=actor, at=now, instead_of=State.REFUSED):
            return False
        changes.take_over(proposal, actor=actor, now=now)
        rows = Subscription.objects.filter(pk=pk)
        if not rows.filter(digest=proposal.digest).update(changed_at=now, in_use=True):
            # Its source says something else by now: that is compared anew, and waits or is used.
            rows.update(changed_at=now, in_use=False, digest="")
    return True
