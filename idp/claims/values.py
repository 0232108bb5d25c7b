"""The values that claims can have: JSON, bounded so that every answer can be written (RFC 8259).

Decides what is too large, too deep or not writable as UTF-8 JSON; does not know where values come
from. Numbers stay within I-JSON (RFC 7493 §2.2), so that every reader reads the same one.
"""

from __future__ import annotations

import math
from typing import TypeAlias

from idp.claims.errors import MappingError

JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"

MAX_TEXT = 4096
MAX_ITEMS = 2000
MAX_CHARACTERS = 65_536
MAX_DEPTH = 6
MAX_INTEGER = 2**53 - 1


def checked(value: object) -> JSON:
    """Return `value` if it is bounded JSON; raises MappingError in words that hold no data."""
    if type(value) is str:  # nearly all of them
        return _text(value)
    if value is None or value is True or value is False:
        return value
    return _Measure().take(value, depth=0)


def is_empty(value: object) -> bool:
    """Whether there is nothing to say: no value, or an empty text, list or object."""
    return value is None or value == "" or value == [] or value == {}


def kind(value: object) -> str:
    """What a value is, in an administrator's words."""
    if value is None:
        return "nothing"
    for types, word in _KINDS:
        if isinstance(value, types):
            return word
    return "something that is not JSON"


def as_text(value: JSON) -> str:
    """One value in words: a text as it is, a number in digits, true or false; no value is empty."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    raise MappingError(f"Takes one text here, not {kind(value)}.")


_KINDS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "true or false"),
    ((int, float), "a number"),
    (str, "a text"),
    ((list, tuple), "a list"),
    (dict, "an object"),
)


class _Measure:
    """One walk through one value, counting its items and characters."""

    def __init__(self) -> None:
        self._items = 0
        self._characters = 0

    def take(self, value: object, *, depth: int) -> JSON:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str):
            return self._take_text(value)
        if isinstance(value, (int, float)):
            return _number(value)
        if depth >= MAX_DEPTH:
            raise MappingError(f"The value is nested deeper than {MAX_DEPTH} levels.")
        if isinstance(value, (list, tuple)):
            self._count(len(value))
            return [self.take(item, depth=depth + 1) for item in value]
        if isinstance(value, dict):
            self._count(len(value))
            return {self._name(k): self.take(v, depth=depth + 1) for k, v in value.items()}
        raise MappingError("The value is not JSON.")

    def _take_text(self, value: str) -> str:
        self._characters += len(value)
        if self._characters > MAX_CHARACTERS:
            raise MappingError(f"The value has more than {MAX_CHARACTERS} characters in all.")
        return _text(value)

    def _name(self, name: object) -> str:
        if not isinstance(name, str):
            raise MappingError("The value is not JSON.")
        return self._take_text(name)

    def _count(self, items: int) -> None:
        self._items += items
        if self._items > MAX_ITEMS:
            raise MappingError(f"The value has more than {MAX_ITEMS} entries.")


def _text(value: str) -> str:
    if len(value) > MAX_TEXT:
        raise MappingError(f"A text is longer than {MAX_TEXT} characters.")
    if "\x00" in value:
        raise MappingError("A text holds a NUL character.")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise MappingError("A text holds half a character (a lone surrogate).") from None
    return value


def _number(value: int | float) -> int | float:
    if isinstance(value, float) and not math.isfinite(value):
        raise MappingError("A number is not finite.")
    if isinstance(value, int) and not -MAX_INTEGER <= value <= MAX_INTEGER:
        raise MappingError("A number is too large to be read exactly everywhere.")
    return value
