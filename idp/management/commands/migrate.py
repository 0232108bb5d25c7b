"""`manage.py migrate`: Django's, without prepared statements on PostgreSQL.

Django changes a column with two commands in one string, which a prepared statement cannot hold;
everywhere else `idp.database` asks for them.
"""

from __future__ import annotations

from typing import Any

from django.core.management.commands import migrate
from django.db import connections


class Command(migrate.Command):
    """Apply migrations over a connection that prepares nothing."""

    def handle(self, *args: Any, **options: Any) -> None:
        connection = connections[options["database"]]
        if connection.vendor != "postgresql":
            super().handle(*args, **options)
            return
        connection.ensure_connection()
        before = connection.connection.prepare_threshold
        connection.connection.prepare_threshold = None
        try:
            super().handle(*args, **options)
        finally:
            if connection.connection is not None:
                connection.connection.prepare_threshold = before
