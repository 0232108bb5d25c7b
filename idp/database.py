"""The database from one address: SQLite in WAL mode for one machine, PostgreSQL for production."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

SQLITE_SETUP = (
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
    " PRAGMA cache_size=-8000; PRAGMA temp_store=MEMORY;"
)


def configuration(url: str, *, data_dir: Path) -> dict[str, Any]:
    """Django's `DATABASES` entry for `postgresql://user:secret@host:port/name` or `sqlite:///path`.

    An empty address means `gatehouse.sqlite3` in the data directory.
    """
    if not url:
        return _sqlite(str(data_dir / "gatehouse.sqlite3"))
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return _sqlite(unquote(parts.path.removeprefix("/")) if parts.path else ":memory:")
    if parts.scheme in ("postgres", "postgresql"):
        return _postgresql(url)
    raise ValueError("GATEHOUSE_DATABASE_URL: must begin with postgresql:// or sqlite:///")


def _sqlite(name: str) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": name,
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": SQLITE_SETUP,
        },
    }


def _postgresql(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.pop("host", parts.hostname or ""),
        "PORT": str(query.pop("port", parts.port or "")),
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"server_side_binding": True, "prepare_threshold": 0, **query},
    }
