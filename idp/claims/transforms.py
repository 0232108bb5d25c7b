"""The closed list of transforms: small, typed, bounded, pure functions over claim values.

Each says what it takes; anything else raises MappingError, which denies the claim. No value (None)
stays none, but for `default` and a `template` without `{value}`. Lists are lists of single values.
No regular expressions, no evaluation, no formatting language.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from idp.claims import glob, template, values
from idp.claims.errors import MappingError
from idp.claims.facts import Facts
from idp.claims.template import Template
from idp.claims.values import JSON, kind

MAX_TABLE = 500
MAX_ARGUMENT = 256
OTHERWISE = "*"


class Transformer(NamedTuple):
    """One transform: how to run it, how its argument is checked at save, and words for a picker.

    `prepare` turns the stored argument into what `run` wants, or raises MappingError.
    `argument`: what the argument is, an empty string where there is none.
    """

    run: Callable[[JSON, Any, Facts], JSON]
    prepare: Callable[[object], Any]
    summary: str
    argument: str = ""


# --- Arguments ---


def _no_argument(raw: object) -> None:
    if raw not in (None, ""):
        raise MappingError("It takes no argument.")


def _text_argument(raw: object) -> str:
    if not isinstance(raw, str) or not raw:
        raise MappingError("It needs a text as its argument.")
    if len(raw) > MAX_ARGUMENT:
        raise MappingError(f"Its argument has at most {MAX_ARGUMENT} characters.")
    values.checked(raw)
    return raw


def _separator_argument(raw: object) -> str:
    return ", " if raw in (None, "") else _text_argument(raw)


def _pattern_argument(raw: object) -> str:
    pattern = _text_argument(raw)
    if len(pattern) > glob.MAX_PATTERN:
        raise MappingError(f"A pattern has at most {glob.MAX_PATTERN} characters.")
    if max(pattern.count("*"), pattern.count("?")) > glob.MAX_WILDCARDS:
        raise MappingError(f"A pattern has at most {glob.MAX_WILDCARDS} of “*” and of “?”.")
    return pattern


def _count_argument(raw: object) -> int:
    count = int(raw) if isinstance(raw, str) and _is_number(raw) else raw
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= values.MAX_ITEMS:
        raise MappingError(f"It needs a number from 1 to {values.MAX_ITEMS} as its argument.")
    return count


def _default_argument(raw: object) -> JSON:
    if values.is_empty(raw):
        raise MappingError("It needs the value to take when there is none.")
    return _simple(raw)


def _table_argument(raw: object) -> dict[str, JSON]:
    if not isinstance(raw, dict) or not raw:
        raise MappingError('It needs a table as its argument, for instance {"staff": "editor"}.')
    if len(raw) > MAX_TABLE:
        raise MappingError(f"A table has at most {MAX_TABLE} entries.")
    if any(not isinstance(name, str) or len(name) > MAX_ARGUMENT for name in raw):
        raise MappingError(f"A table's left side is a text of at most {MAX_ARGUMENT} characters.")
    return {name: _simple(entry) for name, entry in raw.items()}


def _simple(raw: object) -> JSON:
    """A text, number, true or false, or a list of them, of the size of an argument."""
    entries = raw if isinstance(raw, list) else [raw]
    for entry in entries:
        if entry is None or isinstance(entry, (list, dict)):
            raise MappingError(f"It takes a single value or a list of them, not {kind(entry)}.")
        if isinstance(entry, str) and len(entry) > MAX_ARGUMENT:
            raise MappingError(f"A value in its argument has at most {MAX_ARGUMENT} characters.")
    return values.checked(raw)


# --- What the transforms take ---


def _text(value: JSON) -> str:
    if not isinstance(value, str):
        raise MappingError(f"It takes a text or a list of texts, not {kind(value)}.")
    return value


def _single(value: JSON) -> bool | int | float | str:
    if value is None or isinstance(value, (list, dict)):
        raise MappingError(f"It takes single values in a list, not {kind(value)}.")
    return value


def _is_number(text: str) -> bool:
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdigit() and len(digits) <= 16


def _each(work: Callable[[JSON, Any], JSON]) -> Callable[[JSON, Any, Facts], JSON]:
    """Lift a function over single values to lists; no value stays none."""

    def run(value: JSON, arg: Any, _facts: Facts) -> JSON:
        if value is None:
            return None
        if isinstance(value, list):
            return [work(item, arg) for item in value]
        return work(value, arg)

    return run


def _keep(wanted: Callable[[str, str], bool]) -> Callable[[JSON, Any, Facts], JSON]:
    """A filter: the entries of a list that fit; a single text that does not fit becomes none."""

    def run(value: JSON, arg: Any, _facts: Facts) -> JSON:
        if value is None:
            return None
        if isinstance(value, list):
            return [item for item in value if wanted(_text(item), arg)]
        return value if wanted(_text(value), arg) else None

    return run


def _over_list(work: Callable[[list[JSON], Any], JSON]) -> Callable[[JSON, Any, Facts], JSON]:
    """A function over lists that leaves a single value (and none) as it is."""

    def run(value: JSON, arg: Any, _facts: Facts) -> JSON:
        if isinstance(value, dict):
            raise MappingError("It takes a list, not an object.")
        return work(value, arg) if isinstance(value, list) else value

    return run


# --- The transforms ---


def _default(value: JSON, arg: Any, _facts: Facts) -> JSON:
    return arg if values.is_empty(value) else value


def _join(items: list[JSON], separator: str) -> JSON:
    return separator.join(values.as_text(_single(item)) for item in items) if items else None


def _split(value: JSON, arg: Any, _facts: Facts) -> JSON:
    if value is None:
        return None
    if not isinstance(value, str):
        raise MappingError(f"It takes one text, not {kind(value)}.")
    return [part for part in value.split(arg) if part]


def _map_table(value: JSON, arg: Any, _facts: Facts) -> JSON:
    table: Mapping[str, JSON] = arg
    if value is None:
        return None
    if not isinstance(value, list):
        return table.get(_text(value), table.get(OTHERWISE))
    found: list[JSON] = []
    for item in value:
        entry = table.get(_text(item), table.get(OTHERWISE))
        found += entry if isinstance(entry, list) else [] if entry is None else [entry]
        if len(found) > values.MAX_ITEMS:
            raise MappingError(f"The table gives more than {values.MAX_ITEMS} entries.")
    return found


def _template(value: JSON, arg: Any, facts: Facts) -> JSON:
    made: Template = arg
    if not made.uses_value:
        return template.fill(made, value=None, facts=facts)
    if isinstance(value, list):
        texts: list[JSON] = [template.fill(made, value=_single(v), facts=facts) for v in value]
        return [text for text in texts if text is not None]
    return template.fill(made, value=value, facts=facts)


_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


def _to_bool(value: JSON, _arg: Any) -> JSON:
    if isinstance(value, bool):
        return value
    word = values.as_text(_single(value)).strip().lower()
    if word not in _TRUE + _FALSE:
        raise MappingError("It knows true, yes, on, 1 and false, no, off, 0.")
    return word in _TRUE


def _to_int(value: JSON, _arg: Any) -> JSON:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise MappingError(f"It takes a number or a text of digits, not {kind(value)}.")
    if isinstance(value, str):
        if not _is_number(value.strip()):
            raise MappingError("The text is not a whole number of at most 16 digits.")
        return int(value)
    if value != int(value):
        raise MappingError("The number is not whole.")
    return int(value)


def _unique(items: list[JSON], _arg: Any) -> JSON:
    return list({(type(one), one): one for one in map(_single, items)}.values())


def _sort(items: list[JSON], _arg: Any) -> JSON:
    texts = [item for item in items if isinstance(item, str)]
    numbers = [i for i in items if isinstance(i, (int, float)) and not isinstance(i, bool)]
    if len(items) not in (len(texts), len(numbers)):
        raise MappingError("It takes a list of texts or a list of numbers.")
    return [*sorted(texts), *sorted(numbers)]


TRANSFORMS: Mapping[str, Transformer] = {
    "lower": Transformer(_each(lambda v, _: _text(v).lower()), _no_argument, "in small letters"),
    "upper": Transformer(_each(lambda v, _: _text(v).upper()), _no_argument, "in capitals"),
    "trim": Transformer(
        _each(lambda v, _: _text(v).strip()), _no_argument, "without the spaces around it"
    ),
    "default": Transformer(
        _default, _default_argument, "another value where there is none", "that value"
    ),
    "first": Transformer(
        _over_list(lambda v, _: v[0] if v else None), _no_argument, "the first entry of a list"
    ),
    "join": Transformer(
        _over_list(_join), _separator_argument, "a list as one text", "what goes between"
    ),
    "split": Transformer(_split, _text_argument, "one text as a list", "where to cut"),
    "prefix": Transformer(
        _each(lambda v, arg: arg + _text(v)), _text_argument, "with a beginning", "the beginning"
    ),
    "strip_prefix": Transformer(
        _each(lambda v, arg: _text(v).removeprefix(arg)),
        _text_argument,
        "without its beginning",
        "what to cut off where it is there",
    ),
    "filter_prefix": Transformer(
        _keep(str.startswith), _text_argument, "only what begins like this", "the beginning"
    ),
    "filter_glob": Transformer(
        _keep(glob.matches), _pattern_argument, "only what fits", "a pattern with * and ?"
    ),
    "map_table": Transformer(
        _map_table,
        _table_argument,
        "looked up in a table; what is not in it goes away",
        "the table, its entry * for everything else",
    ),
    "template": Transformer(
        _template,
        template.parse,
        "a text of your own",
        "the text, with {value}, profile fields such as {email}, or {attribute.NAME}",
    ),
    "to_bool": Transformer(_each(_to_bool), _no_argument, "a text or number as true or false"),
    "to_int": Transformer(_each(_to_int), _no_argument, "a text of digits as a number"),
    "unique": Transformer(_over_list(_unique), _no_argument, "a list, every entry once"),
    "sort": Transformer(_over_list(_sort), _no_argument, "a list in order"),
    "limit": Transformer(
        _over_list(lambda v, arg: v[:arg]),
        _count_argument,
        "the first entries of a list",
        "how many",
    ),
}
