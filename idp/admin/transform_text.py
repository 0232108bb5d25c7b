"""Transforms as administrators type them: `lower | split , | first`, and back.

A step is a name and, after a space, its argument: text as it is, or JSON where it begins with `"`,
`[` or `{` (that is how to write `|`, outer spaces or a table). A table can also be written as
`map_table staff=editor, *=reader`. Columns in errors are counted from 1. What a transform does with
its argument is checked by `idp.claims.mapping`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from idp.claims.errors import MappingError, unknown
from idp.claims.transforms import TRANSFORMS

MAX_TEXT = 20_000
SEPARATOR = "|"
_JSON_BEGINS = '"[{'
_LITERALS = {"true": True, "false": False}
_decoder = json.JSONDecoder()


class TransformTextError(ValueError):
    """What is wrong, in words, and where: the column of the first character concerned."""

    def __init__(self, message: str, *, column: int) -> None:
        super().__init__(f"Column {column}: {message}")
        self.column = column


@dataclass(frozen=True)
class Step:
    """One transform with the column where its name begins."""

    name: str
    arg: Any
    column: int

    def as_json(self) -> dict[str, Any]:
        """As it is stored."""
        return {"name": self.name} if self.arg is None else {"name": self.name, "arg": self.arg}


def parse(text: str) -> list[Step]:
    """The steps of a line; raises TransformTextError."""
    if len(text) > MAX_TEXT:
        raise TransformTextError(f"It has more than {MAX_TEXT} characters.", column=MAX_TEXT)
    steps: list[Step] = []
    at = 0
    if not text.strip():
        return steps
    while True:
        step, at = _step(text, at)
        steps.append(step)
        if at >= len(text):
            return steps
        at += 1  # the separator


def _step(text: str, at: int) -> tuple[Step, int]:
    at = _skip(text, at)
    begin = at
    while at < len(text) and text[at] not in f" \t{SEPARATOR}":
        at += 1
    name = text[begin:at]
    if not name:
        raise TransformTextError("Here the name of a transform is missing.", column=begin + 1)
    if name not in TRANSFORMS:
        message = str(unknown("transform", name, TRANSFORMS, field="transforms"))
        raise TransformTextError(message, column=begin + 1)
    arg, at = _argument(text, at, name=name)
    return Step(name, arg, begin + 1), at


def _argument(text: str, at: int, *, name: str) -> tuple[Any, int]:
    begin = _skip(text, at)
    if begin >= len(text) or text[begin] == SEPARATOR:
        return None, begin
    if text[begin] in _JSON_BEGINS and not _is_template(text, begin, name=name):
        return _json(text, begin)
    end = text.find(SEPARATOR, begin)
    end = len(text) if end < 0 else end
    return _plain(text[begin:end].strip(), name=name, column=begin + 1), end


def _is_template(text: str, at: int, *, name: str) -> bool:
    """A template may begin with a name in braces, which is no JSON."""
    return name == "template" and text[at] == "{"


def _json(text: str, begin: int) -> tuple[Any, int]:
    try:
        value, end = _decoder.raw_decode(text, begin)
    except json.JSONDecodeError as error:
        raise TransformTextError(f"This is not JSON: {error.msg}.", column=error.pos + 1) from None
    except RecursionError:
        raise TransformTextError("This is nested too deeply.", column=begin + 1) from None
    end = _skip(text, end)
    if end < len(text) and text[end] != SEPARATOR:
        raise TransformTextError("Here a “|” or the end was expected.", column=end + 1)
    return value, end


def _plain(text: str, *, name: str, column: int) -> Any:
    if name == "limit" and text.isascii() and text.isdigit() and len(text) < 10:
        return int(text)
    if name == "default":
        return _literal(text)
    if name == "map_table":
        return _table(text, column=column)
    return text


def _literal(text: str) -> Any:
    if text in _LITERALS:
        return _LITERALS[text]
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else text


def _table(text: str, *, column: int) -> dict[str, str]:
    table: dict[str, str] = {}
    for entry in text.split(","):
        left, equals, right = entry.partition("=")
        if not equals or not left.strip():
            where = column + text.index(entry) + len(entry) - len(entry.lstrip())
            raise TransformTextError(
                "An entry of a table is written as staff=editor; several with commas.", column=where
            )
        table[left.strip()] = right.strip()
    return table


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t":
        at += 1
    return at


def render(stored: Any) -> str:
    """Stored transforms as a line that `parse` reads back to the same; anything else as JSON."""
    if not isinstance(stored, list):
        return "" if stored in (None, "") else json.dumps(stored, ensure_ascii=False)
    steps = [step for step in stored if isinstance(step, dict)]
    return f" {SEPARATOR} ".join(_rendered(step) for step in steps)


def _rendered(step: dict[str, Any]) -> str:
    name, arg = str(step.get("name", "")), step.get("arg")
    if arg in (None, ""):
        return name
    return f"{name} {_written(name, arg)}"


def _written(name: str, arg: Any) -> str:
    """The argument in its shortest form that reads back the same."""
    for text in _forms(arg):
        try:
            if [one.arg for one in parse(f"{name} {text}")] == [arg]:
                return text
        except TransformTextError:
            continue
    return json.dumps(arg, ensure_ascii=False)


def _forms(arg: Any) -> list[str]:
    if isinstance(arg, dict):
        return [", ".join(f"{left}={right}" for left, right in arg.items())]
    return [arg] if isinstance(arg, str) else [json.dumps(arg, ensure_ascii=False)]


def column_of(error: MappingError, steps: list[Step]) -> int:
    """Where in the line a mapping error of one step is; 0 if it concerns none."""
    return steps[error.step - 1].column if 0 < error.step <= len(steps) else 0
