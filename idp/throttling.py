"""Throttles in the database, shared by all processes: the generic cell rate algorithm.

A bucket is one row: the instant at which it would be empty again. A try moves it by one
emission interval, in one statement that fails when the bucket is full, so parallel tries cannot
slip through. Owns no policy: who is throttled how is decided where something is tried.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from django.db import connection, transaction

TAKE = (
    "INSERT INTO idp_throttlebucket (key, arrival) VALUES (%s, %s)"
    " ON CONFLICT (key) DO UPDATE SET"
    " arrival = {greatest}(idp_throttlebucket.arrival, %s) + %s"
    " WHERE {greatest}(idp_throttlebucket.arrival, %s) + %s <= %s"
    " RETURNING arrival"
)
GIVE_BACK = "UPDATE idp_throttlebucket SET arrival = arrival - %s WHERE key = %s"
READ = "SELECT arrival FROM idp_throttlebucket WHERE key = %s"
TOLERANCE = 1e-6


def key(scope: str, *parts: object) -> str:
    """The key of a bucket: the scope in clear, what it is about hashed (at most 80 characters)."""
    about = "\x00".join(str(part) for part in parts)
    return f"{scope[:39]}:{hashlib.sha256(about.encode('utf-8', 'replace')).hexdigest()[:40]}"


def take(bucket: str, *, limit: int, per: timedelta, now: datetime) -> timedelta | None:
    """Count one try against `limit` tries in `per`; None if it fits in, else how long to wait.

    A refused try is not counted. `limit` tries may come at once, then one in every `per / limit`.
    """
    interval = per.total_seconds() / limit
    instant = now.timestamp()
    latest = instant + per.total_seconds() + TOLERANCE
    greatest = "MAX" if connection.vendor == "sqlite" else "GREATEST"
    with connection.cursor() as cursor:
        cursor.execute(
            TAKE.format(greatest=greatest),
            [bucket, instant + interval, instant, interval, instant, interval, latest],
        )
        if cursor.fetchall():
            return None
        cursor.execute(READ, [bucket])
        row = cursor.fetchone()
    arrival = row[0] if row else instant
    return timedelta(seconds=max(1.0, arrival + interval - latest))


def give_back(*buckets: str, limit: int, per: timedelta) -> None:
    """Undo one `take` of each bucket with the same limit: the try turned out not to count."""
    interval = per.total_seconds() / limit
    with transaction.atomic(), connection.cursor() as cursor:
        for bucket in buckets:
            cursor.execute(GIVE_BACK, [interval, bucket])
