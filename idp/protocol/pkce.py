"""Proof Key for Code Exchange, method S256 alone (RFC 7636, RFC 9700 §2.1.1).

When a proof is required is decided by `authorization.checks`, from the client's policy.
"""

from __future__ import annotations

import hashlib
import hmac
import re

from idp.protocol import jose
from idp.protocol.errors import InvalidRequest

METHOD = "S256"

_CHALLENGE = re.compile(r"[A-Za-z0-9_\-]{43}")
_VERIFIER = re.compile(r"[A-Za-z0-9\-._~]{43,128}")


def validate_challenge(challenge: str | None, method: str | None) -> None:
    """Raise InvalidRequest unless both are absent, or an S256 challenge (RFC 7636 §4.2, §4.3).

    An absent method would mean `plain`, which is refused like any other method.
    """
    if challenge is None and method is None:
        return
    if challenge is None:
        raise InvalidRequest("code_challenge_method without code_challenge")
    if method != METHOD:
        raise InvalidRequest("code_challenge_method must be S256")
    if not is_challenge(challenge):
        raise InvalidRequest("code_challenge must be 43 base64url characters")


def is_challenge(value: str) -> bool:
    """Tell whether this could be an S256 challenge: 256 bits in base64url (RFC 7636 §4.2)."""
    return _CHALLENGE.fullmatch(value) is not None


def verify(verifier: str | None, challenge: str | None) -> bool:
    """Tell whether the verifier answers the challenge (RFC 7636 §4.6).

    Where there was no challenge there must be no verifier either: a client that sends one had its
    challenge taken away (RFC 9700 §4.8).
    """
    if not verifier or not challenge:
        return not verifier and not challenge
    if not _VERIFIER.fullmatch(verifier):
        return False
    return hmac.compare_digest(s256(verifier).encode(), challenge.encode("utf-8", "replace"))


def s256(verifier: str) -> str:
    """Return the S256 challenge of a verifier (RFC 7636 §4.2)."""
    return jose.encode(hashlib.sha256(verifier.encode("ascii")).digest())
