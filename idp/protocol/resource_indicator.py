"""The resource parameter: which API a token is for (RFC 8707 §2)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from idp.protocol import uri as uris
from idp.protocol.errors import InvalidTarget

MAX_RESOURCES = 20


def parse(values: Sequence[str]) -> tuple[str, ...]:
    """Return the resources, each once: absolute URIs without fragment (RFC 8707 §2).

    Raises InvalidTarget.
    """
    if len(values) > MAX_RESOURCES:
        raise InvalidTarget(f"more than {MAX_RESOURCES} resources")
    for value in values:
        validate(value)
    return tuple(dict.fromkeys(values))


@lru_cache(maxsize=256)
def validate(value: str) -> None:
    """Raise InvalidTarget unless `value` can identify a resource (RFC 8707 §2).

    Remembers what it has found valid: the same few APIs are named again and again.
    """
    try:
        parts = uris.split(value)
        if parts.fragment is not None:
            raise uris.InvalidUri("holds a fragment")
        if not (parts.host or parts.path):
            raise uris.InvalidUri("names nothing")
    except uris.InvalidUri as error:
        raise InvalidTarget(f"resource {value[:200]} {error}") from None


def narrowed(requested: tuple[str, ...], granted: Sequence[str]) -> tuple[str, ...]:
    """Return the resources of a token: those requested, else those granted (RFC 8707 §2.2).

    Raises InvalidTarget for one that was not granted.
    """
    for one in requested:
        if one not in granted:
            raise InvalidTarget(f"resource {one[:200]} was not granted")
    return requested or tuple(granted)
