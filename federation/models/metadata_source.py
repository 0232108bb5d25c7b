"""Where metadata of service providers comes from, what came, and what waits for a yes."""

from __future__ import annotations

import zlib
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.db import models
from django.utils import timezone

from federation.models.service_provider import ServiceProvider
from idp.models.identifiers import new_id

# How long whoever reads a source has it alone.
LEASE = timedelta(minutes=20)


class MetadataSource(models.Model):
    """A document at an address, a file, or a service that answers for one entity at a time (MDQ).

    `signing_certificates`: pinned, PEM or base64 DER; a document counts only if one of these keys
    verifies it. Without any, TLS alone says who speaks, and every change waits for a yes.
    """

    class Kind(models.TextChoices):
        URL = "url", "A document at an address"
        MDQ = "mdq", "A metadata query service (MDQ): one entity at a time"
        FILE = "file", "A file"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=4, choices=Kind.choices, default=Kind.URL)
    url = models.CharField("address", max_length=1000, blank=True)
    signing_certificates = models.JSONField(default=list, blank=True)
    patterns = models.JSONField(default=list, blank=True)
    longest_validity_days = models.PositiveSmallIntegerField(
        "longest validity in days",
        null=True,
        blank=True,
        help_text=(
            "If given, metadata must say how long it is valid, and no longer than this."
            " Federations say so always (30 is usual), SaaS applications seldom."
        ),
    )
    by_digest = models.BooleanField(
        "ask by digest",
        default=False,
        help_text="MDQ only: ask for {sha1} and the digest of the entity ID instead of the ID.",
    )
    etag = models.CharField(max_length=300, blank=True, editable=False)
    last_modified = models.CharField(max_length=100, blank=True, editable=False)
    valid_until = models.DateTimeField(null=True, blank=True, editable=False)
    entity_count = models.PositiveIntegerField(default=0, editable=False)
    fetched_at = models.DateTimeField("last read", null=True, blank=True, editable=False)
    checked_at = models.DateTimeField(null=True, blank=True, editable=False)
    next_at = models.DateTimeField("next time", null=True, blank=True, editable=False)
    failures = models.PositiveSmallIntegerField(default=0, editable=False)
    error = models.CharField("last error", max_length=500, blank=True, editable=False)
    figures = models.JSONField(default=dict, editable=False)
    step = models.CharField(max_length=100, blank=True, editable=False)
    step_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = "metadata source"
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def is_busy(self) -> bool:
        """Whether somebody reads it now; who has not finished in time was cut off."""
        return self.step_at is not None and timezone.now() < self.step_at + LEASE

    @property
    def is_pinned(self) -> bool:
        """Whether only a good signature counts."""
        return bool(self.signing_certificates)

    @property
    def is_plain_http(self) -> bool:
        """Whether nothing protects what comes, but a signature: an allowed host without TLS."""
        return self.url.lower().startswith("http:")


class MetadataEntity(models.Model):
    """One service provider as a source describes it; deflated, since there are thousands."""

    id = models.BigAutoField(primary_key=True)
    source = models.ForeignKey(MetadataSource, models.CASCADE, related_name="entities")
    entity_id = models.CharField("entity ID", max_length=1024)
    display_name = models.CharField(max_length=200, blank=True)
    document = models.BinaryField()
    digest = models.CharField(max_length=64)
    signed = models.BooleanField(default=False)
    valid_until = models.DateTimeField(null=True)
    etag = models.CharField(max_length=300, blank=True)
    last_modified = models.CharField(max_length=100, blank=True)

    class Meta:
        ordering: ClassVar = ["entity_id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["source", "entity_id"], name="one_entity_per_source")
        ]

    def __str__(self) -> str:
        return self.display_name or self.entity_id

    @property
    def xml(self) -> bytes:
        """Its metadata as it was read."""
        return zlib.decompress(bytes(self.document))


class Subscription(models.Model):
    """A registered service provider that follows a source.

    `digest`: over what the source said last; the same again changes nothing, so that what an
    administrator has edited meanwhile stays. `in_use`: whether it was taken over.
    """

    service_provider = models.OneToOneField(
        ServiceProvider, models.CASCADE, primary_key=True, related_name="subscription"
    )
    source = models.ForeignKey(MetadataSource, models.CASCADE, related_name="subscriptions")
    digest = models.CharField(max_length=64, blank=True)
    signed = models.BooleanField(default=False)
    in_use = models.BooleanField(default=False)
    changed_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=500, blank=True)

    def __str__(self) -> str:
        return f"{self.service_provider_id} from {self.source_id}"


class MetadataProposal(models.Model):
    """New metadata of a service provider that waits for an administrator, or was decided.

    `digest`: over what it would change, so that a refusal holds when the same comes again.
    `base`: the same over what was in use then; empty where it is not known.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "waits"
        ACCEPTED = "accepted", "accepted"
        REFUSED = "refused", "refused"
        OVERTAKEN = "overtaken", "overtaken by newer metadata"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    service_provider = models.ForeignKey(
        ServiceProvider, models.CASCADE, related_name="metadata_proposals"
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    reason = models.CharField(max_length=200)
    document = models.TextField()
    digest = models.CharField(max_length=64)
    base = models.CharField(max_length=64, blank=True, db_default="")
    valid_until = models.DateTimeField(null=True)
    changes = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering: ClassVar = ["-created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["service_provider"],
                condition=models.Q(state="waiting"),
                name="one_waiting_proposal",
            )
        ]

    def __str__(self) -> str:
        return f"{self.service_provider_id}: {self.state}"

    def decide(self, state: str, *, by: str, at: datetime, instead_of: str = State.WAITING) -> bool:
        """Decide if nobody else has; whether it was this call."""
        rows: Any = MetadataProposal.objects.filter(pk=self.pk, state=instead_of)
        return bool(rows.update(state=state, decided_by=by, decided_at=at))
