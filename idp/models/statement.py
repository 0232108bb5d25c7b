"""Run a statement written out by hand without Django's cursor, which costs more than it does.

On SQLite that is the driver's own; on PostgreSQL libpq itself, by the name of what is prepared.

What Django's layer is for stays: the connection of this thread is opened and checked as ever,
errors come under Django's names and mark it as failed. Where somebody watches (a log of queries, a
wrapper), or in a transaction that is broken, its own cursor is used.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

if TYPE_CHECKING:
    from idp.models import prepared

Rows = list[tuple[Any, ...]]


class _Thread(threading.local):
    """What belongs to one thread: looking its connection up takes longer than using it."""

    def __init__(self) -> None:
        self.connection: BaseDatabaseWrapper = connections[DEFAULT_DB_ALIAS]
        self.prepared: prepared.Statements | None = None


_thread = _Thread()


def connection() -> BaseDatabaseWrapper:
    """This thread's connection to the database."""
    return _thread.connection


def run(sql: str, parameters: Sequence[Any] = ()) -> Rows:
    """Run one statement; returns the rows that it gives, none if it gives none."""
    used = _thread.connection
    if is_watched(used):
        return _watched(used, sql, parameters)
    used.close_if_health_check_failed()
    if used.connection is None:
        used.ensure_connection()
    with used.wrap_database_errors:
        if used.vendor == "postgresql" and not used.in_atomic_block:
            return _prepared(used).run(sql, parameters)
        cursor = used.connection.execute(native(sql, used.vendor), parameters)
        return cursor.fetchall() if cursor.description else []


def _prepared(used: BaseDatabaseWrapper) -> prepared.Statements:
    """What this thread's connection has prepared; a new connection begins anew."""
    held = _thread.prepared
    if held is None or held.connection is not used.connection:
        from idp.models import prepared  # it brings the driver, which SQLite does not need

        held = _thread.prepared = prepared.Statements(used.connection)
    return held


def is_watched(used: BaseDatabaseWrapper) -> bool:
    """Whether Django's own cursor has to be used."""
    return bool(used.execute_wrappers or used.force_debug_cursor or used.needs_rollback)


def _watched(used: BaseDatabaseWrapper, sql: str, parameters: Sequence[Any]) -> Rows:
    with used.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall()) if cursor.description else []


@lru_cache(maxsize=256)
def native(sql: str, vendor: str) -> str:
    """The statement with the driver's placeholders."""
    if vendor != "sqlite":
        return sql
    return sql % (("?",) * sql.replace("%%", "").count("%s"))
