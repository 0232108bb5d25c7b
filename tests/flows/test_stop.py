"""The server is asked to stop (SIGTERM): even what waits in the audit buffer is written."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from tests.support.application import Application
from tests.support.server import Gatehouse

TOKENS = 20


def test_audit_buffer_is_written(own_gatehouse: Callable[..., Gatehouse]) -> None:
    server = own_gatehouse(workers=2)
    machine = Application(
        server, grant_types=["client_credentials"], gatehouse_profile="machine", redirect_uris=[]
    )
    for _ in range(TOKENS):
        assert machine.post("token", grant_type="client_credentials").status_code == 200
    server.stop()
    with sqlite3.connect(server.folder / "gatehouse.sqlite3") as database:
        (count,) = database.execute(
            "SELECT count(*) FROM idp_auditevent WHERE action = 'token.issued'"
        ).fetchone()
    assert count == TOKENS
