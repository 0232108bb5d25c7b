"""The write behind an issued token: relaxed for itself alone, on SQLite alone."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection

from idp.models import ThrottleBucket, issuing_write

INSERT = "INSERT INTO idp_throttlebucket (key, arrival) VALUES (%s, %s) RETURNING key"


def durability() -> int:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous")
        return int(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
def test_gives_what_the_statement_returns():
    assert issuing_write.execute(INSERT, ["a", 1.0]) == [("a",)]
    assert ThrottleBucket.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_next_write_waits_for_the_disk_again():
    if connection.vendor != "sqlite":
        return
    before = durability()
    issuing_write.execute(INSERT, ["a", 1.0])
    assert durability() == before == 2
    with pytest.raises(DatabaseError):
        issuing_write.execute(INSERT, ["a", 1.0])
    assert durability() == 2
