"""Rows that keep the service itself going: throttle buckets and the schedule of jobs."""

from __future__ import annotations

from django.db import models


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
