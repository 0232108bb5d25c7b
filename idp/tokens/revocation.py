"""The deny list: access tokens that are dead before they expire (RFC 7009 §3, RFC 9700 §4.14).

Rows are mirrored in each process: at once in the one that denied, in the others with the next
reading of the version row (at most 250 ms); `strict_revocation` reads it at every check.
`deny()` locks the version row before it inserts, so row numbers are in the order of commits and
the rows above the highest one seen are all that is new. A row is kept for as long as a token that
it denies could live.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from idp import audit, directory
from idp.models import Application, Grant, Revocation, User
from idp.models.identifiers import db_id, db_instant
from idp.protocol import jose, subject

Kind = Revocation.Kind

MARGIN = timedelta(hours=1)
RELOAD_AFTER = timedelta(minutes=1)
GRANT_BYTES = 16
_BATCH = 500
_REVOKE = (
    "UPDATE idp_grant SET revoked_at = %s, revoke_reason = %s"
    " WHERE id = %s AND revoked_at IS NULL RETURNING id"
)


class DenyList:
    """The mirror of the deny list in this process: (kind, key) → issued up to, in seconds.

    Read without a lock; whoever changes it holds one and never leaves it emptier than it should be.
    """

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()
        self._version = -1
        self._highest = 0
        self._loaded_at = timezone.now()

    def observe(self, version: int) -> None:
        """Take up what is new when the version has moved; called at every poll."""
        if version == self._version:
            return
        with self._lock:
            now = timezone.now()
            stale = self._version < 0 or version < self._version
            if stale or now - self._loaded_at > RELOAD_AFTER:
                self._reload(now=now)
            else:
                self._take(Revocation.objects.filter(pk__gt=self._highest), self._entries)
            self._version = version

    def _reload(self, *, now: datetime) -> None:
        """Read every row that still matters; what has expired is forgotten here."""
        entries: dict[tuple[str, str], float] = {}
        self._highest = 0
        self._take(Revocation.objects.filter(expires_at__gt=now), entries)
        self._entries, self._loaded_at = entries, now

    def _take(self, rows: Iterable[Revocation], entries: dict[tuple[str, str], float]) -> None:
        for row in rows:
            _extend(entries, row.kind, row.key, before=row.before)
            self._highest = max(self._highest, row.pk or 0)

    def add(self, kind: str, keys: Iterable[str], *, before: datetime) -> None:
        """Deny here and now, whatever the database says later."""
        with self._lock:
            for key in keys:
                _extend(self._entries, kind, key, before=before)

    def covers(self, keys: Iterable[tuple[str, str]], *, issued_at: float) -> bool:
        """Whether one of the keys is denied for tokens of that time."""
        entries = self._entries
        return any(entries.get(key, -1.0) >= issued_at for key in keys)

    def current(self) -> bool:
        """Bring the mirror up to date as far as the settings demand; whether it has entries."""
        if self._version < 0 or settings.IDP.strict_revocation:
            directory.refresh()
        else:
            directory.poll()
        return bool(self._entries)


def _extend(
    entries: dict[tuple[str, str], float], kind: str, key: str, *, before: datetime
) -> None:
    seconds = before.timestamp()
    if entries.get((kind, key), 0.0) < seconds:
        entries[kind, key] = seconds


_list = DenyList()
directory.observe(_list.observe)


def deny(kind: str, keys: Iterable[str], *, now: datetime) -> None:
    """Deny all access tokens issued up to now that carry one of `keys` (RFC 7009 §2.1).

    `kind`: of Revocation.Kind; `keys`: grant ids and sids in hex, jti, sub or client_id.
    """
    unique = sorted(set(keys))
    if not unique:
        return
    expires_at = now + settings.IDP.access_token_lifetime + MARGIN
    rows = [Revocation(kind=kind, key=key, before=now, expires_at=expires_at) for key in unique]
    with transaction.atomic():
        directory.bump_revocation()
        Revocation.objects.bulk_create(rows, batch_size=_BATCH)
    _list.add(kind, unique, before=now)


def is_denied(claims: Mapping[str, Any]) -> bool:
    """Whether an access token with these claims has been taken back."""
    if not _list.current():
        return False
    jti = claims["jti"]
    keys = [(Kind.JTI.value, jti), (Kind.CLIENT.value, claims["client_id"])]
    if grant_id := grant_id_of(jti):
        keys.append((Kind.GRANT.value, grant_id.hex))
    if "sid" in claims:
        keys += ((Kind.SID.value, claims["sid"]), (Kind.USER.value, _person_in(claims, grant_id)))
    return _list.covers(keys, issued_at=claims["iat"])


def _person_in(claims: Mapping[str, Any], grant_id: uuid.UUID | None) -> str:
    """The public `sub` of the person; a pairwise one leads to nobody, but its grant does."""
    sub: str = claims["sub"]
    if grant_id is None or subject.person(sub) is not None:
        return sub
    return _person_of_grant(grant_id)


@lru_cache(maxsize=4096)
def _person_of_grant(grant_id: uuid.UUID) -> str:
    user_id = Grant.objects.filter(pk=grant_id).values_list("user_id", flat=True).first()
    return subject.of_person(user_id) if user_id else ""


def grant_id_of(jti: str) -> uuid.UUID | None:
    """The grant that a `jti` of ours names: its first 16 bytes."""
    try:
        return uuid.UUID(bytes=jose.decode(jti)[:GRANT_BYTES])
    except (jose.InvalidJwt, ValueError):
        return None


def revoke_grant(
    grant_id: uuid.UUID,
    *,
    reason: str,
    now: datetime,
    application: Application | None = None,
    origin: audit.Origin | None = None,
) -> bool:
    """End one grant: its refresh token and all access tokens. Committed when this returns.

    Returns False when it had been revoked before; the deny list is extended in any case.
    """
    with connection.cursor() as cursor:
        cursor.execute(_REVOKE, [db_instant(now), reason, db_id(grant_id)])
        changed = bool(cursor.fetchall())
    deny(Kind.GRANT, [grant_id.hex], now=now)
    if changed:
        audit.record(
            "grant.revoked",
            reason=reason,
            application=application,
            request=origin,
            details={"grant": grant_id.hex},
        )
    return changed


def revoke_grants(
    *,
    reason: str,
    now: datetime,
    user: User | None = None,
    application: Application | None = None,
    except_for_session: uuid.UUID | None = None,
) -> int:
    """End every grant of a person, an application, or of both together; returns how many.

    `except_for_session`: grants that were given in this session stay.

    Reads the whole table, which has no index but its key: for what people and administrators do,
    not for requests of applications.
    """
    if user is None and application is None:
        raise ValueError("whose grants?")
    grants = Grant.objects.filter(revoked_at=None, absolute_expires_at__gt=now)
    if user is not None:
        grants = grants.filter(user_id=user.pk)
    if application is not None:
        grants = grants.filter(application_id=application.pk)
    if except_for_session is not None:
        grants = grants.exclude(session_id=except_for_session)
    ids = list(grants.values_list("pk", flat=True))
    for start in range(0, len(ids), _BATCH):
        batch = Grant.objects.filter(pk__in=ids[start : start + _BATCH])
        batch.update(revoked_at=now, revoke_reason=reason)
    deny(Kind.GRANT, [grant_id.hex for grant_id in ids], now=now)
    return len(ids)
