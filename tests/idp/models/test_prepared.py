"""Statements prepared once on a connection to PostgreSQL."""

from __future__ import annotations

import threading
import time
import uuid
from datetime import UTC, datetime

import psycopg
import pytest
from django.db import DatabaseError, IntegrityError, OperationalError, connection, transaction

from idp.models import ThrottleBucket, prepared, statement

outside_transactions = pytest.mark.django_db(transaction=True)

KEPT = "SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'gatehouse%%'"


def test_numbers_the_placeholders() -> None:
    assert prepared.numbered("SELECT %s, '100%%', %s") == "SELECT $1, '100%', $2"
    assert prepared.numbered("SELECT '100%%'") == "SELECT '100%'"


@pytest.mark.postgresql
@outside_transactions
def test_values_come_back_as_djangos_cursor_gives_them() -> None:
    sql = (
        "SELECT CAST(%s AS uuid), CAST(%s AS timestamptz), CAST(%s AS jsonb), CAST(%s AS bytea),"
        " CAST(%s AS text), CAST(%s AS boolean), CAST(%s AS integer), CAST(%s AS text)"
    )
    now = datetime(2026, 11, 28, 12, 0, 0, 123456, tzinfo=UTC)
    given = [uuid.uuid4(), now, '{"a": [1]}', b"\x00\xff", "it's \\ \u00fc", True, 7, None]
    with connection.cursor() as cursor:
        cursor.execute(sql, given)
        assert statement.run(sql, given) == cursor.fetchall()


@pytest.mark.postgresql
@outside_transactions
def test_prepares_once_for_each_kind_of_values() -> None:
    connection.close()
    for number in (1, 2, 3):
        assert statement.run("SELECT CAST(%s AS bigint)", [number]) == [(number,)]
    assert statement.run(KEPT) == [(2,)], "the statement, and the one that asks"
    assert statement.run("SELECT CAST(%s AS bigint)", [2**40]) == [(2**40,)]
    assert statement.run(KEPT) == [(3,)]


@pytest.mark.postgresql
@outside_transactions
def test_a_new_connection_begins_anew() -> None:
    assert statement.run("SELECT %s", ["a"]) == [("a",)]
    connection.close()
    assert statement.run("SELECT %s", ["b"]) == [("b",)]


@pytest.mark.postgresql
@outside_transactions
def test_works_after_a_rollback_which_takes_all_names_back() -> None:
    for _ in range(2):
        assert statement.run("SELECT %s", ["a"]) == [("a",)]
        assert statement.run("SELECT CAST(%s AS uuid)", [None]) == [(None,)]
        with transaction.atomic():
            ThrottleBucket.objects.create(key="a", arrival=1.0)
            transaction.set_rollback(True)
    assert statement.run("SELECT %s", ["b"]) == [("b",)]
    assert ThrottleBucket.objects.count() == 0


@pytest.mark.postgresql
@outside_transactions
def test_errors_have_djangos_names_and_the_next_statement_works() -> None:
    insert = "INSERT INTO idp_throttlebucket (key, arrival) VALUES (%s, %s)"
    with pytest.raises(DatabaseError):
        statement.run("SELECT nothing FROM nowhere")
    row = ["a", 1.0]
    assert statement.run(insert, row) == []
    with pytest.raises(IntegrityError, match="duplicate key"):
        statement.run(insert, row)
    assert ThrottleBucket.objects.count() == 1


@pytest.mark.postgresql
@outside_transactions
def test_a_lost_connection_is_an_operational_error() -> None:
    own = statement.run("SELECT pg_backend_pid()")[0][0]
    ended = threading.Thread(target=_terminate, args=(own,))
    ended.start()
    ended.join()
    with pytest.raises(OperationalError):
        statement.run("SELECT 1")
    connection.close_if_unusable_or_obsolete()
    assert statement.run("SELECT 1") == [(1,)]


@pytest.mark.postgresql
@outside_transactions
def test_others_work_while_the_server_does() -> None:
    def ask() -> None:
        statement.run("SELECT pg_sleep(%s)", [1])
        connection.close()

    asking = threading.Thread(target=ask)
    asking.start()
    for _ in range(5):
        time.sleep(0.01)
    assert asking.is_alive(), "the interpreter was held until the answer came"
    asking.join()


def _terminate(backend: int) -> None:
    settings = connection.get_connection_params()
    with psycopg.connect(
        host=settings["host"],
        port=settings["port"],
        dbname=settings["dbname"],
        user=settings["user"],
        password=settings["password"],
        autocommit=True,
    ) as another:
        another.execute("SELECT pg_terminate_backend(%s, 2000)", [backend])
