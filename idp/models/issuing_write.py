"""The one write behind an issued token, written out by hand: redeem a code, rotate a refresh token.

On SQLite its commit does not wait for the disk. The audit row of the token does, within 100 ms,
and takes everything before it along: a power cut can undo what was issued in that time, a killed
process nothing. Whatever denies, signs in or administers waits for the disk as ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from idp.models import statement

RELAXED = "PRAGMA synchronous=NORMAL"
DURABLE = "PRAGMA synchronous=FULL"


def execute(sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Run one statement in its own transaction; returns the rows of its RETURNING."""
    connection = statement.connection()
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        return statement.run(sql, parameters)
    statement.run(RELAXED)
    try:
        return statement.run(sql, parameters)
    finally:
        statement.run(DURABLE)
