"""What was read from addresses of others, and identifiers that must not come twice."""

from __future__ import annotations

from django.db import models


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


class SpentIdentifier(models.Model):
    """A `jti` that was seen (RFC 7523 §3); its insertion makes it single-use."""

    key = models.CharField(max_length=64, primary_key=True)
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.key
