"""What waits while a person signs in or consents (`Interaction`), and what they agreed to."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone

from idp.models.application import Application
from idp.models.identifiers import new_id
from idp.models.session import Session
from idp.models.user import User


class Interaction(models.Model):
    """A validated authorization request or AuthnRequest that waits for a person.

    The address carries `handle`, whose SHA-256 is stored; the row belongs to one browser
    (`browser_hash`, empty until a cross-site POST has come back as a GET).
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    handle_hash = models.BinaryField(max_length=32, unique=True)
    browser_hash = models.BinaryField(max_length=32, default=b"")
    kind = models.CharField(max_length=20, help_text="oidc, saml or local")
    application = models.ForeignKey(Application, models.CASCADE, null=True, related_name="+")
    requirement = models.JSONField(default=dict)
    request = models.JSONField(default=dict, help_text="The validated request, by its kind.")
    session = models.ForeignKey(Session, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    authenticated_at = models.DateTimeField(null=True)
    consented_at = models.DateTimeField(null=True)
    switched_at = models.DateTimeField(
        null=True, help_text="When the person said that somebody else wants to sign in."
    )
    refused = models.CharField(max_length=60, blank=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"


class Consent(models.Model):
    """What a person allowed an application to know and do, until they withdraw it."""

    user = models.ForeignKey(User, models.CASCADE, related_name="consents")
    application = models.ForeignKey(Application, models.CASCADE, related_name="consents")
    scopes = models.JSONField(default=list)
    claims = models.JSONField(default=list, help_text="Claims asked for one by one.")
    given_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar = ["-given_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "application"], name="one_consent_per_app")
        ]

    def __str__(self) -> str:
        return f"{self.user} to {self.application}"
