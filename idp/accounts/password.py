"""Passwords: Argon2id, few at once, equal work for names that do not exist.

A hash costs 19 MiB and tens of milliseconds of a core; `password_hashes_at_once` of them run in a
process and one more waits briefly, so that sign-ins cannot starve the token endpoint. Passwords are
compared in NFC and never cut short.
"""

from __future__ import annotations

import base64
import contextlib
import secrets
import threading
import unicodedata
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache

from django.conf import settings
from django.contrib.auth import hashers, password_validation
from django.core.exceptions import ValidationError
from django.db import transaction

from idp import audit
from idp.accounts import devices
from idp.accounts import session as sessions
from idp.models import Session, User
from idp.tokens import revocation

MOST_CHARACTERS = 1024
WAIT_SECONDS = 2.0
RETRY_AFTER_SECONDS = 2


class Busy(Exception):
    """More passwords are being checked than this process takes on."""


class Gate:
    """Lets a few hashes through at once, lets fewer wait, refuses the rest.

    Whoever waits holds a thread of the server, which tokens need.
    """

    def __init__(
        self, *, at_once: int, waiting: int = 1, wait_seconds: float = WAIT_SECONDS
    ) -> None:
        self._running = threading.Semaphore(at_once)
        self._admitted = threading.Semaphore(at_once + waiting)
        self._wait_seconds = wait_seconds

    @contextlib.contextmanager
    def pass_through(self) -> Iterator[None]:
        """Hold one of the places; raises Busy."""
        if not self._admitted.acquire(blocking=False):
            raise Busy
        try:
            if not self._running.acquire(timeout=self._wait_seconds):
                raise Busy
            try:
                yield
            finally:
                self._running.release()
        finally:
            self._admitted.release()


@lru_cache(maxsize=1)
def _gate() -> Gate:
    return Gate(at_once=settings.IDP.password_hashes_at_once)


class Argon2id(hashers.Argon2PasswordHasher):
    """Argon2id with 19 MiB, two passes and one lane."""

    memory_cost = 19_456
    time_cost = 2
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        with _gate().pass_through():
            return super().encode(_normal(password), salt)

    def verify(self, password: str, encoded: str) -> bool:
        with _gate().pass_through():
            return super().verify(_normal(password), encoded)

    def harden_runtime(self, password: str, encoded: str) -> None:
        """Nothing: costs below today's are renewed at the next sign-in."""


def _normal(password: str) -> str:
    return unicodedata.normalize("NFC", password)


@lru_cache(maxsize=1)
def _decoy() -> str:
    """What the database would hold of a password that nobody has."""
    hasher = Argon2id()
    salt = base64.b64encode(hasher.salt().encode()).decode().rstrip("=")
    digest = base64.b64encode(secrets.token_bytes(32)).decode().rstrip("=")
    costs = f"m={hasher.memory_cost},t={hasher.time_cost},p={hasher.parallelism}"
    return f"argon2$argon2id$v=19${costs}${salt}${digest}"


def verify(user: User | None, password: str) -> bool:
    """Whether this is the person's password; the same work for nobody. Raises Busy.

    A hash of older costs is renewed.
    """
    usable = user is not None and hashers.is_password_usable(user.password)
    encoded = user.password if user is not None and usable else _decoy()
    fits = len(password) <= MOST_CHARACTERS
    right, renew = hashers.verify_password(password if fits else "", encoded)
    right = right and usable and fits
    if right and renew and user is not None:
        _renew(user, password)
    return right


def _renew(user: User, password: str) -> None:
    """Hash at today's costs, unless the password has been changed meanwhile."""
    encoded = hashers.make_password(password)
    if User.objects.filter(pk=user.pk, password=user.password).update(password=encoded):
        user.password = encoded


def validate(user: User, password: str) -> None:
    """Raise ValidationError, in words for the person, unless this may become their password."""
    if len(password) > MOST_CHARACTERS:
        raise ValidationError(f"At most {MOST_CHARACTERS} characters, please.")
    password_validation.validate_password(password, user)


def change(
    user: User,
    new: str,
    *,
    session: Session | None,
    now: datetime,
    device: str = "",
    request: audit.Origin | None = None,
    actor: str = "",
) -> None:
    """Give a person a new password; everything of theirs ends but `session`. Raises Busy.

    `device`: the cookie of the browser it was changed in.
    Sessions, refresh tokens, codes on their way, and the devices that had throttles of their own.
    """
    encoded = hashers.make_password(new)
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(password=encoded)
        user.password = encoded
        sessions.end_all(
            user, reason="password changed", now=now, except_for=session, request=request
        )
        kept = session.pk if session is not None else None
        revocation.revoke_grants(
            reason="password changed", now=now, user=user, except_for_session=kept
        )
        devices.forget_all(user, except_for=device)
    audit.record("password.changed", user=user, actor=actor, request=request)
