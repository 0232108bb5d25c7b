"""How commands that run until an operator ends them hear of it."""

from __future__ import annotations

import signal
from typing import Protocol

SIGNALS = frozenset({signal.SIGTERM, signal.SIGINT})


class Worker(Protocol):
    """What works in a thread of its own."""

    def start(self) -> None: ...
    def stop(self) -> None: ...


def run_until_stopped(*workers: Worker) -> None:
    """Start what works in threads, wait for SIGTERM or SIGINT, and stop it; a second one kills.

    The signals are waited for, not handled: a handler would run inside a thread's own locks.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # threads begin with their starter's mask
    for worker in workers:
        worker.start()
    signal.sigwait(SIGNALS)
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    for worker in workers:
        worker.stop()
