"""The load driver: keep-alive HTTP/1.1 over loopback, one coroutine per connection.

A step is one or more requests; a scenario is a coroutine that makes one step on a connection.
Bounded in count and time, and refuses any address that is not loopback.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True)
class Answer:
    """One response: status, headers by lower-case name, body."""

    status: int
    headers: dict[str, str]
    body: bytes


class Connection:
    """One keep-alive connection; reconnects when the server closed it."""

    def __init__(self, host: str, port: int) -> None:
        if host not in LOOPBACK:
            raise ValueError("the bench talks to loopback only")
        self.host = host
        self.port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, request: bytes) -> Answer:
        """Send one complete request and read its response."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(self.host, self.port, limit=1 << 20)
        reader, writer = self._streams
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(": ")
            headers[name.lower()] = value
        body = await self._body(reader, headers)
        if headers.get("connection") == "close":
            await self.close()
        return Answer(int(lines[0][9:12]), headers, body)

    async def _body(self, reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
        if "content-length" in headers:
            return await reader.readexactly(int(headers["content-length"]))
        if headers.get("transfer-encoding") != "chunked":
            return b""
        parts = []
        while size := int(await reader.readline(), 16):
            parts.append(await reader.readexactly(size))
            await reader.readexactly(2)
        await reader.readexactly(2)
        return b"".join(parts)

    async def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


Step = Callable[[Connection], Awaitable[None]]


@dataclass
class Result:
    """What one round saw: steps done, seconds it took, latency of each step."""

    steps: int = 0
    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def percentile(self, share: float) -> float:
        """Latency in milliseconds below which `share` of the steps stayed."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000 if ordered else 0.0


async def _worker(
    connection: Connection, step: Step, *, until: float, most: int, result: Result
) -> None:
    for _ in range(most):
        started = time.perf_counter()
        if started >= until:
            break
        try:
            await step(connection)
        except (AssertionError, OSError, EOFError, ValueError, KeyError) as error:
            result.failures.append(f"{type(error).__name__}: {error}"[:200])
            await connection.close()
            continue
        result.latencies.append(time.perf_counter() - started)
        result.steps += 1
    await connection.close()


async def _run(steps: list[Step], *, port: int, seconds: float, most: int) -> Result:
    result = Result()
    started = time.perf_counter()
    await asyncio.gather(
        *(
            _worker(
                Connection("127.0.0.1", port),
                step,
                until=started + seconds,
                most=most,
                result=result,
            )
            for step in steps
        )
    )
    result.seconds = time.perf_counter() - started
    return result


def run(steps: list[Step], *, port: int, seconds: float, most: int = 1_000_000) -> Result:
    """Drive one connection per step function for `seconds`, at most `most` steps on each."""
    return asyncio.run(_run(steps, port=port, seconds=seconds, most=most))
