"""What administrators register (`Application`) and how claims are mapped for it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone

from idp.models.identifiers import new_id
from idp.models.user import Group
from idp.models.web_address import WebAddressField


class Application(models.Model):
    """One application; exactly one protocol half hangs on it: `client` or `service_provider`."""

    class Kind(models.TextChoices):
        WEB = "web", "Web application"
        SPA = "spa", "Single-page application"
        NATIVE = "native", "Native or command-line application"
        MACHINE = "machine", "Machine"
        SAML = "saml", "SAML application"

    class Profile(models.TextChoices):
        DEFAULT = "default", "Default"
        NATIVE = "native", "Native"
        MACHINE = "machine", "Machine"
        COMPATIBILITY = "compatibility", "Compatibility: tokens in the front channel"

    class Origin(models.TextChoices):
        ADMINISTRATOR = "administrator", "An administrator"
        COMMAND = "command", "The command line"
        DYNAMIC = "dynamic", "It registered itself"

    class Access(models.TextChoices):
        EVERYONE = "everyone", "Everyone with an account"
        GROUPS = "groups", "Only members of the groups below"
        NOBODY = "nobody", "Nobody"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=120)
    description = models.CharField(max_length=250, blank=True)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.WEB)
    profile = models.CharField(max_length=15, choices=Profile.choices, default=Profile.DEFAULT)
    enabled = models.BooleanField(
        default=True, help_text="A disabled application gets nothing, at any entry."
    )
    access = models.CharField(
        "who may use it", max_length=10, choices=Access.choices, default=Access.EVERYONE
    )
    allowed_groups = models.ManyToManyField(
        Group, blank=True, related_name="applications", help_text="For “only members of …”."
    )
    first_party = models.BooleanField(
        default=False, help_text="Belongs to you: people are not asked for consent."
    )
    launch_url = WebAddressField(
        "launch address",
        max_length=500,
        blank=True,
        help_text="Where people start it from their account page.",
    )
    contact = models.CharField(
        max_length=250, blank=True, help_text="Whom people ask about it: address or e-mail."
    )
    logo = models.BinaryField(blank=True, default=b"", editable=True)
    logo_type = models.CharField(max_length=20, blank=True, editable=False)
    origin = models.CharField(
        "registered by",
        max_length=15,
        choices=Origin.choices,
        default=Origin.ADMINISTRATOR,
        editable=False,
    )
    owner = models.CharField(
        max_length=150, blank=True, help_text="Who answers for it here: a person or a team."
    )
    keep = models.BooleanField(
        "keep though unused",
        default=False,
        help_text="Never removed for not being used, although it registered itself.",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def logo_url(self) -> str:
        """The path of the stored logo, with its version for caches, or an empty string."""
        if not self.logo_type:
            return ""
        version = int(self.updated_at.timestamp()) if self.updated_at else 0
        return f"/logo/{self.id.hex}?v={version}"


class ClaimMapping(models.Model):
    """One row of an application's claim mapping: claim ← source | transform | transform.

    What the columns may hold is decided by `idp.claims.mapping.parse_row`.
    """

    class Source(models.TextChoices):
        USER = "user", "Profile"
        ATTRIBUTE = "attribute", "Custom attribute"
        GROUPS = "groups", "Groups"
        SESSION = "session", "Session"
        APPLICATION = "application", "Application"
        CONSTANT = "constant", "Constant"

    application = models.ForeignKey(Application, models.CASCADE, related_name="mappings")
    position = models.PositiveIntegerField(default=0)
    claim = models.CharField("claim or attribute", max_length=256)
    source = models.CharField(max_length=12, choices=Source.choices, default=Source.USER)
    key = models.CharField(
        max_length=250, blank=True, help_text="Which field; for a constant its value."
    )
    transforms = models.JSONField(default=list, blank=True)
    to_id_token = models.BooleanField("ID token", default=False)
    to_userinfo = models.BooleanField("UserInfo", default=False)
    to_access_token = models.BooleanField("access token", default=False)
    to_saml = models.BooleanField("SAML", default=False)
    scope = models.CharField(
        max_length=100, blank=True, help_text="Only when this scope is granted."
    )
    name_format = models.CharField(max_length=100, blank=True)
    friendly_name = models.CharField(max_length=100, blank=True)

    class Meta:
        ordering: ClassVar = ["position", "pk"]

    def __str__(self) -> str:
        return f"{self.claim} ← {self.source} {self.key}".strip()


def validate_logo(data: bytes) -> str:
    """The media type of a logo: PNG, JPEG, GIF or WebP of at most 100 kB, told by its content."""
    if len(data) > 100_000:
        raise ValidationError("The logo must not be larger than 100 kB.")
    kinds: dict[str, Any] = {
        "image/png": data.startswith(b"\x89PNG\r\n\x1a\n"),
        "image/jpeg": data.startswith(b"\xff\xd8\xff"),
        "image/gif": data.startswith((b"GIF87a", b"GIF89a")),
        "image/webp": data[:4] == b"RIFF" and data[8:12] == b"WEBP",
    }
    for media_type, recognised in kinds.items():
        if recognised:
            return media_type
    raise ValidationError("The logo must be a PNG, JPEG, GIF or WebP image.")
