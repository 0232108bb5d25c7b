"""Server processes of the bench: start, stop, and what they cost (Linux /proc)."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from deploy import serve

ROOT = Path(__file__).resolve().parents[2]
TICKS = os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    """A TCP port on loopback that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Server:
    """One granian process tree serving a WSGI application on a port of its own."""

    def __init__(self, what: tuple[str, str], *, environment: dict[str, str], workers: int) -> None:
        self.port = free_port()
        command = serve.command(host="127.0.0.1", port=self.port, workers=workers, what=what)
        self.process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment})
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise RuntimeError("the server did not start")

    def cpu_seconds(self) -> float:
        """CPU time of the whole process tree so far."""
        return sum(_cpu(pid) for pid in tree(self.process.pid))

    def pss_mib(self) -> float:
        """Proportional set size of the whole process tree, in MiB."""
        return sum(_pss(pid) for pid in tree(self.process.pid)) / 1024

    def stop(self) -> None:
        """End the process tree."""
        self.process.terminate()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def tree(root: int) -> Iterator[int]:
    """A process and all its descendants."""
    yield root
    try:
        children = Path(f"/proc/{root}/task/{root}/children").read_text().split()
    except OSError:
        return
    for child in children:
        yield from tree(int(child))


def cpu_of(root: int) -> float:
    """CPU seconds of a process, its descendants, and those it has already reaped."""
    return sum(_cpu(pid) for pid in tree(root))


def _cpu(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(int(fields[index]) for index in (11, 12, 13, 14)) / TICKS


def _pss(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
