"""The public keys of others: registered by value, or read from their jwks_uri (RFC 7591 §2).

A set that was fetched is kept for everybody in `RemoteDocument` and in each process's memory. It is
read again when it is old, and when a token names a key that it does not hold: clients rotate their
keys without telling us (OIDC Core §10.1.1). An address is asked at most once in ten seconds, by one
process, whatever anybody sends. While it does not answer, the last good set counts for a day.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

import structlog
from django.db.models import Q
from django.utils import timezone

from idp import directory, outbound
from idp.models import RemoteDocument
from idp.protocol import jwk
from idp.protocol.jwk import ClientKeys

log = structlog.get_logger("gatehouse.client_keys")

FRESH_FOR = timedelta(hours=1)
USABLE_FOR = timedelta(days=1)
ASK_EVERY = timedelta(seconds=10)
TIMEOUT = timedelta(seconds=5)
# A thread that waits for somebody else's server serves nobody: the others are for tokens.
FETCHES_AT_ONCE = 1
T = TypeVar("T")

_fetching = threading.BoundedSemaphore(FETCHES_AT_ONCE)


class Holder(Protocol):
    """Whoever has keys: a client, or an issuer of software statements."""

    pk: Any
    jwks: Any
    jwks_uri: str


class NoKeys(Exception):
    """There is no usable key set; the message is for administrators and the client's developer."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A set in memory, and when it was read; by value it is never too old."""

    keys: ClientKeys
    fetched_at: datetime | None = None


def of(holder: Holder) -> ClientKeys:
    """Their keys as they are known now. Raises NoKeys."""
    return _current(holder).keys


def retried(holder: Holder, attempt: Callable[[ClientKeys], T], *, unknown: type[Exception]) -> T:
    """`attempt` with their keys, once more with a newer set if it raised `unknown`.

    Raises NoKeys, and whatever `attempt` raises.
    """
    kept = _current(holder)
    try:
        return attempt(kept.keys)
    except unknown:
        newer = _newer(holder, kept)
        if newer is None:
            raise
        return attempt(newer.keys)


def _current(holder: Holder) -> Kept:
    url = holder.jwks_uri
    if not url:
        key = ("keys-by-value", type(holder), holder.pk)
        return directory.cached(key, lambda: _by_value(holder), of=holder)
    kept = _remembered(url)
    if kept is None or _age(kept) > FRESH_FOR:
        kept = _ask(url) or kept
    if kept is None or _age(kept) > USABLE_FOR:
        raise NoKeys(_problem(url))
    return kept


def _by_value(holder: Holder) -> Kept:
    try:
        return Kept(jwk.parse_set(holder.jwks or {"keys": []}))
    except jwk.InvalidKeySet as error:
        raise NoKeys(f"the registered key set {error}") from None


def _newer(holder: Holder, kept: Kept) -> Kept | None:
    """A set that was read later than `kept`, if there is one."""
    url = holder.jwks_uri
    if not url:
        return None
    directory.drop(_key(url))
    stored = _remembered(url)
    if stored is not None and stored.fetched_at != kept.fetched_at:
        return stored
    return _ask(url)


def _key(url: str) -> tuple[str, str]:
    return ("remote-keys", url)


def _remembered(url: str) -> Kept | None:
    """The last good set, from memory or from its row."""
    return directory.cached(_key(url), lambda: _stored(url))


def _stored(url: str) -> Kept | None:
    row = RemoteDocument.objects.filter(pk=url).exclude(fetched_at=None).first()
    if row is None:
        return None
    try:
        return Kept(jwk.parse_set(row.document or {}), row.fetched_at)
    except jwk.InvalidKeySet:
        return None


def _age(kept: Kept) -> timedelta:
    return timezone.now() - kept.fetched_at if kept.fetched_at else timedelta(0)


def _ask(url: str) -> Kept | None:
    """Fetch the set if nobody has just tried; None where that brought nothing new."""
    if not _fetching.acquire(blocking=False):
        return None
    try:
        if not _take_turn(url):
            return None
        return _fetch(url)
    finally:
        _fetching.release()


def _take_turn(url: str) -> bool:
    """Whether this process may ask now: one conditional statement."""
    now = timezone.now()
    _, created = RemoteDocument.objects.get_or_create(pk=url, defaults={"attempted_at": now})
    if created:
        return True
    waiting = Q(attempted_at__lte=now - ASK_EVERY)
    return bool(RemoteDocument.objects.filter(waiting, pk=url).update(attempted_at=now))


def _fetch(url: str) -> Kept | None:
    try:
        document: Any = outbound.get_json(url, limit=jwk.MAX_BYTES, timeout=TIMEOUT)
        if not isinstance(document, dict):
            raise jwk.InvalidKeySet("is not a JSON object")
        keys = jwk.parse_set(document)
    except (outbound.OutboundError, jwk.InvalidKeySet) as error:
        log.warning("client_keys_not_read", error=str(error))
        RemoteDocument.objects.filter(pk=url).update(error=str(error)[:300])
        return None
    now = timezone.now()
    RemoteDocument.objects.filter(pk=url).update(document=document, fetched_at=now, error="")
    directory.drop(_key(url))
    return Kept(keys, now)


def _problem(url: str) -> str:
    error = RemoteDocument.objects.filter(pk=url).values_list("error", flat=True).first()
    return f"the key set at jwks_uri cannot be read: {error or 'nobody has answered yet'}"
