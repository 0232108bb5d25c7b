"""Sign-in sessions: who, proven how and when, and which applications took part."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Any, ClassVar

from django.db import connection, models
from django.utils import timezone

from idp.models import statement
from idp.models.application import Application
from idp.models.identifiers import db_instant, new_id
from idp.models.user import User


class SessionManager(models.Manager["Session"]):
    """Finds the session of a cookie, in one statement written out: it runs on every page."""

    def live(self, token_hash: bytes, *, seen_after: datetime, now: datetime) -> Session | None:
        """The session of this token with its person, unless it has ended or they are disabled."""
        sql, fields, converters = _live_statement(connection.vendor)
        rows = statement.run(sql, [token_hash, db_instant(seen_after), db_instant(now)])
        if not rows:
            return None
        values = list(rows[0])
        for index, convert in converters:
            values[index] = convert(values[index])
        session = Session.from_db(connection.alias, fields[0], values[: len(fields[0])])
        session.user = User.from_db(connection.alias, fields[1], values[len(fields[0]) :])
        return session


Convert = Callable[[Any], Any]


@lru_cache(maxsize=2)
def _live_statement(vendor: str) -> tuple[str, list[list[str]], list[tuple[int, Convert]]]:
    """The statement, the fields of both models in its order, and what its values pass through."""
    columns = [field.get_col("s") for field in Session._meta.concrete_fields]
    columns += [field.get_col("u") for field in User._meta.concrete_fields]
    converters: list[tuple[int, Convert]] = []
    for index, column in enumerate(columns):
        found = connection.ops.get_db_converters(column)
        found += column.get_db_converters(connection)
        converters += [(index, _converter(convert, column)) for convert in found]
    names = ", ".join(f"{column.alias}.{column.target.column}" for column in columns)
    sql = (
        f"SELECT {names} FROM idp_session s JOIN idp_user u ON u.id = s.user_id"  # noqa: S608 (our own columns)
        " WHERE s.token_hash = %s AND s.ended_at IS NULL AND s.seen_at > %s AND s.expires_at > %s"
        " AND u.is_active"
    )
    fields = [[field.attname for field in model._meta.concrete_fields] for model in (Session, User)]
    return sql, fields, converters


def _converter(convert: Callable[..., Any], column: Any) -> Convert:
    return lambda value: convert(value, column, connection)


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

    objects: ClassVar[SessionManager] = SessionManager()

    class Meta:
        ordering: ClassVar = ["-id"]
        # The job that ends sessions which are idle or too old finds them here.
        indexes: ClassVar = [
            models.Index(
                fields=["seen_at"], condition=models.Q(ended_at=None), name="session_idle"
            ),
            models.Index(
                fields=["expires_at"], condition=models.Q(ended_at=None), name="session_expired"
            ),
        ]

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
        # A logout request names a person as the application knows them.
        indexes: ClassVar = [
            models.Index(
                fields=["application", "name_id"],
                condition=models.Q(name_id__gt=""),
                name="participant_by_name",
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
