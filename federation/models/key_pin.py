"""Which of our keys signs for a service provider (`KeyPin`), and whom we warned of what ends."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone

from federation.models.service_provider import ServiceProvider
from idp.models import SigningKey


class KeyPin(models.Model):
    """The key that signs for one service provider, and what shows that it knows the next one.

    A table of its own: whoever saves a service provider that was read a while ago must not move
    it back. Every writer sets its own columns, and nothing else.
    `signing_key`: None for the current one, as it is for a key that has retired.
    `fetched_kids`: the keys in what it last fetched from its metadata address, between spaces.
    """

    service_provider = models.OneToOneField(
        ServiceProvider, models.CASCADE, primary_key=True, related_name="key_pin"
    )
    signing_key = models.ForeignKey(SigningKey, models.SET_NULL, null=True, related_name="+")
    moved_at = models.DateTimeField(null=True)
    fetched_at = models.DateTimeField(null=True)
    fetched_kids = models.TextField(default="")
    fetched_from = models.GenericIPAddressField(null=True)
    fetched_with = models.CharField(max_length=200, default="")
    told_at = models.DateTimeField(null=True)
    told_kid = models.CharField(max_length=64, default="")
    told_by = models.CharField(max_length=150, default="")
    reminded_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["pk"]

    def __str__(self) -> str:
        return f"the key for {self.service_provider_id}"

    def has_fetched(self, kid: str) -> bool:
        """Whether what was last fetched held this key."""
        return kid in self.fetched_kids.split()


class ExpiryWarning(models.Model):
    """A warning that was sent: of one certificate, at one distance from its end."""

    key = models.CharField(max_length=100, primary_key=True)
    sent_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.key
