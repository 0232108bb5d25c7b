"""Free ports on loopback, and waiting until somebody listens."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

SECONDS = 30


def free() -> int:
    """A port that nobody uses right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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
