"""The statements on the way to a token: relaxed for themselves alone, on SQLite alone."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import ConnectionHandler, DatabaseError

from idp import database
from idp.models import ThrottleBucket, statement, token_statement

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
        token_statement._forget()
        used.close()


def durability(connection) -> int:
    return int(connection.execute("PRAGMA synchronous").fetchone()[0])


@pytest.mark.django_db(transaction=True)
def test_gives_what_the_statement_returns():
    assert token_statement.run(INSERT, ["a", 1.0]) == [("a",)]
    assert ThrottleBucket.objects.count() == 1


def test_only_this_write_does_not_wait_for_the_disk(file):
    assert token_statement.run(INSERT, ["a", 1.0]) == [("a",)]
    assert durability(token_statement._process.relaxed) == NORMAL
    assert durability(file.connection) == FULL
    assert statement.run(COUNT) == [(1,)], "Django's connection sees it at once"
    another = sqlite3.connect(file.settings_dict["NAME"])
    assert another.execute(COUNT).fetchone() == (1,), "it is committed"
    another.close()


def test_an_error_has_djangos_name_and_the_next_write_works(file):
    token_statement.run(INSERT, ["a", 1.0])
    with pytest.raises(DatabaseError):
        token_statement.run(INSERT, ["a", 1.0])
    assert token_statement.run(INSERT, ["b", 1.0]) == [("b",)]
    assert durability(file.connection) == FULL


def test_goes_where_django_goes(file, tmp_path, monkeypatch):
    token_statement.run(INSERT, ["a", 1.0])
    handler = ConnectionHandler({"default": database.configuration("", data_dir=tmp_path.parent)})
    monkeypatch.setattr(statement._thread, "connection", handler["default"])
    statement.run("CREATE TABLE idp_throttlebucket (key text PRIMARY KEY, arrival real)")
    token_statement.run(INSERT, ["a", 1.0])
    assert statement.run(COUNT) == [(1,)]
    handler["default"].close()


def test_is_one_connection_for_all_threads(file):
    token_statement.run(INSERT, ["a", 1.0])
    shared = token_statement._process.relaxed

    def insert(key):
        statement._thread.connection = file
        token_statement.run(INSERT, [key, 1.0])
        return token_statement._process.relaxed

    with ThreadPoolExecutor(8) as pool:
        used = set(pool.map(insert, [f"key {number}" for number in range(200)]))
    assert used == {shared}
    assert statement.run(COUNT) == [(201,)]


def test_a_forked_process_opens_its_own(file):
    token_statement.run(INSERT, ["a", 1.0])
    mine = token_statement._process.relaxed
    token_statement._begin_anew()
    token_statement.run(INSERT, ["b", 1.0])
    assert token_statement._process.relaxed is not mine
    assert mine.execute(COUNT).fetchone() == (2,), "the parent's is still open"


def test_inside_a_transaction_it_belongs_to_it(file):
    statement.run("BEGIN")
    file.in_atomic_block = True
    token_statement.run(INSERT, ["a", 1.0])
    file.in_atomic_block = False
    statement.run("ROLLBACK")
    assert statement.run(COUNT) == [(0,)]
