"""The application/x-www-form-urlencoded parameters of a request, read strictly (RFC 6749 §B, §3.1).

A parameter without a value counts as omitted, one that comes twice is refused, and so is whatever
two parsers could read differently: broken percent sequences, broken UTF-8, NUL, raw non-ASCII.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from idp.protocol.errors import InvalidRequest, UnsupportedMediaType
from idp.protocol.message import Request

MAX_PARAMETERS = 200
LONGEST_REMEMBERED = 200
FORM = "application/x-www-form-urlencoded"

_BROKEN_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


class ParameterInUrl(InvalidRequest):
    """A parameter stands in the URL where only the body may carry it (RFC 6749 §2.3.1, §3.2)."""


class Parameters:
    """The parameters of one request in the order received; immutable."""

    __slots__ = ("_values",)

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        """`pairs`: decoded names and values; repeated names stay repeated."""
        values: dict[str, list[str]] = {}
        for name, value in pairs:
            values.setdefault(name, []).append(value)
        self._values = values

    def one(self, name: str) -> str | None:
        """Return the only value of `name`, None if it is absent or empty (RFC 6749 §3.1).

        Raises InvalidRequest when it comes more than once, even if all but one are empty.
        """
        found = self._values.get(name)
        if found is None:
            return None
        if len(found) > 1:
            raise InvalidRequest(f"{name[:100]} is repeated")
        return found[0] or None

    def every(self, name: str) -> tuple[str, ...]:
        """Return all values of a repeatable parameter without the empty ones (RFC 8707 §2)."""
        return tuple(value for value in self._values.get(name, ()) if value)

    def items(self) -> Iterable[tuple[str, Sequence[str]]]:
        """Return each name with all its values, in the order received."""
        return self._values.items()

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Iterate over all names and values, repeated and empty ones too."""
        return ((name, value) for name, found in self._values.items() for value in found)

    def refuse_repeated(self, except_for: Collection[str] = ("resource",)) -> None:
        """Raise InvalidRequest if any parameter comes more than once (RFC 6749 §3.1, §3.2)."""
        for name, found in self._values.items():
            if len(found) > 1 and name not in except_for:
                raise InvalidRequest(f"{name[:100]} is repeated")

    def __contains__(self, name: object) -> bool:
        """Tell whether `name` is there with a value."""
        return any(self._values.get(name, ())) if isinstance(name, str) else False

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names that have a value."""
        return (name for name, found in self._values.items() if any(found))

    def __len__(self) -> int:
        """Return the number of names that have a value."""
        return sum(1 for _ in self)

    def as_dict(self) -> dict[str, str | list[str]]:
        """Return name and value, a list where a parameter came more than once; for storing."""
        return {
            name: found[0] if len(found) == 1 else [value for value in found if value]
            for name, found in self._values.items()
            if any(found)
        }


def parse(raw: str | bytes) -> Parameters:
    """Parse a query string or a form body (RFC 6749 §B). Raises InvalidRequest.

    `raw`: still encoded; a str as WSGI gives it. Other bytes than printable ASCII must be encoded.
    """
    text = raw.decode("latin-1") if isinstance(raw, bytes) else raw
    if not text:
        return Parameters()
    if not (text.isascii() and text.isprintable()):
        raise InvalidRequest("parameters hold a character that must be percent-encoded")
    if _BROKEN_PERCENT.search(text):
        raise InvalidRequest("parameters hold an incomplete percent sequence")
    if text.count("&") >= MAX_PARAMETERS:
        raise InvalidRequest(f"more than {MAX_PARAMETERS} parameters")
    return Parameters([_pair(piece) for piece in text.split("&") if piece])


def form(request: Request, *, not_in_query: Collection[str] | None = None) -> Parameters:
    """Return the parameters of a form body and refuse them in the URL (RFC 6749 §3.2).

    `not_in_query`: the names that may not stand in the query string; None means none at all.
    Raises UnsupportedMediaType for another content type, ParameterInUrl, InvalidRequest.
    """
    refuse_query(request, names=not_in_query)
    media_type = request.content_type.partition(";")[0].strip().lower()
    if media_type != FORM:
        raise UnsupportedMediaType(f"the body must be {FORM}")
    return parse(request.body)


def refuse_query(request: Request, *, names: Collection[str] | None = None) -> None:
    """Raise ParameterInUrl if the query string carries one of `names`, or anything if None.

    Secrets and codes in a URL end up in logs and referrers (RFC 6749 §2.3.1, RFC 9700 §4.3).
    """
    if not request.query:
        return
    for name in parse(request.query):
        if names is None or name in names:
            raise ParameterInUrl(f"{name[:100]} must be sent in the body, not in the URL")


def _pair(piece: str) -> tuple[str, str]:
    name, _, value = piece.partition("=")
    if "%" not in piece and "+" not in piece:
        return name, value
    return _decode(name), _decode(value)


def _decode(text: str) -> str:
    if "+" in text:
        text = text.replace("+", " ")
    if "%" not in text:
        return text
    return _unquote_known(text) if len(text) <= LONGEST_REMEMBERED else _unquote(text)


def _unquote(text: str) -> str:
    try:
        decoded = unquote_to_bytes(text).decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidRequest("parameters are not UTF-8", detail=str(error.reason)) from None
    if "\x00" in decoded:
        raise InvalidRequest("parameters hold a NUL character")
    return decoded


# Redirect URIs, scopes and resources come again and again.
_unquote_known = lru_cache(maxsize=512)(_unquote)
