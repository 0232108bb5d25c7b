"""Scope values: syntax and set arithmetic (RFC 6749 §3.3, OIDC Core §5.4, §11)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache

from idp.protocol.errors import InvalidScope

OPENID = "openid"
OFFLINE_ACCESS = "offline_access"
OPENID_SCOPES = (OPENID, "profile", "email", "address", "phone", "groups", OFFLINE_ACCESS)

MAX_SCOPES = 100
MAX_CHARACTERS = 4000

_TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")


def is_token(value: str) -> bool:
    """Tell whether `value` is one scope token (RFC 6749 §A.4)."""
    return _TOKEN.fullmatch(value) is not None


@lru_cache(maxsize=256)
def parse(value: str | None) -> tuple[str, ...]:
    """Return the scopes of a scope parameter, each once, in the order given (RFC 6749 §3.3).

    None and "" mean none. Repeated spaces are forgiven, other white space is not.
    Remembered: applications send the same few values. Raises InvalidScope.
    """
    if not value:
        return ()
    if len(value) > MAX_CHARACTERS:
        raise InvalidScope("scope is too long")
    tokens = tuple(dict.fromkeys(token for token in value.split(" ") if token))
    if len(tokens) > MAX_SCOPES:
        raise InvalidScope(f"more than {MAX_SCOPES} scopes")
    for token in tokens:
        if not is_token(token):
            raise InvalidScope(f"scope {token[:60]} holds a character that is not allowed")
    return tokens


def join(scopes: Iterable[str]) -> str:
    """Return scopes as one scope parameter (RFC 6749 §3.3)."""
    return " ".join(scopes)


def within(requested: Iterable[str], allowed: Collection[str]) -> tuple[str, ...]:
    """Return the requested scopes that are allowed, in the order requested (RFC 6749 §3.3)."""
    return tuple(one for one in requested if one in allowed)


def narrowed(requested: tuple[str, ...], granted: Sequence[str]) -> tuple[str, ...]:
    """Return the scopes of a refresh: those requested, else those granted (RFC 6749 §6).

    Raises InvalidScope for one that was not granted.
    """
    for one in requested:
        if one not in granted:
            raise InvalidScope(f"scope {one[:60]} was not granted")
    return requested or tuple(granted)
