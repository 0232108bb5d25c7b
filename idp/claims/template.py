"""The `template` transform: `{name}` is replaced by a dictionary look-up, and nothing else happens.

No format specifications, no attribute access, no escapes, one pass: what a person's own value
contains is never looked at again. Names: `{value}` (the row's value so far), a profile field as in
`{email}`, or `{attribute.NAME}` for a custom attribute.
"""

from __future__ import annotations

from typing import NamedTuple

from idp.claims import facts as sources
from idp.claims import values
from idp.claims.errors import MappingError, unknown
from idp.claims.facts import Facts
from idp.claims.values import JSON

MAX_TEMPLATE = 1000
MAX_NAMES = 20
VALUE = "value"


class Name(NamedTuple):
    """One `{name}`: `source` is value, user or attribute."""

    source: str
    key: str


class Template(NamedTuple):
    """A template taken apart: literal texts and names in turn."""

    parts: tuple[str | Name, ...]

    @property
    def uses_value(self) -> bool:
        """Whether it holds `{value}`."""
        return any(isinstance(part, Name) and part.source == VALUE for part in self.parts)

    def names(self, source: str) -> tuple[str, ...]:
        """The keys that it reads from one source."""
        found = (part for part in self.parts if isinstance(part, Name))
        return tuple(name.key for name in found if name.source == source)


def parse(text: object) -> Template:
    """Take a template apart; raises MappingError for unknown names and stray braces."""
    if not isinstance(text, str) or not text:
        raise MappingError("template needs a text, for instance “{given_name} {family_name}”.")
    if len(text) > MAX_TEMPLATE:
        raise MappingError(f"A template has at most {MAX_TEMPLATE} characters.")
    values.checked(text)
    head, *rest = text.split("{")
    if len(rest) > MAX_NAMES:
        raise MappingError(f"A template has at most {MAX_NAMES} names.")
    parts: list[str | Name] = [_literal(head)]
    for piece in rest:
        name, closed, literal = piece.partition("}")
        if not closed:
            raise MappingError("A “{” in the template is never closed.")
        parts += [_name(name), _literal(literal)]
    return Template(tuple(part for part in parts if part))


def fill(template: Template, *, value: JSON, facts: Facts) -> str | None:
    """The filled-in text; None as soon as one of the names has no value, never half a text."""
    pieces: list[str] = []
    for part in template.parts:
        piece = (
            part
            if isinstance(part, str)
            else values.as_text(_look_up(part, value=value, facts=facts))
        )
        if piece == "":
            return None
        pieces.append(piece)
    length = sum(len(piece) for piece in pieces)
    if length > values.MAX_TEXT:
        raise MappingError(f"The template gives more than {values.MAX_TEXT} characters.")
    return "".join(pieces)


def _look_up(name: Name, *, value: JSON, facts: Facts) -> JSON:
    if name.source == VALUE:
        return value
    if facts.person is None:
        return None
    return values.checked(sources.of_person(facts.person, source=name.source, key=name.key))


def _literal(text: str) -> str:
    if "}" in text:
        raise MappingError("A “}” in the template was never opened.")
    return text


def _name(text: str) -> Name:
    if text == VALUE:
        return Name(VALUE, "")
    attribute = text.removeprefix("attribute.")
    if attribute != text and attribute:
        return Name(sources.ATTRIBUTE, attribute)
    if text in sources.USER_KEYS:
        return Name(sources.USER, text)
    known = (*sources.USER_KEYS, VALUE, "attribute.…")
    raise unknown("name for a template called", text, known, field="transforms")
