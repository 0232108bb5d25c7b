"""The audit trail (append only, sealed in batches) and the trace of sign-ins."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.utils import timezone

from idp.models.identifiers import new_id


class AuditEvent(models.Model):
    """One thing that happened: who, what, to which application, with what result. Never updated.

    `id` is given when the row is written, so a sealed range of identifiers stays complete.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    at = models.DateTimeField(default=timezone.now)
    action = models.CharField(max_length=60, db_index=True)
    result = models.CharField(max_length=10, default="success")
    reason = models.CharField(max_length=300, blank=True)
    user_id = models.UUIDField(null=True, blank=True, db_index=True)
    user_name = models.CharField(max_length=150, blank=True)
    actor = models.CharField(max_length=150, blank=True)
    application_id = models.UUIDField(null=True, blank=True)
    application_name = models.CharField(max_length=120, blank=True)
    session_id = models.UUIDField(null=True, blank=True)
    reference = models.CharField(max_length=20, blank=True, db_index=True)
    client_address = models.GenericIPAddressField(null=True, blank=True)
    user_agent = models.CharField(max_length=300, blank=True)
    request_id = models.CharField(max_length=40, blank=True)
    details = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"{self.action} {self.result}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Insert, never update: the trail is append only."""
        super().save(*args, **{**kwargs, "force_insert": True})


class AuditSeal(models.Model):
    """A batch of audit events under one hash that also covers the seal before it."""

    first_id = models.UUIDField()
    last_id = models.UUIDField()
    events = models.PositiveIntegerField()
    hash = models.BinaryField(max_length=32)
    sealed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["-pk"]

    def __str__(self) -> str:
        return f"seal {self.pk}"


class SignIn(models.Model):
    """One attempt to use an application, as an administrator reads it: reason and remedy.

    `trace` lists the checks: name, passed, expected, received; secrets masked.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    at = models.DateTimeField(default=timezone.now)
    reference = models.CharField(max_length=20, blank=True, db_index=True)
    protocol = models.CharField(max_length=10)
    result = models.CharField(max_length=10)
    error = models.CharField(max_length=80, blank=True)
    reason = models.CharField(max_length=300, blank=True)
    suggestion = models.CharField(max_length=500, blank=True)
    user_id = models.UUIDField(null=True, blank=True, db_index=True)
    user_name = models.CharField(max_length=150, blank=True)
    application_id = models.UUIDField(null=True, blank=True)
    application_name = models.CharField(max_length=120, blank=True)
    client_address = models.GenericIPAddressField(null=True, blank=True)
    user_agent = models.CharField(max_length=300, blank=True)
    received = models.JSONField(default=dict, blank=True)
    trace = models.JSONField(default=list, blank=True)

    class Meta:
        verbose_name = "sign-in"
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"{self.user_name or 'somebody'} to {self.application_name or 'unknown'}"
