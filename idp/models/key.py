"""Signing keys: next, current, retired; OIDC's and SAML's apart."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone

from idp.models.identifiers import new_id


class SigningKey(models.Model):
    """One key pair; the private half is encrypted under the master key."""

    class Purpose(models.TextChoices):
        OIDC = "oidc", "OpenID Connect"
        SAML = "saml", "SAML"
        OIDC_ENCRYPTION = "oidc-enc", "OpenID Connect, encryption to us"
        SAML_ENCRYPTION = "saml-enc", "SAML, encryption to us"

    class State(models.TextChoices):
        NEXT = "next", "Next: published, not signing yet"
        CURRENT = "current", "Current: signs"
        RETIRED = "retired", "Retired: still published"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    purpose = models.CharField(max_length=10, choices=Purpose.choices)
    algorithm = models.CharField(max_length=20)
    kid = models.CharField("key ID", max_length=64, unique=True)
    state = models.CharField(max_length=8, choices=State.choices)
    public_jwk = models.JSONField(default=dict)
    private_key = models.BinaryField(editable=False)
    certificate = models.TextField(blank=True, help_text="X.509, PEM; SAML only.")
    created_at = models.DateTimeField(default=timezone.now)
    current_at = models.DateTimeField(null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["purpose", "algorithm", "-created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["purpose", "algorithm"],
                condition=models.Q(state="current"),
                name="one_current_key",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_purpose_display()} {self.algorithm} {self.kid[:12]}"


class StoredSecret(models.Model):
    """A random value of ours that must outlive the master key, encrypted under it."""

    name = models.CharField(max_length=40, primary_key=True)
    encrypted = models.BinaryField()
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name
