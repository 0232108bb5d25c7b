"""One address makes a database configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from idp import database


def test_sqlite_is_the_default():
    entry = database.configuration("", data_dir=Path("/data"))
    assert entry["NAME"] == "/data/gatehouse.sqlite3"
    assert entry["OPTIONS"]["transaction_mode"] == "IMMEDIATE"


def test_postgresql_keeps_and_prepares():
    entry = database.configuration(
        "postgresql://gate:p%40ss@db.example.org:5433/house?sslmode=require", data_dir=Path()
    )
    assert (entry["USER"], entry["PASSWORD"]) == ("gate", "p@ss")
    assert (entry["HOST"], entry["PORT"], entry["NAME"]) == ("db.example.org", "5433", "house")
    assert entry["CONN_MAX_AGE"] is None
    assert entry["OPTIONS"] == {
        "server_side_binding": True,
        "prepare_threshold": 0,
        "sslmode": "require",
    }


def test_postgresql_through_a_socket():
    entry = database.configuration("postgresql:///house?host=/run/pg&port=5555", data_dir=Path())
    assert (entry["HOST"], entry["PORT"]) == ("/run/pg", "5555")


def test_refuses_other_databases():
    with pytest.raises(ValueError, match="GATEHOUSE_DATABASE_URL"):
        database.configuration("mysql://x", data_dir=Path())
