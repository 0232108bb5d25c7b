"""Statements written out by hand: what Django's own cursor would have done stays."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection, connections, transaction
from django.db.transaction import TransactionManagementError

from idp.models import Group, statement

pytestmark = pytest.mark.django_db


def test_returns_rows_and_takes_parameters() -> None:
    assert statement.run("SELECT CAST(%s AS INTEGER), '100%%'", [7]) == [(7, "100%")]


def test_returns_no_rows_where_there_are_none() -> None:
    assert statement.run("UPDATE idp_version SET revocation = 5 WHERE id = %s", [99]) == []


def test_errors_have_djangos_names_and_mark_the_connection() -> None:
    with pytest.raises(DatabaseError), transaction.atomic():
        statement.run("SELECT nothing FROM nowhere")
    assert connection.errors_occurred


def test_refuses_a_broken_transaction() -> None:
    with transaction.atomic():
        transaction.set_rollback(True)
        with pytest.raises(TransactionManagementError):
            statement.run("SELECT 1")


def test_is_seen_by_whoever_watches(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        statement.run("SELECT 1")
    seen: list[str] = []

    def watch(execute: Any, sql: str, *rest: Any) -> Any:
        seen.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(watch):
        statement.run("SELECT 2")
    assert seen == ["SELECT 2"]


def test_is_part_of_the_transaction_around_it() -> None:
    Group.objects.create(name="staff")
    with transaction.atomic():
        statement.run("DELETE FROM idp_group WHERE name = %s", ["staff"])
        transaction.set_rollback(True)
    assert Group.objects.filter(name="staff").exists()


def test_every_thread_has_its_own_connection() -> None:
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(statement.connection()))
    thread.start()
    thread.join()
    assert found[0] is not statement.connection()
    assert statement.connection() is connections[DEFAULT_DB_ALIAS]
