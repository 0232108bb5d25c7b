"""The statements on the way to a token: read the session, redeem a code, rotate a refresh token.

On SQLite their commit does not wait for the disk. The audit row of the token does, within 100 ms,
and takes everything before it along: a power cut can undo what was issued in that time, a killed
process nothing. Whatever denies, signs in or administers waits for the disk as ever. So these
statements have a connection beside Django's: one for the whole process, because what a connection
has read of the file it must read again after every commit of another.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from contextlib import suppress
from sqlite3 import Connection, Error
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from idp.models import statement

RELAXED = "PRAGMA synchronous=NORMAL"
SMALL = "PRAGMA cache_size=-4000"


class _Process:
    """The relaxed connection of this process, and the file that it is to."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.relaxed: Connection | None = None
        self.file = ""


_process = _Process()
_inherited: list[_Process] = []


def run(sql: str, parameters: Sequence[Any]) -> statement.Rows:
    """Run one statement in its own transaction; returns the rows that it gives."""
    used = statement.connection()
    if not _is_file(used) or used.in_atomic_block or statement.is_watched(used):
        return statement.run(sql, parameters)
    with used.wrap_database_errors, _process.lock:
        try:
            return _relaxed(used).execute(statement.native(sql, used.vendor), parameters).fetchall()
        except Error:
            _forget()
            raise


def _is_file(used: BaseDatabaseWrapper) -> bool:
    """Whether this is SQLite with a disk to wait for."""
    return used.vendor == "sqlite" and not used.is_in_memory_db()  # type: ignore[attr-defined]


def _relaxed(used: BaseDatabaseWrapper) -> Connection:
    """The relaxed connection, to the file that Django uses."""
    file = str(used.settings_dict["NAME"])
    if _process.relaxed is None or _process.file != file:
        _forget()
        opened: Connection = used.get_new_connection(used.get_connection_params())
        opened.isolation_level = None  # each statement commits at its end, as under Django
        opened.execute(RELAXED)
        opened.execute(SMALL)
        _process.relaxed, _process.file = opened, file
    return _process.relaxed


def _forget() -> None:
    """Close it: the next statement opens another."""
    if _process.relaxed is not None:
        with suppress(Error):
            _process.relaxed.close()
    _process.relaxed = None


def _begin_anew() -> None:
    """A forked process must not use what its parent has opened, nor close it or wait for it."""
    global _process
    _inherited.append(_process)
    _process = _Process()


os.register_at_fork(after_in_child=_begin_anew)
