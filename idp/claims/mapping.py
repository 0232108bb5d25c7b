"""Mapping rows: claim ← source | transform | transform, as data (`ClaimMapping` in plain values).

`parse_row` decides at save what a row may be; `stored_row` reads one that was saved and never
raises: a row that is no longer valid becomes one that denies its claim. `apply` gives a row's value
or raises MappingError. Which claim goes where is decided in `release`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from idp.claims import facts as sources
from idp.claims import standard, values
from idp.claims.errors import MappingError, unknown
from idp.claims.facts import Facts
from idp.claims.template import Template
from idp.claims.transforms import TRANSFORMS
from idp.claims.values import JSON
from idp.protocol import scope as scope_syntax

ID_TOKEN, USERINFO, ACCESS_TOKEN, SAML = "id_token", "userinfo", "access_token", "saml"
DESTINATIONS = (ID_TOKEN, USERINFO, ACCESS_TOKEN, SAML)

NAME_FORMAT_URI = "urn:oasis:names:tc:SAML:2.0:attrname-format:uri"
NAME_FORMAT_BASIC = "urn:oasis:names:tc:SAML:2.0:attrname-format:basic"
NAME_FORMAT_UNSPECIFIED = "urn:oasis:names:tc:SAML:2.0:attrname-format:unspecified"
_NAME_FORMATS = {  # SAML Core §8.2; SAML2Int SDP-IDP18: uri unless said otherwise
    "": NAME_FORMAT_URI,
    "uri": NAME_FORMAT_URI,
    "basic": NAME_FORMAT_BASIC,
    "unspecified": NAME_FORMAT_UNSPECIFIED,
}

MAX_CLAIM = 256
MAX_KEY = 250
MAX_SCOPE = 100
MAX_NAME = 100
MAX_TRANSFORMS = 16


class Transform(NamedTuple):
    """One step: a name of the closed list and its argument, checked and prepared at save."""

    name: str
    arg: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One mapping row. `position`: counted from 1 for messages. `broken`: why it gives nothing.

    `scope`: OIDC only; released only if it is granted; empty means always.
    `name_format`: SAML only, a full URI.
    """

    claim: str
    source: str
    key: str = ""
    transforms: tuple[Transform, ...] = ()
    destinations: frozenset[str] = frozenset()
    scope: str = ""
    name_format: str = NAME_FORMAT_URI
    friendly_name: str = ""
    position: int = 0
    broken: str = ""

    @property
    def reads_person(self) -> bool:
        """Whether its value depends on the person."""
        return self.source in sources.PERSONAL_SOURCES or any(
            step.name == "template" for step in self.transforms
        )

    @property
    def attributes(self) -> tuple[str, ...]:
        """The custom attributes that it reads, by itself or in a template."""
        own = (self.key,) if self.source == sources.ATTRIBUTE else ()
        templates = [step.arg for step in self.transforms if isinstance(step.arg, Template)]
        return own + tuple(n for made in templates for n in made.names(sources.ATTRIBUTE))

    def describe_source(self) -> str:
        """Where the value comes from, as `user.email | lower`; never a constant's value."""
        key = "" if self.source == sources.CONSTANT else self.key
        origin = f"{self.source}.{key}" if key else self.source
        return " | ".join((origin, *(step.name for step in self.transforms)))


class StoredRow(Protocol):
    """What a saved row looks like: the columns of `idp.models.ClaimMapping`."""

    position: int
    claim: str
    source: str
    key: str
    transforms: Any
    to_id_token: bool
    to_userinfo: bool
    to_access_token: bool
    to_saml: bool
    scope: str
    name_format: str
    friendly_name: str


def apply(row: Row, facts: Facts) -> JSON:
    """The value of a row for these facts, None if there is none; raises MappingError alone."""
    if row.broken:
        raise MappingError(row.broken, position=row.position)
    step = 0
    try:
        value = values.checked(sources.look_up(facts, source=row.source, key=row.key))
        for transform in row.transforms:
            step += 1
            run = TRANSFORMS[transform.name].run
            value = values.checked(run(value, transform.arg, facts))
    except MappingError as error:
        field = "transforms" if step else "key"
        raise error.at(position=row.position, step=step, field=field) from None
    except Exception as error:  # whatever fails denies the claim, not the whole answer
        raise MappingError("It failed unexpectedly.", position=row.position, step=step) from error
    return value


def parse_row(raw: Mapping[str, object], *, position: int = 0) -> Row:
    """Check one row as an administrator gives it; raises MappingError with field, place and hint.

    `raw`: claim, source, key, transforms (a list of {"name": …, "arg": …}), scope, name_format,
    friendly_name, and where it goes: `destinations` (names) or the flags to_id_token, to_userinfo,
    to_access_token, to_saml.
    """
    try:
        destinations = _destinations(raw)
        source = _choice("source", raw.get("source"), sources.SOURCES)
        return Row(
            claim=_claim(raw.get("claim"), destinations=destinations),
            source=source,
            key=_key(raw.get("key"), source=source),
            transforms=_transforms(raw.get("transforms")),
            destinations=destinations,
            scope=_scope(raw.get("scope")),
            name_format=_name_format(raw.get("name_format")),
            friendly_name=_words("friendly_name", raw.get("friendly_name"), limit=MAX_NAME),
            position=position,
        )
    except MappingError as error:
        raise error.at(position=position) from None


def remarks(row: Row, *, attributes: Collection[str]) -> tuple[str, ...]:
    """What an administrator should read although the row can be saved.

    `attributes`: the custom attributes that people have (`attributes.names`); a row may read one
    that nobody has yet, but it may as well be a slip.
    """
    missing = (name for name in row.attributes if name not in attributes)
    errors = (
        unknown("person yet with the attribute", name, attributes, field="key").at(
            position=row.position
        )
        for name in missing
    )
    return tuple(str(error) for error in errors)


def columns(stored: StoredRow) -> dict[str, object]:
    """A saved (or drafted) `ClaimMapping` as `parse_row` wants it."""
    flags = {f"to_{name}": getattr(stored, f"to_{name}") for name in DESTINATIONS}
    names = ("claim", "source", "key", "transforms", "scope", "name_format", "friendly_name")
    return {**{name: getattr(stored, name) for name in names}, **flags}


def stored_row(stored: StoredRow, *, position: int = 0) -> Row:
    """A saved row; one that would not be saved today denies its claim and says why."""
    raw = columns(stored)
    try:
        return parse_row(raw, position=position)
    except MappingError as error:
        return Row(
            claim=str(raw["claim"])[:MAX_CLAIM],
            source=sources.CONSTANT,
            destinations=frozenset(name for name in DESTINATIONS if raw.get(f"to_{name}")),
            position=position,
            broken=error.message,
        )


def stored_rows(stored: Iterable[StoredRow]) -> tuple[Row, ...]:
    """An application's saved rows in their order, numbered from 1 as the form shows them."""
    return tuple(stored_row(row, position=number) for number, row in enumerate(stored, start=1))


def _destinations(raw: Mapping[str, object]) -> frozenset[str]:
    named = raw.get("destinations")
    if named is None:
        named = [name for name in DESTINATIONS if raw.get(f"to_{name}") is True]
    if not isinstance(named, (list, tuple, set, frozenset)) or not named:
        raise MappingError("Say where the claim goes: tick at least one box.", field="destinations")
    return frozenset(_choice("destinations", name, DESTINATIONS) for name in named)


def _claim(raw: object, *, destinations: frozenset[str]) -> str:
    claim = _words("claim", raw, limit=MAX_CLAIM, spaces=False)
    if not claim:
        raise MappingError("The claim needs a name.", field="claim")
    if destinations == {SAML}:
        return claim
    if claim in standard.RESERVED or claim.startswith(standard.RESERVED_PREFIX):
        raise MappingError(
            f"“{claim}” is said by the protocol itself; a mapping cannot set it.", field="claim"
        )
    return claim


def _key(raw: object, *, source: str) -> str:
    if source == sources.CONSTANT:
        return _words("key", raw, limit=MAX_KEY)
    key = _words("key", raw, limit=MAX_KEY)
    known = sources.keys(source)
    if known == ():
        if key:
            raise MappingError(
                f"The source “{source}” has no fields; leave this empty.", field="key"
            )
        return ""
    if not key:
        raise MappingError(f"Say which field of the source “{source}” it is.", field="key")
    if known is not None and key not in known:
        raise unknown(f"field of the source “{source}” called", key, known, field="key")
    return key


def _transforms(raw: object) -> tuple[Transform, ...]:
    if raw in (None, ""):
        return ()
    if not isinstance(raw, (list, tuple)):
        raise MappingError('Transforms are a list of {"name": …, "arg": …}.', field="transforms")
    if len(raw) > MAX_TRANSFORMS:
        raise MappingError(f"A row has at most {MAX_TRANSFORMS} transforms.", field="transforms")
    return tuple(_transform(step, number=number) for number, step in enumerate(raw, start=1))


def _transform(raw: object, *, number: int) -> Transform:
    try:
        if not isinstance(raw, Mapping) or not set(raw) <= {"name", "arg"}:
            raise MappingError('A transform has a "name" and, for some, an "arg".')
        name = raw.get("name")
        if not isinstance(name, str) or name not in TRANSFORMS:
            raise unknown("transform", str(name), TRANSFORMS, field="transforms")
        return Transform(name, TRANSFORMS[name].prepare(raw.get("arg")))
    except MappingError as error:
        raise error.at(step=number, field="transforms") from None


def _scope(raw: object) -> str:
    """One scope token or nothing (RFC 6749 §3.3)."""
    scope = _words("scope", raw, limit=MAX_SCOPE, spaces=False)
    if scope and not scope_syntax.is_token(scope):
        raise MappingError("That is not the name of a scope.", field="scope")
    return scope


def _name_format(raw: object) -> str:
    text = _words("name_format", raw, limit=MAX_NAME, spaces=False)
    full = _NAME_FORMATS.get(text, text)
    if ":" not in full:
        raise unknown("name format", text, [n for n in _NAME_FORMATS if n], field="name_format")
    return full


def _choice(field: str, raw: object, known: Sequence[str]) -> str:
    if not isinstance(raw, str) or raw not in known:
        kind = "destination" if field == "destinations" else field
        raise unknown(kind, str(raw), known, field=field)
    return raw


def _words(field: str, raw: object, *, limit: int, spaces: bool = True) -> str:
    """A text without control characters, within its column."""
    if raw is None:
        return ""
    if not isinstance(raw, str):
        raise MappingError(f"It must be a text, not {values.kind(raw)}.", field=field)
    if len(raw) > limit:
        raise MappingError(f"It has at most {limit} characters.", field=field)
    if not all(c.isprintable() and (spaces or not c.isspace()) for c in raw):
        blanks = "" if spaces else "spaces, "
        raise MappingError(f"It holds {blanks}line breaks or control characters.", field=field)
    return raw
