"""The SAML half of an application (`ServiceProvider`) and what SAML remembers."""

from __future__ import annotations

import secrets
import uuid
from datetime import datetime
from typing import ClassVar

from django.db import connection, models
from django.utils import timezone

from idp.models import Application, User
from idp.models.identifiers import db_instant

# What rows have that an older release writes during an upgrade.
NOTHING_LISTED = models.Value([], models.JSONField())


class ServiceProvider(models.Model):
    """A SAML 2.0 service provider: its metadata, and what we do differently for it.

    `assertion_consumer_services`: objects with `url`, `binding`, `index`, `is_default`.
    `signing_certificates`, `encryption_certificates`: base64 DER, one per key.
    `attribute_consuming_services`: objects with `index`, `is_default`, `attributes`.
    `entity_attributes`: objects with `name` and `values`.
    `contacts`: objects with `kind`, `given_name`, `emails`…, None if it was imported before 0002.
    """

    class AttributeRelease(models.TextChoices):
        MAPPING = "mapping", "Everything that the mapping gives"
        REQUESTED = "requested", "Of that, only what its metadata asks for"

    class SubjectIdentifier(models.TextChoices):
        METADATA = "metadata", "As its metadata asks (subject-id:req)"
        NONE = "none", "None"
        PAIRWISE_ID = "pairwise-id", "pairwise-id: another one at every application"
        SUBJECT_ID = "subject-id", "subject-id: the same at every application"

    application = models.OneToOneField(
        Application, models.CASCADE, primary_key=True, related_name="service_provider"
    )
    entity_id = models.CharField("entity ID", max_length=1024, unique=True)
    slug = models.CharField(max_length=40, unique=True, editable=False)
    assertion_consumer_services = models.JSONField(default=list)
    signing_certificates = models.JSONField(default=list, blank=True)
    encryption_certificates = models.JSONField(default=list, blank=True)
    encryption_methods = models.JSONField(default=list, blank=True)
    name_id_formats = models.JSONField(default=list, blank=True)
    default_name_id_format = models.CharField(
        "default NameID",
        max_length=100,
        default="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
    )
    name_id_source = models.CharField(
        "unspecified NameID from",
        max_length=100,
        default="username",
        help_text="The profile field or custom attribute behind an unspecified NameID.",
    )
    name_qualifier = models.CharField(
        "affiliation",
        max_length=1024,
        blank=True,
        db_default="",
        help_text="Entity ID of a group of applications (SAML affiliation) that may ask for the"
        " same persistent NameID, by naming it as SPNameQualifier. Empty: it belongs to none.",
    )
    single_logout_services = models.JSONField(default=list, blank=True)
    requested_attributes = models.JSONField(default=list, blank=True)
    attribute_consuming_services = models.JSONField(
        default=list, blank=True, db_default=NOTHING_LISTED, editable=False
    )
    entity_attributes = models.JSONField(
        default=list, blank=True, db_default=NOTHING_LISTED, editable=False
    )
    attribute_release = models.CharField(
        "attributes",
        max_length=12,
        choices=AttributeRelease.choices,
        default=AttributeRelease.MAPPING,
        db_default=AttributeRelease.MAPPING.value,
        help_text="What its metadata asks for: its requested attributes, and those of its entity"
        " categories (REFEDS Research and Scholarship and its successors).",
    )
    subject_identifier = models.CharField(
        "subject identifier",
        max_length=12,
        choices=SubjectIdentifier.choices,
        default=SubjectIdentifier.METADATA,
        db_default=SubjectIdentifier.METADATA.value,
        help_text="An attribute for ever, beside the NameID: a random name and the domain of"
        " GATEHOUSE_SAML_SCOPE. Nobody else ever gets it.",
    )
    idp_initiated = models.BooleanField(
        "may be started from here",
        default=False,
        db_default=False,
        help_text="People who are signed in reach it from their account page, without a request of"
        " its own (IdP-initiated). It cannot tell such a response from one that somebody else put"
        " into a browser: leave it off where the application can start the sign-in itself.",
    )
    relay_states = models.JSONField(
        "RelayStates",
        default=list,
        blank=True,
        db_default=NOTHING_LISTED,
        help_text="What may be sent along when it is started from here, one per line, compared"
        " exactly; the first is the default. None: nothing is sent along.",
    )
    attribute_queries = models.BooleanField(
        "may ask for attributes",
        default=False,
        db_default=False,
        help_text="It may ask for the attributes of people that it knows without their browsers"
        " (signed AttributeQuery over SOAP), and gets what this application's mapping gives.",
    )
    want_authn_requests_signed = models.BooleanField(
        default=False, help_text="Refuse AuthnRequests without a valid signature."
    )
    sign_response = models.BooleanField(default=True)
    sign_assertion = models.BooleanField(default=True)
    encrypt_assertion = models.BooleanField(
        default=True, help_text="Encrypt when the service provider has an encryption key."
    )
    signature_algorithm = models.CharField(max_length=20, default="rsa-sha256")
    template = models.CharField(
        max_length=40,
        blank=True,
        default="",
        db_default="",
        editable=False,
        help_text="The template that it was registered by, for its settings to copy.",
    )
    contacts = models.JSONField(null=True, blank=True)
    metadata_xml = models.TextField(blank=True, editable=False)
    metadata_valid_until = models.DateTimeField(null=True, blank=True)
    changes_wait = models.BooleanField(
        "changes of its metadata wait",
        default=False,
        help_text=(
            "For sensitive applications: no new key or address without an administrator's yes,"
            " signed or not."
        ),
    )
    registered_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = "service provider"
        ordering: ClassVar = ["entity_id"]

    def __str__(self) -> str:
        return self.entity_id


class PersistentNameIdManager(models.Manager["PersistentNameId"]):
    """Gives every person one value per service provider, however many ask at once."""

    def known(self, user_id: uuid.UUID, *, service_provider: str) -> str | None:
        """The value that was given, None if none was."""
        given = self.filter(user_id=user_id, service_provider=service_provider)
        return given.values_list("value", flat=True).first()

    def person_of(self, value: str, *, service_provider: str) -> uuid.UUID | None:
        """The active person who has this value there, None if nobody has."""
        given = self.filter(value=value, service_provider=service_provider, user__is_active=True)
        return given.values_list("user_id", flat=True).first()

    def give(self, user_id: uuid.UUID, *, service_provider: str) -> str:
        """The value that was given, or a new one: 160 random bits in lower case."""
        value = self.known(user_id, service_provider=service_provider)
        if value is not None:
            return value
        fresh = self.model(
            value=secrets.token_hex(20), user_id=user_id, service_provider=service_provider
        )
        # Where somebody else was faster the constraint drops ours, and theirs is read.
        self.bulk_create([fresh], ignore_conflicts=True)
        return self.get(user_id=user_id, service_provider=service_provider).value


class PersistentNameId(models.Model):
    """The persistent NameID of one person at one service provider: random, never reused.

    The row outlives the person and the registration, so that the value is never given again.
    """

    value = models.CharField(max_length=64, primary_key=True)
    user = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    service_provider = models.CharField("entity ID or affiliation", max_length=1024)
    created_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[PersistentNameIdManager] = PersistentNameIdManager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user", "service_provider"], name="one_persistent_name_id"
            )
        ]

    def __str__(self) -> str:
        return self.value


class SeenMessageManager(models.Manager["SeenMessage"]):
    """Decides in one statement who comes first."""

    def remember(self, key: str, *, until: datetime) -> bool:
        """Whether this is the first time; of many at once exactly one is told so."""
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO federation_seenmessage (key, expires_at) VALUES (%s, %s)"
                " ON CONFLICT (key) DO NOTHING",
                [key, db_instant(until)],
            )
            return cursor.rowcount == 1


class SeenMessage(models.Model):
    """A message ID that was accepted: the same signed message is refused the second time."""

    key = models.CharField(max_length=64, primary_key=True)
    expires_at = models.DateTimeField(db_index=True)

    objects: ClassVar[SeenMessageManager] = SeenMessageManager()

    def __str__(self) -> str:
        return self.key
