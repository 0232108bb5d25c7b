"""Which tests run in which pass, which first, and what was left out (pytest plugin)."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

from tests.support import environment

MARKS = ("browser", "postgresql", "server", "slow")
MARK_OF_FIXTURE = {
    "chromium": "browser",
    "apache": "server",
    "service_provider": "server",
    "postgresql": "postgresql",
    "gatehouse_on_postgresql": "postgresql",
    "own_gatehouse": "slow",
    "demonstration": "slow",
}
DATABASE = {"db", "transactional_db", "gatehouse", "live_server", "client"}
OWN_POSTGRESQL = {"postgresql", "gatehouse_on_postgresql"}
SERVERS = {"gatehouse", "demonstration"}


def pytest_configure(config: pytest.Config) -> None:
    """Prepare the count; with processes, each reports its own."""
    config.stash[left_out] = Counter()


left_out = pytest.StashKey[Counter[str]]()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what a fixture marks, and give each pass its part.

    On PostgreSQL: what touches the database, but for tests that look at pages in a browser or
    drive other people's service providers, which are the same there. On SQLite: all but what asks,
    by its mark, for Django's test database on PostgreSQL.
    """
    for item in items:
        for fixture in MARK_OF_FIXTURE.keys() & fixtures(item):
            item.add_marker(MARK_OF_FIXTURE[fixture])
    wanted = on_postgresql if environment.ON_POSTGRESQL else on_sqlite
    dropped = [item for item in items if not wanted(item)]
    if dropped:
        items[:] = [item for item in items if wanted(item)]
        config.hook.pytest_deselected(items=dropped)
    longest_first(items)


def longest_first(items: list[pytest.Item]) -> None:
    """Put the files that take long first: a process that ends with one leaves the others idle."""
    expected: defaultdict[Path, float] = defaultdict(float)
    for item in items:
        expected[item.path] += seconds(item)
    items.sort(key=lambda item: (-expected[item.path], item.path))


def seconds(item: pytest.Item) -> float:
    """About how long a test takes, by what it needs."""
    needs = fixtures(item)
    if "own_gatehouse" in needs:
        return 10
    if (SERVERS | MARK_OF_FIXTURE.keys()) & needs or item.get_closest_marker("slow"):
        return 5
    return 3 if getattr(getattr(item, "obj", None), "is_hypothesis_test", False) else 0.05


def on_postgresql(item: pytest.Item) -> bool:
    """Whether the test touches the database of the pass, and is more than a look from outside."""
    outside = item.get_closest_marker("browser") or "service_provider" in fixtures(item)
    return touches_database(item) and not outside


def on_sqlite(item: pytest.Item) -> bool:
    """Whether the test needs no test database on PostgreSQL."""
    if item.get_closest_marker("postgresql") is None:
        return True
    return bool(OWN_POSTGRESQL & fixtures(item)) or not touches_database(item)


def touches_database(item: pytest.Item) -> bool:
    """Whether it uses Django's test database or the server of the pass."""
    return item.get_closest_marker("django_db") is not None or bool(DATABASE & fixtures(item))


def fixtures(item: pytest.Item) -> set[str]:
    """Everything that the test asks for, also through others."""
    return set(getattr(item, "fixturenames", ()))


def pytest_deselected(items: list[pytest.Item]) -> None:
    """Count what the mark expression left out, by the first mark that says why."""
    for item in items:
        mark = next((mark for mark in MARKS if item.get_closest_marker(mark)), None)
        if mark is not None:
            item.config.stash[left_out][mark] += 1


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker process hands its count to the first process."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["left_out"] = dict(session.config.stash[left_out])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Every worker has collected the same tests, so one count is enough."""
    count = getattr(node, "workeroutput", {}).get("left_out")
    if count:
        node.config.stash[left_out] = Counter(count)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Name what was left out."""
    count = config.stash[left_out]
    if count and not environment.ON_POSTGRESQL:
        told = ", ".join(f"{number} {mark}" for mark, number in sorted(count.items()))
        terminalreporter.write_line(f"Left out: {told} (python3 dev.py test --all runs them).")
