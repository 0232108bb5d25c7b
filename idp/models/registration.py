"""Dynamic registration (RFC 7591): who may register, what a new client gets, whom we believe."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone

from idp.models.client import Client
from idp.models.identifiers import new_id


class RegistrationPolicy(models.Model):
    """The one policy: applied when a client registers itself and again whenever it changes."""

    class Mode(models.TextChoices):
        OFF = "off", "Off: nobody registers a client but administrators"
        TOKEN = "token", "With an initial access token"
        OPEN = "open", "Open: anybody, within the limits below"

    class Profile(models.TextChoices):
        DEFAULT = "default", "Default"
        COMPATIBILITY = "compatibility", "Compatibility: tokens in the front channel may be asked"

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    mode = models.CharField(max_length=5, choices=Mode.choices, default=Mode.OFF)
    profile = models.CharField(
        "profile of new clients",
        max_length=15,
        choices=Profile.choices,
        default=Profile.DEFAULT,
        help_text="Programs on people's devices get the profile Native, machines Machine.",
    )
    pkce = models.CharField(
        "proof key (PKCE) of new clients",
        max_length=10,
        choices=Client.Pkce.choices,
        default=Client.Pkce.DEFAULT,
    )
    machines = models.BooleanField(
        "machines may register", default=False, help_text="The grant client_credentials."
    )
    scope = models.TextField(
        "scopes",
        blank=True,
        help_text="Scopes that new clients may ask for; empty for those of OpenID Connect.",
    )
    allowed_hosts = models.JSONField(
        default=list,
        blank=True,
        help_text="Hosts of redirect addresses, *.example.org for all below; empty for any.",
    )
    statement_required = models.BooleanField("software statement required", default=False)
    per_hour = models.PositiveIntegerField(
        "registrations an hour",
        default=20,
        help_text="From one address range, while registration is open.",
    )
    unused_days = models.PositiveIntegerField(
        "days until unused clients are removed",
        default=90,
        help_text="Clients that registered themselves and have no live tokens; 0 keeps them.",
    )
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "registration policy"
        verbose_name_plural = "registration policy"
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(id=1), name="one_registration_policy")
        ]

    def __str__(self) -> str:
        return "Registration policy"


class InitialAccessToken(models.Model):
    """A token that lets its holder register clients (RFC 7591 §3); kept as its SHA-256."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=120, help_text="Whom it is given to, or what for.")
    token_hash = models.BinaryField(max_length=32, unique=True, editable=False)
    owner = models.CharField(
        max_length=150, blank=True, help_text="Who answers for the clients registered with it."
    )
    created_by = models.CharField(max_length=150, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    most_uses = models.PositiveIntegerField(
        null=True, blank=True, help_text="How many clients it may register; empty for any number."
    )
    uses = models.PositiveIntegerField(default=0, editable=False)
    last_used_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return self.name


class StatementIssuer(models.Model):
    """Somebody whose software statements are believed (RFC 7591 §2.3)."""

    issuer = models.CharField(max_length=500, unique=True, help_text="The statement's `iss`.")
    jwks = models.JSONField("keys", default=dict, blank=True, help_text="Its public JWK set.")
    jwks_uri = models.CharField("address of its keys", max_length=500, blank=True)
    enabled = models.BooleanField(default=True)

    class Meta:
        verbose_name = "software statement issuer"
        ordering: ClassVar = ["issuer"]

    def __str__(self) -> str:
        return self.issuer
