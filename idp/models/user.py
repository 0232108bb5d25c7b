"""People (`User`) and the groups they belong to."""

from __future__ import annotations

import re
import unicodedata
import uuid
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone

from idp.models.identifiers import new_id
from idp.models.web_address import WebAddressField

NAME_RULE = RegexValidator(
    r"^[^\s\x00-\x1f\x7f<>\"'\\]+\Z", "No spaces, quotes, angle brackets or control characters."
)

# RFC 5646 §2.1, without the subtags of four to eight letters that no language has.
LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*", re.ASCII)


def canonical(name: str) -> str:
    """The form under which a name or address is unique: NFC, case folded."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name.strip()).casefold())


class Group(models.Model):
    """A named set of people; applications may be open to groups, claims may carry them."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=150)
    name_key = models.CharField(max_length=300, unique=True, editable=False)
    description = models.CharField(max_length=250, blank=True)

    class Meta:
        ordering: ClassVar = ["name"]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.name_key = canonical(self.name)
        super().save(*args, **kwargs)

    def clean(self) -> None:
        """Keep the canonical key in step, so that a form reports a duplicate."""
        self.name_key = canonical(self.name)
        if Group.objects.filter(name_key=self.name_key).exclude(pk=self.pk).exists():
            raise ValidationError({"name": "A group of this name already exists."})


class UserManager(BaseUserManager["User"]):
    """Finds people by what they type."""

    def by_login(self, login: str) -> User | None:
        """The person whose name or e-mail address this is, whatever the case."""
        key = canonical(login)
        if not key or len(key) > 300 or "\x00" in key:
            return None
        return self.filter(models.Q(username_key=key) | models.Q(email_key=key)).first()

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(username_key=canonical(username or ""))

    def create_user(self, username: str, *, email: str, password: str = "", **fields: Any) -> User:
        """Create a person after full validation; an empty password means none can sign in."""
        user = self.model(username=username, email=email, **fields)
        if password:
            user.set_password(password)
        else:
            user.set_unusable_password()
        user.full_clean()
        user.save(using=self._db)
        return user


class User(AbstractBaseUser):
    """A person who can sign in; the fields are the standard claims of OIDC Core §5.1.

    `id` is the subject identifier (`sub`): stable, never reassigned (OIDC Core §2).
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    username = models.CharField("user name", max_length=150, validators=[NAME_RULE])
    username_key = models.CharField(max_length=300, unique=True, editable=False)
    email = models.EmailField("e-mail address", max_length=254, blank=True)
    email_key = models.CharField(max_length=300, unique=True, null=True, editable=False)  # noqa: DJ001 (NULL: many people without an address)
    email_verified = models.BooleanField(default=False)
    name = models.CharField("full name", max_length=200, blank=True)
    given_name = models.CharField(max_length=100, blank=True)
    family_name = models.CharField(max_length=100, blank=True)
    middle_name = models.CharField(max_length=100, blank=True)
    nickname = models.CharField(max_length=100, blank=True)
    profile = WebAddressField("profile page", max_length=500, blank=True)
    picture = WebAddressField(max_length=500, blank=True)
    website = WebAddressField(max_length=500, blank=True)
    gender = models.CharField(max_length=40, blank=True)
    birthdate = models.CharField(
        max_length=10,
        blank=True,
        help_text="YYYY-MM-DD, or 0000-MM-DD without the year, or YYYY alone.",
        validators=[RegexValidator(r"^(\d{4}-\d{2}-\d{2}|\d{4})\Z", "Use YYYY-MM-DD or YYYY.")],
    )
    zoneinfo = models.CharField("time zone", max_length=60, blank=True, help_text="Europe/Berlin")
    locale = models.CharField("language", max_length=35, blank=True, help_text="en-GB, de")
    phone_number = models.CharField(
        max_length=20,
        blank=True,
        help_text="With country code: +49 30 1234567 is written +49301234567.",
        validators=[RegexValidator(r"^\+[1-9]\d{5,14}\Z", "Use E.164: + and 6 to 15 digits.")],
    )
    phone_number_verified = models.BooleanField(default=False)
    address = models.JSONField(
        default=dict,
        blank=True,
        help_text="An object with street_address, locality, region, postal_code, country.",
    )
    attributes = models.JSONField(
        "custom attributes",
        default=dict,
        blank=True,
        help_text='An object of your own, for claim mappings: {"department": "Sales"}.',
    )
    groups = models.ManyToManyField(Group, blank=True, related_name="members")
    is_active = models.BooleanField(
        "enabled", default=True, help_text="Disabling ends everything of this person at once."
    )
    is_superuser = models.BooleanField(
        "administrator", default=False, help_text="May use this administration."
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar = ["email"]

    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        verbose_name = "person"
        verbose_name_plural = "people"
        ordering: ClassVar = ["username_key"]

    def __str__(self) -> str:
        return self.username

    def save(self, *args: Any, **kwargs: Any) -> None:
        self._canonicalise()
        super().save(*args, **kwargs)

    def clean(self) -> None:
        """Normalise names and refuse those that somebody else could sign in with."""
        self._canonicalise()
        if "@" in self.username and self.username_key != self.email_key:
            raise ValidationError({"username": "With an @ it must be the own e-mail address."})
        others = User.objects.exclude(pk=self.pk)
        if others.filter(username_key=self.username_key).exists():
            raise ValidationError({"username": "This user name is taken."})
        if self.email_key and others.filter(email_key=self.email_key).exists():
            raise ValidationError({"email": "This e-mail address belongs to somebody else."})
        if self.locale and not LANGUAGE_TAG.fullmatch(self.locale):
            raise ValidationError({"locale": "Use a language tag: en, en-GB, zh-Hant-TW."})
        for field in ("address", "attributes"):
            if not isinstance(getattr(self, field), dict):
                raise ValidationError({field: "Must be a JSON object."})

    def _canonicalise(self) -> None:
        self.username = unicodedata.normalize("NFC", self.username.strip())
        self.email = unicodedata.normalize("NFC", self.email.strip())
        self.username_key = canonical(self.username)
        self.email_key = canonical(self.email) or None

    @property
    def subject(self) -> str:
        """The subject identifier (`sub`) of this person."""
        return self.id.hex

    @property
    def display_name(self) -> str:
        """What pages call this person."""
        return self.name or f"{self.given_name} {self.family_name}".strip() or self.username

    def get_full_name(self) -> str:
        return self.display_name

    def get_short_name(self) -> str:
        return self.given_name or self.username

    @property
    def is_staff(self) -> bool:
        """Only administrators see the administration."""
        return self.is_active and self.is_superuser

    def has_perm(self, perm: str, obj: object = None) -> bool:
        return self.is_staff

    def has_perms(self, perm_list: list[str], obj: object = None) -> bool:
        return self.is_staff

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_staff


def parse_subject(value: str) -> uuid.UUID | None:
    """The row identifier in a subject identifier of ours, or None."""
    if len(value) != 32 or value != value.lower():
        return None
    try:
        return uuid.UUID(hex=value)
    except ValueError:
        return None
