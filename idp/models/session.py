"""Sign-in sessions: who, proven how and when, and which applications took part."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from django.utils import timezone

from idp.models.application import Application
from idp.models.identifiers import new_id
from idp.models.user import User


class Session(models.Model):
    """One person signed in in one browser.

    The cookie holds a random token, the row its SHA-256. `authenticated_at`, `acr` and `amr`
    repeat the newest AuthenticationEvent, so that the authorization endpoint reads one row.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    token_hash = models.BinaryField(max_length=32, unique=True)
    user = models.ForeignKey(User, models.CASCADE, related_name="sessions")
    created_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(help_text="The absolute end.")
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=40, blank=True)
    authenticated_at = models.DateTimeField(default=timezone.now)
    acr = models.CharField(max_length=20, default="pwd")
    amr = models.JSONField(default=list)
    client_address = models.GenericIPAddressField(null=True, blank=True)
    user_agent = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"{self.user} since {self.created_at:%Y-%m-%d %H:%M}"


class AuthenticationEvent(models.Model):
    """One proof that a person gave in a session: factor, methods (RFC 8176), when."""

    session = models.ForeignKey(Session, models.CASCADE, related_name="events")
    at = models.DateTimeField(default=timezone.now)
    factor = models.CharField(max_length=20)
    amr = models.JSONField(default=list)
    acr = models.CharField(max_length=20)
    interaction_id = models.UUIDField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-at"]

    def __str__(self) -> str:
        return f"{self.factor} {self.at:%Y-%m-%d %H:%M}"


class Participant(models.Model):
    """An application that got a token or assertion in a session: the logout ledger.

    `id` is its `sid` (OIDC) or SessionIndex (SAML): random, so applications cannot correlate.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    session = models.ForeignKey(Session, models.CASCADE, related_name="participants")
    application = models.ForeignKey(Application, models.CASCADE, related_name="participants")
    created_at = models.DateTimeField(default=timezone.now)
    last_at = models.DateTimeField(default=timezone.now)
    name_id = models.CharField(max_length=300, blank=True)
    name_id_format = models.CharField(max_length=100, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["session", "application"], name="one_participant_per_session"
            )
        ]

    def __str__(self) -> str:
        return f"{self.application} in {self.session_id}"


class KnownDevice(models.Model):
    """A browser in which a person has signed in before: it has a throttle bucket of its own."""

    token_hash = models.BinaryField(max_length=32)
    user = models.ForeignKey(User, models.CASCADE, related_name="devices")
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["token_hash", "user"], name="one_device_per_user")
        ]

    def __str__(self) -> str:
        return f"device of {self.user}"
