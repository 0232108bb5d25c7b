"""Tokens of dynamic registration, opaque and kept as their SHA-256 (RFC 7591 §3, RFC 7592 §2).

An initial access token lets its holder register clients; a registration access token lets a client
read, change and remove its own registration. 256 random bits each, so a plain digest is enough.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from idp.tokens import opaque

INITIAL = "gti_"
REGISTRATION = "gtm_"
LONGEST = 200
_RANDOM_BYTES = 32
_NOBODY = hashlib.sha256(b"compared with where there is no token, for equal work").digest()


def generate(prefix: str) -> str:
    """Return a new token of a kind."""
    return opaque.assemble(prefix, secrets.token_bytes(_RANDOM_BYTES))


def digest(token: str) -> bytes:
    """Return what is stored of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def is_well_formed(prefix: str, token: str) -> bool:
    """Tell whether a token is of this kind and whole, before anything is looked up."""
    try:
        return len(opaque.disassemble(prefix, token, longest=LONGEST)) == _RANDOM_BYTES
    except opaque.Malformed:
        return False


def matches(token: str, stored: bytes) -> bool:
    """Tell whether this is the token behind a digest: in constant time, with equal work for all."""
    found = hmac.compare_digest(digest(token), bytes(stored) or _NOBODY)
    return found and bool(stored)
