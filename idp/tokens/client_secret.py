"""Client secrets (RFC 6749 §2.3.1): generated with 256 bits, shown once, kept as their SHA-256.

A slow hash would add nothing against guessing 256 random bits, and cost every token request.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from idp.models import Client
from idp.tokens import opaque

PREFIX = "gts_"
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
    matches = hmac.compare_digest(digest(secret), stored or _NOBODY)
    return matches and bool(stored)
