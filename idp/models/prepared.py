"""Statements that PostgreSQL keeps under a name, run in one call of libpq.

psycopg's cursor waits for the socket step by step and describes every column of an answer: that is
most of what a short statement costs on our side. What it does with values stays: its adapters, as
Django has set them up, write the parameters and read the rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from psycopg import Connection, OperationalError, errors
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq import ConnStatus, DiagnosticField, ExecStatus

Rows = list[tuple[Any, ...]]
Types = tuple[int, ...]

NO_SUCH_NAME = b"26000"


class Statements:
    """What one connection has prepared; it belongs to one thread, as the connection does."""

    def __init__(self, connection: Connection[Any]) -> None:
        self.connection = connection
        self._transformer = Transformer(connection)
        self._names: dict[tuple[str, Types], bytes] = {}
        self._made = 0

    def run(self, sql: str, parameters: Sequence[Any]) -> Rows:
        """Run a statement in a transaction of its own.

        Returns the rows that it gives, none if it gives none. Raises psycopg's errors.
        """
        transformer = self._transformer
        values = transformer.dump_sequence(parameters, [PyFormat.AUTO] * len(parameters))
        result = self._execute(numbered(sql), transformer.types or (), values, transformer.formats)
        if result.status == ExecStatus.TUPLES_OK:
            transformer.set_pgresult(result)
            return transformer.load_rows(0, result.ntuples, tuple)
        self._demand(result)
        return []

    def _execute(self, sql: str, types: Types, values: Any, formats: Any) -> Any:
        """Run it by its name. psycopg takes all names back after a rollback (DEALLOCATE ALL)."""
        server = self.connection.pgconn
        name = self._names.get((sql, types)) or self._prepare(sql, types)
        result = server.exec_prepared(name, values, formats)
        if result.status != ExecStatus.FATAL_ERROR or _state(result) != NO_SUCH_NAME:
            return result
        self._names.clear()
        return server.exec_prepared(self._prepare(sql, types), values, formats)

    def _prepare(self, sql: str, types: Types) -> bytes:
        """One text has several names where parameters of several types are given to it."""
        self._made += 1
        name = b"gatehouse_%d" % self._made
        self._demand(self.connection.pgconn.prepare(name, sql.encode(), types))
        self._names[sql, types] = name
        return name

    def _demand(self, result: Any) -> None:
        """Raise what the server says, if it did not do what it was asked."""
        if result.status == ExecStatus.COMMAND_OK:
            return
        if self.connection.pgconn.status == ConnStatus.BAD:
            raise OperationalError(self.connection.pgconn.get_error_message())
        raise errors.error_from_result(result, self.connection.info.encoding)


def _state(result: Any) -> bytes | None:
    state: bytes | None = result.error_field(DiagnosticField.SQLSTATE)
    return state


@lru_cache(maxsize=256)
def numbered(sql: str) -> str:
    """The statement with PostgreSQL's own placeholders in place of `%s`."""
    count = sql.replace("%%", "").count("%s")
    return sql % tuple(f"${number}" for number in range(1, count + 1))
