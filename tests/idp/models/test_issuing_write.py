"""The write behind an issued token: relaxed for itself alone, on SQLite alone."""

from __future__ import annotations

import sqlite3

import pytest
from django.db import ConnectionHandler, DatabaseError

from idp import database
from idp.models import ThrottleBucket, issuing_write, statement

INSERT = "INSERT INTO idp_throttlebucket (key, arrival) VALUES (%s, %s) RETURNING key"
COUNT = "SELECT count(*) FROM idp_throttlebucket"
FULL, NORMAL = 2, 1


@pytest.fixture
def file(tmp_path, monkeypatch, django_db_blocker):
    """This thread's connection, to a file of its own with that one table."""
    handler = ConnectionHandler({"default": database.configuration("", data_dir=tmp_path)})
    used = handler["default"]
    monkeypatch.setattr(statement._thread, "connection", used)
    with django_db_blocker.unblock():
        statement.run("CREATE TABLE idp_throttlebucket (key text PRIMARY KEY, arrival real)")
        yield used
        issuing_write._forget()
        used.close()


def durability(connection) -> int:
    return int(connection.execute("PRAGMA synchronous").fetchone()[0])


@pytest.mark.django_db(transaction=True)
def test_gives_what_the_statement_returns():
    assert issuing_write.execute(INSERT, ["a", 1.0]) == [("a",)]
    assert ThrottleBucket.objects.count() == 1


def test_only_this_write_does_not_wait_for_the_disk(file):
    assert issuing_write.execute(INSERT, ["a", 1.0]) == [("a",)]
    assert durability(issuing_write._thread.relaxed) == NORMAL
    assert durability(file.connection) == FULL
    assert statement.run(COUNT) == [(1,)], "Django's connection sees it at once"
    another = sqlite3.connect(file.settings_dict["NAME"])
    assert another.execute(COUNT).fetchone() == (1,), "it is committed"
    another.close()


def test_an_error_has_djangos_name_and_the_next_write_works(file):
    issuing_write.execute(INSERT, ["a", 1.0])
    with pytest.raises(DatabaseError):
        issuing_write.execute(INSERT, ["a", 1.0])
    assert issuing_write.execute(INSERT, ["b", 1.0]) == [("b",)]
    assert durability(file.connection) == FULL


def test_goes_where_django_goes(file):
    issuing_write.execute(INSERT, ["a", 1.0])
    earlier = issuing_write._thread.relaxed
    file.close()
    issuing_write.execute(INSERT, ["b", 1.0])
    assert issuing_write._thread.relaxed is not earlier


def test_inside_a_transaction_it_belongs_to_it(file):
    statement.run("BEGIN")
    file.in_atomic_block = True
    issuing_write.execute(INSERT, ["a", 1.0])
    file.in_atomic_block = False
    statement.run("ROLLBACK")
    assert statement.run(COUNT) == [(0,)]
