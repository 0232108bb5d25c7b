"""Rows that keep the service itself going: throttle buckets, jobs, what waits to be shown once."""

from __future__ import annotations

from django.db import models

from idp.models.identifiers import new_id
from idp.models.session import Session


class ThrottleBucket(models.Model):
    """One bucket of the generic cell rate algorithm: when the next try fits in.

    `arrival` is the theoretical arrival time in seconds since the epoch.
    """

    key = models.CharField(max_length=80, primary_key=True)
    arrival = models.FloatField()

    def __str__(self) -> str:
        return self.key


class Schedule(models.Model):
    """When a recurring job runs next; a conditional update of the row elects who runs it."""

    name = models.CharField(max_length=60, primary_key=True)
    next_at = models.DateTimeField()
    last_started_at = models.DateTimeField(null=True)
    last_finished_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=300, blank=True)

    def __str__(self) -> str:
        return self.name


class OneTimeValue(models.Model):
    """A sealed value for one session: a new secret until it is shown, a draft until it is done.

    Read by deleting it; what nobody fetches expires.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    session = models.ForeignKey(Session, models.CASCADE, related_name="+")
    purpose = models.CharField(max_length=20)
    about = models.UUIDField(null=True)
    sealed = models.BinaryField()
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.purpose} {self.id}"
