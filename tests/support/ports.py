"""Free ports on loopback, and waiting until somebody listens."""

from __future__ import annotations

import secrets
import socket
import time
from collections.abc import Callable

SECONDS = 120


def free(count: int = 1) -> int:
    """The first of `count` ports in a row that nobody uses right now.

    Below the range from which the system takes ports for outgoing connections.
    """
    while True:
        first = 15000 + secrets.randbelow(15000)
        if all(_can_bind(first + number) for number in range(count)):
            return first


def _can_bind(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def accepts(port: int) -> bool:
    """Whether somebody listens on 127.0.0.1 there."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def wait(port: int, *, ended: Callable[[], str | None]) -> None:
    """Wait until the port accepts; `ended` tells why it never will."""
    limit = time.monotonic() + SECONDS
    while not accepts(port):
        reason = ended()
        if reason is not None:
            raise RuntimeError(reason)
        if time.monotonic() > limit:
            raise RuntimeError(f"Nobody listened on port {port} within {SECONDS} s.")
        time.sleep(0.02)
