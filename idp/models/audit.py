"""The audit trail (append only, sealed in batches) and the trace of sign-ins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any, ClassVar

import orjson
from django.conf import settings
from django.db import connection, models, transaction
from django.utils import timezone

from idp.models.identifiers import db_id, db_instant, new_id


class AuditEventManager(models.Manager["AuditEvent"]):
    """Writes many rows at once, which is what issued tokens need."""

    def insert_many(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows given by column name; what is missing gets the field's default."""
        fields = self.model._meta.concrete_fields
        names = [field.attname for field in fields]
        defaults = {field.attname: field.get_default() for field in fields}
        in_order = itemgetter(*names)
        values = [in_order(_stored({**defaults, **row})) for row in rows]
        columns = ", ".join(names)
        with transaction.atomic(), connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                with cursor.copy(f"COPY idp_auditevent ({columns}) FROM STDIN") as copy:
                    for value in values:
                        copy.write_row(value)
            else:
                marks = ", ".join(["%s"] * len(names))
                cursor.executemany(
                    f"INSERT INTO idp_auditevent ({columns}) VALUES ({marks})",  # noqa: S608 (columns of the model)
                    values,
                )


def _stored(row: dict[str, Any]) -> dict[str, Any]:
    """One row's values as a statement written by hand takes them."""
    row["id"] = db_id(new_id())
    for name in ("user_id", "application_id", "session_id"):
        if row[name] is not None:
            row[name] = db_id(row[name])
    row["at"] = db_instant(row["at"])
    row["details"] = orjson.dumps(row["details"]).decode()
    return row


class AuditEvent(models.Model):
    """One thing that happened: who, what, to which application, with what result. Never updated.

    `id` is given when the row is written, so a sealed range of identifiers stays complete.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    at = models.DateTimeField(default=timezone.now)
    action = models.CharField(max_length=60)
    result = models.CharField(max_length=10, default="success")
    reason = models.CharField(max_length=300, blank=True)
    user_id = models.UUIDField(null=True, blank=True)
    user_name = models.CharField(max_length=150, blank=True)
    actor = models.CharField(max_length=150, blank=True)
    application_id = models.UUIDField(null=True, blank=True)
    application_name = models.CharField(max_length=120, blank=True)
    session_id = models.UUIDField(null=True, blank=True)
    reference = models.CharField(max_length=20, blank=True)
    client_address = models.GenericIPAddressField(null=True, blank=True)
    user_agent = models.CharField(max_length=300, blank=True)
    request_id = models.CharField(max_length=40, blank=True)
    details = models.JSONField(default=dict, blank=True)

    objects: ClassVar[AuditEventManager] = AuditEventManager()

    class Meta:
        ordering: ClassVar = ["-id"]
        # Issued tokens are most rows and are found by time: only the others are indexed.
        indexes: ClassVar = [
            models.Index(
                fields=["action", "id"],
                condition=~models.Q(action="token.issued"),
                name="audit_by_action",
            ),
            models.Index(
                fields=["user_id", "id"],
                condition=models.Q(user_id__isnull=False),
                name="audit_by_user",
            ),
            models.Index(
                fields=["reference"], condition=~models.Q(reference=""), name="audit_by_reference"
            ),
        ]

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

    `trace` lists the checks: name, passed, expected, received; `sent`: what was answered. Secrets
    are masked everywhere.
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
    sent = models.JSONField(
        default=dict, db_default=models.Value({}, models.JSONField()), blank=True
    )

    class Meta:
        verbose_name = "sign-in"
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"{self.user_name or 'somebody'} to {self.destination}"

    @property
    def destination(self) -> str:
        """Where the person wanted to go: an application, or our own pages."""
        own = settings.IDP.site_name if self.protocol == "local" else "an unknown application"
        return self.application_name or own
