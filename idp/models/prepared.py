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
from psycopg.pq import ConnStatus, ExecStatus

Rows = list[tuple[Any, ...]]


class Statements:
    """What one connection has prepared; it belongs to one thread, as the connection does."""

    def __init__(self, connection: Connection[Any]) -> None:
        self.connection = connection
        self._transformer = Transformer(connection)
        self._names: dict[tuple[str, tuple[int, ...]], bytes] = {}

    def run(self, sql: str, parameters: Sequence[Any]) -> Rows:
        """Run a statement with the placeholders of `numbered()`, in a transaction of its own.

        Returns the rows that it gives, none if it gives none. Raises psycopg's errors.
        """
        transformer, server = self._transformer, self.connection.pgconn
        values = transformer.dump_sequence(parameters, [PyFormat.AUTO] * len(parameters))
        types = transformer.types or ()
        name = self._names.get((sql, types)) or self._prepare(sql, types)
        # NULL is None, which psycopg passes itself and its types leave out.
        result = server.exec_prepared(name, values, transformer.formats)  # type: ignore[arg-type]
        if result.status == ExecStatus.TUPLES_OK:
            transformer.set_pgresult(result)
            return transformer.load_rows(0, result.ntuples, tuple)
        self._demand(result)
        return []

    def _prepare(self, sql: str, types: tuple[int, ...]) -> bytes:
        """One text has several names where parameters of several types are given to it."""
        name = b"gatehouse_%d" % len(self._names)
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


@lru_cache(maxsize=256)
def numbered(sql: str) -> str:
    """The statement with PostgreSQL's own placeholders in place of `%s`."""
    count = sql.replace("%%", "").count("%s")
    return sql % tuple(f"${number}" for number in range(1, count + 1))
