"""What was read from addresses of others, and identifiers that must not come twice."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import ClassVar

from django.db import connection, models

from idp.models.identifiers import db_instant


class RemoteDocument(models.Model):
    """The last good copy of a document at a registered address (a client's key set), and its state.

    `attempted_at` also limits how often anybody makes us ask again.
    """

    url = models.CharField(max_length=500, primary_key=True)
    document = models.JSONField(null=True)
    fetched_at = models.DateTimeField(null=True)
    attempted_at = models.DateTimeField()
    error = models.CharField(max_length=300, blank=True)

    def __str__(self) -> str:
        return self.url


class SpentIdentifierManager(models.Manager["SpentIdentifier"]):
    """Takes an identifier once."""

    def spend(self, *parts: str, expires_at: datetime) -> bool:
        """Whether nobody has spent this before: one INSERT. `parts`: whose, and which."""
        key = hashlib.sha256("\0".join(parts).encode()).hexdigest()
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO idp_spentidentifier (key, expires_at) VALUES (%s, %s)"
                " ON CONFLICT (key) DO NOTHING",
                [key, db_instant(expires_at)],
            )
            return bool(cursor.rowcount)


class SpentIdentifier(models.Model):
    """A `jti` that was seen (RFC 7523 §3); its insertion makes it single-use."""

    key = models.CharField(max_length=64, primary_key=True)
    expires_at = models.DateTimeField(db_index=True)

    objects: ClassVar[SpentIdentifierManager] = SpentIdentifierManager()

    def __str__(self) -> str:
        return self.key
