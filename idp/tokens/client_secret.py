"""Client secrets (RFC 6749 §2.3.1): generated with 256 bits, shown once, kept as their SHA-256.

A slow hash would add nothing against guessing 256 random bits, and cost every token request.
Two may be live for a while, so that a secret is changed without an outage; the use of the older one
is noted, at most once in ten minutes, for whoever has to know when it can go.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from django.utils import timezone

from idp.models import Client
from idp.tokens import opaque

PREFIX = "gts_"
NOTED_EVERY = timedelta(minutes=10)
_RANDOM_BYTES = 32
_NOBODY = hashlib.sha256(b"compared with where there is no secret, for equal work").digest()


def generate() -> str:
    """Return a new secret."""
    return opaque.assemble(PREFIX, secrets.token_bytes(_RANDOM_BYTES))


def digest(secret: str) -> bytes:
    """Return what is stored of a secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def belongs_to(client: Client | None, secret: str) -> bool:
    """Whether this is the client's secret: in constant time, with equal work for nobody's."""
    stored = bytes(client.secret_hash) if client is not None else b""
    given = digest(secret)
    if hmac.compare_digest(given, stored or _NOBODY) and stored:
        return True
    return client is not None and _is_previous(client, given)


def _is_previous(client: Client, given: bytes) -> bool:
    """Whether this is the client's older secret, and its time is not over."""
    stored, until = bytes(client.previous_secret_hash), client.previous_secret_expires_at
    matches = hmac.compare_digest(given, stored or _NOBODY)
    if not (matches and stored and until is not None):
        return False
    now = timezone.now()
    if now >= until:
        return False
    _note_use(client, now=now)
    return True


def _note_use(client: Client, *, now: datetime) -> None:
    """Note it in the row without a change of configuration, which would empty every memory."""
    used = client.previous_secret_used_at
    if used is None or now - used > NOTED_EVERY:
        client.previous_secret_used_at = now
        Client.objects.filter(pk=client.pk).update(previous_secret_used_at=now)
