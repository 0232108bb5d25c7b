"""The OAuth half of an application (`Client`) and the APIs its tokens are for (`Resource`)."""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone

from idp.models.application import Application
from idp.models.identifiers import new_id

PUBLIC_METHOD = "none"
SECRET_METHODS = ("client_secret_basic", "client_secret_post")


class Resource(models.Model):
    """An API: its identifier is the audience of its access tokens (RFC 8707 §2)."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=120)
    identifier = models.CharField(
        max_length=500, unique=True, help_text="An absolute URI without fragment: the audience."
    )
    description = models.CharField(max_length=250, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = "API resource"
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name


class ResourceScope(models.Model):
    """One scope of an API, with the words that the consent page uses."""

    resource = models.ForeignKey(Resource, models.CASCADE, related_name="scopes")
    name = models.CharField(max_length=100)
    description = models.CharField(max_length=250, help_text="As in “It may …” on consent pages.")

    class Meta:
        verbose_name = "scope"
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["resource", "name"], name="one_scope_per_resource")
        ]

    def __str__(self) -> str:
        return self.name


class Client(models.Model):
    """OAuth client metadata (RFC 7591 §2, OIDC Registration §2) of one application."""

    class Pkce(models.TextChoices):
        REQUIRED = "required", "Always required"
        DEFAULT = "default", "Required, but for confidential clients that send a nonce"
        OPTIONAL = "optional", "Optional (confidential clients only)"

    application = models.OneToOneField(
        Application, models.CASCADE, primary_key=True, related_name="client"
    )
    client_id = models.CharField(max_length=100, unique=True, editable=False)
    secret_hash = models.BinaryField(max_length=32, default=b"", editable=False)
    secret_created_at = models.DateTimeField(null=True, editable=False)
    previous_secret_hash = models.BinaryField(max_length=32, default=b"", editable=False)
    previous_secret_created_at = models.DateTimeField(null=True, editable=False)
    previous_secret_expires_at = models.DateTimeField(null=True, editable=False)
    previous_secret_used_at = models.DateTimeField(null=True, editable=False)
    registration_token_hash = models.BinaryField(max_length=32, default=b"", editable=False)
    jwks = models.JSONField(
        "keys", default=dict, blank=True, help_text="Its public keys, a JWK set (RFC 7517)."
    )
    jwks_uri = models.CharField(
        "address of its keys",
        max_length=500,
        blank=True,
        help_text="Where its public keys are read, instead of keeping them here.",
    )
    token_endpoint_auth_method = models.CharField(max_length=40, default="client_secret_basic")
    token_endpoint_auth_signing_alg = models.CharField(max_length=10, blank=True)
    redirect_uris = models.JSONField(default=list, blank=True)
    post_logout_redirect_uris = models.JSONField(default=list, blank=True)
    grant_types = models.JSONField(default=list, blank=True)
    response_types = models.JSONField(default=list, blank=True)
    response_modes = models.JSONField(
        default=list, blank=True, help_text="How answers may reach it; none means any way."
    )
    scope = models.TextField(
        blank=True, help_text="Scopes it may ask for; empty means all that fit its resources."
    )
    subject_type = models.CharField(max_length=10, default="public")
    sector_identifier_uri = models.CharField(max_length=500, blank=True)
    id_token_signed_response_alg = models.CharField(max_length=10, default="RS256")
    id_token_encrypted_response_alg = models.CharField(max_length=20, blank=True)
    id_token_encrypted_response_enc = models.CharField(max_length=20, blank=True)
    userinfo_signed_response_alg = models.CharField(max_length=10, blank=True)
    userinfo_encrypted_response_alg = models.CharField(max_length=20, blank=True)
    userinfo_encrypted_response_enc = models.CharField(max_length=20, blank=True)
    request_object_signing_alg = models.CharField(max_length=10, blank=True)
    request_object_encryption_alg = models.CharField(max_length=20, blank=True)
    request_object_encryption_enc = models.CharField(max_length=20, blank=True)
    require_signed_request_object = models.BooleanField(default=False)
    request_uris = models.JSONField(default=list, blank=True)
    initiate_login_uri = models.CharField(max_length=500, blank=True)
    backchannel_logout_uri = models.CharField(max_length=500, blank=True)
    backchannel_logout_session_required = models.BooleanField(default=False)
    frontchannel_logout_uri = models.CharField(max_length=500, blank=True)
    frontchannel_logout_session_required = models.BooleanField(default=False)
    pkce = models.CharField(
        "proof key (PKCE)", max_length=10, choices=Pkce.choices, default=Pkce.DEFAULT
    )
    id_token_scope_claims = models.BooleanField(
        "profile in the ID token",
        default=False,
        help_text="Put the claims of the granted scopes into the ID token too.",
    )
    refresh_always = models.BooleanField(
        "refresh without offline_access",
        default=False,
        help_text="Issue refresh tokens although offline_access was not asked for.",
    )
    default_max_age = models.PositiveIntegerField(null=True, blank=True)
    require_auth_time = models.BooleanField(default=False)
    default_acr_values = models.JSONField(default=list, blank=True)
    resources = models.ManyToManyField(
        Resource, blank=True, related_name="clients", help_text="APIs it may ask tokens for."
    )
    introspects = models.ManyToManyField(
        Resource,
        blank=True,
        related_name="introspectors",
        help_text="APIs whose tokens it may introspect.",
    )
    metadata = models.JSONField(
        default=dict, blank=True, editable=False, help_text="Further registered metadata."
    )

    class Meta:
        ordering: ClassVar = ["application__name"]

    def __str__(self) -> str:
        return self.client_id

    @property
    def is_public(self) -> bool:
        """Whether it cannot keep a secret (RFC 6749 §2.1)."""
        return self.token_endpoint_auth_method == PUBLIC_METHOD

    @property
    def has_secret(self) -> bool:
        """Whether it proves itself with a secret (RFC 6749 §2.3.1)."""
        return self.token_endpoint_auth_method in SECRET_METHODS

    @property
    def is_native(self) -> bool:
        """Whether RFC 8252 applies: loopback ports vary, consent is always asked."""
        return self.application.profile == Application.Profile.NATIVE

    def clean(self) -> None:
        """What the database cannot say; the rest is `protocol.client_metadata`'s."""
        if self.is_public and self.pkce == self.Pkce.OPTIONAL:
            raise ValidationError({"pkce": "Only a confidential client may go without PKCE."})

    def as_dict(self) -> dict[str, Any]:
        """Registered values for display, never the secret."""
        return {"client_id": self.client_id, "redirect_uris": list(self.redirect_uris)}
