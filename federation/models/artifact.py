"""Responses that wait for the service provider to fetch them (`StoredArtifact`)."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import ClassVar

from django.db import connection, models

from idp.models import Application, Session
from idp.models.identifiers import db_id, db_instant, from_db_id


class StoredArtifactManager(models.Manager["StoredArtifact"]):
    """Gives what waits behind an artifact to one service provider, once."""

    def sweep(self, *, now: datetime) -> None:
        """Throw a few expired ones away: who asks much for artifacts does not fill the table."""
        lock = "" if connection.vendor == "sqlite" else " FOR UPDATE SKIP LOCKED"
        with connection.cursor() as cursor:
            cursor.execute(_SWEEP.format(lock=lock), [db_instant(now), SWEPT])

    def take(
        self, handle_hash: str, *, application_id: uuid.UUID, now: datetime
    ) -> tuple[bytes, uuid.UUID | None] | None:
        """What waits, gone with this call; of many at once exactly one gets it.

        With the session that it speaks of, if it speaks of one.
        None for everybody but the service provider that it was made for, once it has expired, and
        once the session that it speaks of has ended or its person was disabled.
        """
        with connection.cursor() as cursor:
            cursor.execute(_TAKE, [handle_hash, db_id(application_id), db_instant(now)])
            row = cursor.fetchone()
        if row is None:
            return None
        return bytes(row[0]), None if row[1] is None else from_db_id(row[1])


SWEPT = 10
_SWEEP = (
    "DELETE FROM federation_storedartifact WHERE handle_hash IN"
    " (SELECT handle_hash FROM federation_storedartifact WHERE expires_at <= %s LIMIT %s{lock})"
)
_TAKE = (
    "DELETE FROM federation_storedartifact"
    " WHERE handle_hash = %s AND application_id = %s AND expires_at > %s"
    " AND (session_id IS NULL OR EXISTS (SELECT 1 FROM idp_session s"
    " JOIN idp_user u ON u.id = s.user_id"
    " WHERE s.id = session_id AND s.ended_at IS NULL AND u.is_active))"
    " RETURNING sealed, session_id"
)


class StoredArtifact(models.Model):
    """A Response behind an artifact: sealed, for one service provider, for a minute at most.

    `session`: that of the person it speaks of, NULL for an error.
    """

    handle_hash = models.CharField(max_length=64, primary_key=True)
    application = models.ForeignKey(Application, models.CASCADE, related_name="+")
    session = models.ForeignKey(Session, models.CASCADE, null=True, related_name="+")
    sealed = models.BinaryField()
    expires_at = models.DateTimeField(db_index=True)

    objects: ClassVar[StoredArtifactManager] = StoredArtifactManager()

    def __str__(self) -> str:
        return self.handle_hash
