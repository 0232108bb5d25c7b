"""The audit trail (append only, sealed in batches) and the trace of sign-ins."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import chain
from operator import itemgetter
from typing import Any, ClassVar

import orjson
from django.conf import settings
from django.db import connection, models, transaction
from django.utils import timezone

from idp.models import statement
from idp.models.identifiers import db_id, db_instant, new_id, new_ids

ROWS_A_STATEMENT = (32, 16, 8, 4, 2, 1)  # SQLite 3.31 takes 999 parameters


class AuditEventManager(models.Manager["AuditEvent"]):
    """Writes many rows at once, which is what issued tokens need."""

    def insert_many(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows given by column name; what is missing gets the field's default.

        On SQLite many rows are one statement: it gives up the interpreter each time that it runs,
        and getting that back under load costs more than the row.
        """
        names, defaults = _columns()
        missing = {**defaults, "at": timezone.now()}
        in_order = itemgetter(*names)
        values = [
            in_order(_stored({**missing, **row}, identifier))
            for row, identifier in zip(rows, new_ids(len(rows)), strict=True)
        ]
        with transaction.atomic():
            if connection.vendor == "postgresql":
                _copy(names, values)
            else:
                _insert(names, values)


def _copy(names: tuple[str, ...], values: Sequence[Sequence[Any]]) -> None:
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY idp_auditevent ({', '.join(names)}) FROM STDIN") as copy,
    ):
        for row in values:
            copy.write_row(row)


def _insert(names: tuple[str, ...], values: Sequence[Sequence[Any]]) -> None:
    start = 0
    for size in ROWS_A_STATEMENT:
        sql = _insertion(names, size)
        while len(values) - start >= size:
            statement.run(sql, list(chain.from_iterable(values[start : start + size])))
            start += size


@cache
def _insertion(names: tuple[str, ...], rows: int) -> str:
    row = f"({', '.join(['%s'] * len(names))})"
    marks = ", ".join([row] * rows)
    return f"INSERT INTO idp_auditevent ({', '.join(names)}) VALUES {marks}"  # noqa: S608 (columns of the model)


@cache
def _columns() -> tuple[tuple[str, ...], dict[str, Any]]:
    """The columns, and what each has where a row says nothing."""
    fields = AuditEvent._meta.concrete_fields
    return (
        tuple(field.attname for field in fields),
        {field.attname: field.get_default() for field in fields},
    )


def _stored(row: dict[str, Any], identifier: uuid.UUID) -> dict[str, Any]:
    """One row's values as a statement written by hand takes them."""
    row["id"] = db_id(identifier)
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
