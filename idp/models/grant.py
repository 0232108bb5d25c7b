"""Authorizations given (`Grant`), what was taken back (`Revocation`), codes too long for a URL."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models.base import ModelState
from django.utils import timezone

from idp.models.identifiers import new_id


class Grant(models.Model):
    """One redeemed authorization code: who, to which application, scopes, refresh generation.

    Rotated in place; the time-ordered key is the only index, so that every rotation is a
    heap-only update. Identifiers instead of foreign keys for the same reason: whether person,
    session and application still stand is checked by the statement that uses the row.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    application_id = models.UUIDField()
    user_id = models.UUIDField()
    session_id = models.UUIDField()
    sid = models.UUIDField()
    scope = models.TextField()
    resources = models.TextField(default="")
    claims_request = models.TextField(default="")
    acr = models.CharField(max_length=20)
    amr = models.CharField(max_length=100)
    authenticated_at = models.DateTimeField()
    offline = models.BooleanField(default=False)
    refreshable = models.BooleanField(default=False)
    generation = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    rotated_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()
    absolute_expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    revoke_reason = models.CharField(max_length=40, default="")

    class Meta:
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return str(self.id)

    @classmethod
    def of(cls, **values: Any) -> Grant:
        """A grant that is in the database, of the values that a statement written by hand knows.

        Without what Django does for an instance to be saved; what is not given is read when asked
        for, as after `only()`.
        """
        grant = cls.__new__(cls)
        grant._state = ModelState()
        grant._state.adding = False
        grant.__dict__.update(values)
        return grant


class Revocation(models.Model):
    """One line of the deny list: tokens of this grant, token, session, user or client are dead.

    `before`: only tokens issued up to then; rows are dropped when the last of them has expired.
    """

    class Kind(models.TextChoices):
        GRANT = "grant"
        JTI = "jti"
        SID = "sid"
        USER = "user"
        CLIENT = "client"

    kind = models.CharField(max_length=6, choices=Kind.choices)
    key = models.CharField(max_length=100)
    before = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar = ["pk"]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class StoredAuthorizationCode(models.Model):
    """The sealed content of an authorization code that would outgrow a URL."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    sealed = models.BinaryField()
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return str(self.id)


class Version(models.Model):
    """One row: numbers that move when configuration or the deny list changes."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    configuration = models.BigIntegerField(default=0)
    revocation = models.BigIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(id=1), name="one_version_row")
        ]

    def __str__(self) -> str:
        return f"{self.configuration}/{self.revocation}"
