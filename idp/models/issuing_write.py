"""The one write behind an issued token, written out by hand: redeem a code, rotate a refresh token.

On SQLite its commit does not wait for the disk. The audit row of the token does, within 100 ms,
and takes everything before it along: a power cut can undo what was issued in that time, a killed
process nothing. Whatever denies, signs in or administers waits for the disk as ever. So these
writes have a connection of their own in each thread, beside Django's.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress
from sqlite3 import Connection, Error
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from idp.models import statement

RELAXED = "PRAGMA synchronous=NORMAL"
SMALL = "PRAGMA cache_size=-1000"


class _Thread(threading.local):
    """The thread's relaxed connection, and Django's that it was opened beside."""

    relaxed: Connection | None = None
    beside: Connection | None = None


_thread = _Thread()


def execute(sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Run one statement in its own transaction; returns the rows of its RETURNING."""
    used = statement.connection()
    if not _is_file(used) or used.in_atomic_block or statement.is_watched(used):
        return statement.run(sql, parameters)
    with used.wrap_database_errors:
        try:
            return _relaxed(used).execute(statement.native(sql, used.vendor), parameters).fetchall()
        except Error:
            _forget()
            raise


def _is_file(used: BaseDatabaseWrapper) -> bool:
    """Whether this is SQLite with a disk to wait for."""
    return used.vendor == "sqlite" and not used.is_in_memory_db()  # type: ignore[attr-defined]


def _relaxed(used: BaseDatabaseWrapper) -> Connection:
    """The relaxed connection, opened anew whenever Django's was."""
    if used.connection is None:
        used.ensure_connection()
    if _thread.relaxed is None or _thread.beside is not used.connection:
        _forget()
        opened: Connection = used.get_new_connection(used.get_connection_params())
        opened.isolation_level = None  # each statement commits at its end, as under Django
        opened.execute(RELAXED)
        opened.execute(SMALL)
        _thread.relaxed, _thread.beside = opened, used.connection
    return _thread.relaxed


def _forget() -> None:
    """Close it: the next write opens another."""
    if _thread.relaxed is not None:
        with suppress(Error):
            _thread.relaxed.close()
    _thread.relaxed = _thread.beside = None
