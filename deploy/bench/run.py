"""Measures Gatehouse on SQLite and PostgreSQL beside a trivial Django view, interleaved.

Every round drives each scenario on each server for a moment, so that all see the same machine;
what counts are CPU time per step (server and database) and ratios, never absolute rates.
Usage: python3 dev.py bench [--seconds S] [--rounds N] [--only NAME] [--without-postgresql]
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from deploy import serve  # noqa: E402 (path first)
from deploy.bench import driver, processes, scenarios, signing  # noqa: E402 (path first)

CONNECTIONS = 16
WORKERS = 2
VIEW = ("granian", "deploy.bench.floor:application")
DURABLE = (
    "-c max_connections=100 -c shared_buffers=128MB -c listen_addresses=127.0.0.1"
    " -c log_min_messages=error"
)


@dataclass
class Subject:
    """One server under measurement."""

    name: str
    server: processes.Server
    facts: dict[str, Any]
    database_cpu: Callable[[], float] = lambda: 0.0

    def cpu(self) -> float:
        """CPU seconds of server and database so far."""
        return self.server.cpu_seconds() + self.database_cpu()


@dataclass
class Series:
    """What all rounds of one scenario on one server saw."""

    cpu: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @property
    def microseconds(self) -> float:
        """CPU microseconds a step: the median over the rounds."""
        return statistics.median(self.cpu) if self.cpu else float("nan")


def environment(folder: Path, *, database_url: str = "") -> dict[str, str]:
    """The environment of a Gatehouse server of the bench: throw-away secrets, durable writes."""
    return {
        **serve.surroundings(folder),
        "DJANGO_SETTINGS_MODULE": "idp.settings",
        "GATEHOUSE_ISSUER": "http://localhost:8000",
        "GATEHOUSE_SECRET_KEY": secrets.token_urlsafe(48),
        "GATEHOUSE_MASTER_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "GATEHOUSE_DATA_DIR": str(folder),
        "GATEHOUSE_DATABASE_URL": database_url,
        "GATEHOUSE_ACCESS_TOKEN_LIFETIME": "PT4H",
    }


def prepare(settings: dict[str, str], *, people: int) -> dict[str, Any]:
    """Fill the database of a server to be; returns the facts of `prepare.py`."""
    done = subprocess.run(
        [sys.executable, "-m", "deploy.bench.prepare", str(people)],
        cwd=ROOT,
        env={**os.environ, **settings},
        stdout=subprocess.PIPE,
        check=True,
    )
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts


@contextmanager
def gatehouse(name: str, folder: Path, *, database: Any = None) -> Iterator[Subject]:
    """A Gatehouse server on SQLite, or on a database of a PostgreSQL cluster."""
    url = database.create_database() if database else ""
    settings = environment(folder, database_url=url)
    facts = prepare(settings, people=CONNECTIONS)
    server = processes.Server(serve.GATEHOUSE, environment=settings, workers=WORKERS)
    try:
        subject = Subject(name, server, facts)
        if database:
            subject.database_cpu = lambda: processes.cpu_of(database.pid)
        driver.run([_sign_in(subject)], port=server.port, seconds=60, most=1)
        yield subject
    finally:
        server.stop()


def _sign_in(subject: Subject) -> driver.Step:
    """Get the tokens that UserInfo, refresh and introspection need, through the front door."""
    facts = subject.facts

    async def step(connection: driver.Connection) -> None:
        machine = scenarios.basic(facts["machine"])
        form = scenarios.machine_form(facts)
        answer = await connection.send(scenarios.post("/token", form, headers=machine))
        facts["machine_token"] = json.loads(scenarios.expect(answer, 200).body)["access_token"]
        for person in facts["people"]:
            person.update(await _tokens(connection, facts, person["cookie"]))

    return step


async def _tokens(
    connection: driver.Connection, facts: dict[str, Any], cookie: str
) -> dict[str, Any]:
    web = facts["web"]
    query = {
        "response_type": "code",
        "client_id": web["client_id"],
        "redirect_uri": facts["redirect_uri"],
        "scope": "openid profile email groups",
        "nonce": "n",
    }
    path = f"/authorize?{urlencode(query)}"
    answer = await connection.send(scenarios.get(path, headers=f"Cookie: {cookie}\r\n"))
    location = scenarios.expect(answer, 303).headers["location"]
    form = {
        "grant_type": "authorization_code",
        "code": parse_qs(urlsplit(location).query)["code"][0],
        "redirect_uri": facts["redirect_uri"],
    }
    answer = await connection.send(scenarios.post("/token", form, headers=scenarios.basic(web)))
    tokens: dict[str, Any] = json.loads(scenarios.expect(answer, 200).body)
    return tokens


def measure(
    subject: Subject, make: Callable[[dict[str, Any], int], driver.Step], *, seconds: float
) -> tuple[float, driver.Result]:
    """One moment of one scenario: CPU microseconds a step, and what the driver saw."""
    steps = [make(subject.facts, number) for number in range(CONNECTIONS)]
    before = subject.cpu()
    result = driver.run(steps, port=subject.server.port, seconds=seconds)
    spent = subject.cpu() - before
    return spent / max(result.steps, 1) * 1e6, result


def table(results: dict[tuple[str, str], Series], subjects: list[str], chosen: list[str]) -> str:
    """The figures as a Markdown table; ratios against the trivial view of the same run."""
    floor = results["floor", "floor"].microseconds
    lines = [
        "| scenario | server | CPU µs a step | share of the view's rate | p50 / p95 / p99 ms |",
        "| --- | --- | --- | --- | --- |",
        f"| trivial view | floor | {floor:.0f} | 1.00 | {_latency(results['floor', 'floor'])} |",
    ]
    for scenario in chosen:
        for subject in subjects:
            series = results[scenario, subject]
            lines.append(
                f"| {scenario} | {subject} | {series.microseconds:.0f} "
                f"| {floor / series.microseconds:.2f} | {_latency(series)} |"
            )
    return "\n".join(lines)


def _latency(series: Series) -> str:
    if not series.latencies:
        return "-"
    ordered = sorted(series.latencies)
    chosen = (ordered[min(len(ordered) - 1, int(len(ordered) * p))] for p in (0.5, 0.95, 0.99))
    return " / ".join(f"{value * 1000:.1f}" for value in chosen)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="dev.py bench", description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", action="append", choices=list(scenarios.SCENARIOS))
    parser.add_argument("--without-postgresql", action="store_true")
    return parser.parse_args()


def main() -> int:
    """Measure and print; 1 if any step failed."""
    options = arguments()
    chosen = options.only or list(scenarios.SCENARIOS)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gatehouse-bench-")))
        folder.chmod(0o755)
        floor = Subject(
            "floor",
            processes.Server(VIEW, environment={}, workers=WORKERS),
            {},
        )
        stack.callback(floor.server.stop)
        subjects = [stack.enter_context(gatehouse("SQLite", folder / "sqlite"))]
        if not options.without_postgresql:
            database = stack.enter_context(postgresql(folder))
            subjects.append(
                stack.enter_context(gatehouse("PostgreSQL", folder / "pg", database=database))
            )
        results = _rounds(floor, subjects, chosen, options)
        memory = {subject.name: subject.server.pss_mib() for subject in subjects}
    print(table(results, [subject.name for subject in subjects], chosen))
    _print_rest(memory)
    failures = [text for series in results.values() for text in series.failures]
    for text in failures[:10]:
        print("failed:", text, file=sys.stderr)
    return 1 if failures else 0


def _rounds(
    floor: Subject, subjects: list[Subject], chosen: list[str], options: argparse.Namespace
) -> dict[tuple[str, str], Series]:
    results: dict[tuple[str, str], Series] = {}
    for _ in range(options.rounds):
        todo = [("floor", floor, scenarios.floor)]
        todo += [(name, one, scenarios.SCENARIOS[name]) for name in chosen for one in subjects]
        for name, subject, make in todo:
            cpu, result = measure(subject, make, seconds=options.seconds)
            series = results.setdefault((name, subject.name), Series())
            series.cpu.append(cpu)
            series.latencies += result.latencies
            series.failures += [f"{name} on {subject.name}: {text}" for text in result.failures]
    return results


def _print_rest(memory: dict[str, float]) -> None:
    raw = signing.measure()
    print()
    for algorithm, microseconds in raw.items():
        print(f"raw {algorithm} signature: {microseconds:.1f} µs")
    for name, mebibytes in memory.items():
        print(f"{name}: {mebibytes:.0f} MiB PSS, {WORKERS} workers")


@contextmanager
def postgresql(folder: Path) -> Iterator[Any]:
    """A PostgreSQL cluster of the bench's own, with durable commits."""
    from tests.support.postgresql import Cluster

    cluster = Cluster(folder / "cluster" / "postgresql", options=DURABLE)
    cluster.folder.parent.mkdir()
    cluster.start()
    try:
        yield cluster
    finally:
        cluster.stop()


if __name__ == "__main__":
    raise SystemExit(main())
