"""Identifiers of rows: 16 bytes that begin with their creation time (RFC 9562 §5.7, version 7)."""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime
from functools import cache
from typing import overload

from django.db import connection

from idp.randomness import random_bytes

_UNKNOWN = uuid.SafeUUID.unknown


def new_id() -> uuid.UUID:
    """A new time-ordered identifier: 48 bits of milliseconds, 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    return _version_7(milliseconds, int.from_bytes(random_bytes(10), "big") >> 6)


def new_ids(count: int) -> list[uuid.UUID]:
    """As many new identifiers, all of this millisecond and each above the one before."""
    milliseconds = time.time_ns() // 1_000_000
    noise = random_bytes(10 * count)
    numbers = [int.from_bytes(noise[at : at + 10], "big") >> 6 for at in range(0, len(noise), 10)]
    return [_version_7(milliseconds, number) for number in sorted(numbers)]


def from_bytes(value: bytes) -> uuid.UUID:
    """The identifier of these 16 bytes.

    As `uuid.UUID(bytes=…)`, which takes three times as long to find out what it was given.
    """
    return _of_number(int.from_bytes(value, "big"))


def _of_number(number: int) -> uuid.UUID:
    made = object.__new__(uuid.UUID)
    object.__setattr__(made, "int", number)
    object.__setattr__(made, "is_safe", _UNKNOWN)
    return made


def lowest_id(moment: datetime) -> uuid.UUID:
    """The smallest identifier of that millisecond: the bound of a range over creation times."""
    return _version_7(int(moment.timestamp() * 1000), 0)


def _version_7(milliseconds: int, noise: int) -> uuid.UUID:
    value = (milliseconds & (1 << 48) - 1) << 80
    value |= 7 << 76 | (noise >> 62) << 64
    value |= 2 << 62 | noise & (1 << 62) - 1
    return _of_number(value)


@cache
def _is_sqlite() -> bool:
    """Whether rows are kept by SQLite; which database it is never changes in a process."""
    return connection.vendor == "sqlite"


def db_id(value: uuid.UUID | None) -> uuid.UUID | str | None:
    """An identifier as a parameter of a statement written out by hand."""
    if value is None or not _is_sqlite():
        return value
    return value.hex


@overload
def from_db_id(value: uuid.UUID | str) -> uuid.UUID: ...
@overload
def from_db_id(value: None) -> None: ...
def from_db_id(value: uuid.UUID | str | None) -> uuid.UUID | None:
    """An identifier out of a row that a statement written by hand returned."""
    if value is None or isinstance(value, uuid.UUID):
        return value
    return _of_number(int(value, 16))


def db_instant(value: datetime | None) -> datetime | str | None:
    """An aware instant as a parameter of a statement written out by hand."""
    if value is None or not _is_sqlite():
        return value
    if value.tzinfo is not UTC:
        value = value.astimezone(UTC)
    return value.isoformat(" ")[:-6]


@overload
def from_db_instant(value: datetime | str) -> datetime: ...
@overload
def from_db_instant(value: None) -> None: ...
def from_db_instant(value: datetime | str | None) -> datetime | None:
    """An aware instant out of a row that a statement written by hand returned."""
    if value is None:
        return None
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    return value if value.tzinfo is not None else value.replace(tzinfo=UTC)
