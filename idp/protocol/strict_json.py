"""JSON that means the same to every reader (RFC 8259 §4, RFC 7515 §4, RFC 7519 §4).

Refuses duplicate members, numbers that are not finite, broken UTF-8, lone surrogates, deep nesting.
"""

from __future__ import annotations

import json
from typing import Any

import orjson


class InvalidJson(ValueError):
    """The text is not JSON, or ambiguous JSON; the message says which, without quoting it."""


def loads(raw: bytes, *, max_bytes: int) -> Any:
    """Parse a JSON text of at most `max_bytes` bytes (RFC 8259 §4). Raises InvalidJson."""
    if len(raw) > max_bytes:
        raise InvalidJson(f"larger than {max_bytes} bytes")
    try:
        value = orjson.loads(raw)
        same = orjson.dumps(value) == raw
    except orjson.JSONDecodeError as error:
        raise InvalidJson(error.msg) from None
    except orjson.JSONEncodeError:
        raise InvalidJson("nested too deeply") from None
    # What orjson wrote comes back byte for byte, so it cannot hold a duplicate; the rest is read a
    # second time with every pair in view.
    if not same:
        json.loads(raw.decode(), object_pairs_hook=_unique)
    return value


def load_object(raw: bytes, *, max_bytes: int) -> dict[str, Any]:
    """Parse a JSON object (RFC 7519 §7.2). Raises InvalidJson for anything else."""
    value = loads(raw, max_bytes=max_bytes)
    if not isinstance(value, dict):
        raise InvalidJson("not an object")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise InvalidJson("a member name is repeated")
    return members
