"""The matrix standard, section, test, state, from a run with `--standards` (pytest plugin)."""

from __future__ import annotations

import re
from typing import Any

import pytest

PROPERTY = "standard"
Row = tuple[str, str, str, str, str]
rows = pytest.StashKey[dict[tuple[str, int], Row]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--standards` prints the matrix."""
    parser.addoption("--standards", action="store_true", help="print the matrix of standards")


def pytest_configure(config: pytest.Config) -> None:
    """Nothing is known yet."""
    config.stash[rows] = {}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Send each mark along with the test's report, also from other processes."""
    for item in items:
        for mark in item.iter_markers("standard"):
            item.user_properties.append((PROPERTY, list(map(str, mark.args))))


class Matrix:
    """Collects reports in the first process."""

    def __init__(self, config: pytest.Config) -> None:
        self.rows = config.stash[rows]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the worst state of set-up, call and tear-down."""
        if report.when != "call" and report.passed:
            return
        state = {"passed": "holds", "failed": "FAILS", "skipped": "skipped"}[report.outcome]
        marks = [value for name, value in report.user_properties if name == PROPERTY]
        for number, mark in enumerate(marks):
            name, section, what = (str(part) for part in [*mark, "", "", ""][:3])
            before = self.rows.get((report.nodeid, number))
            if before is None or before[4] != "FAILS":
                row = (name, section, what, report.nodeid.split("::", 1)[-1], state)
                self.rows[report.nodeid, number] = row


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Collect in the first process only."""
    config = session.config
    if config.getoption("standards") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Matrix(config), "standards-matrix")


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print the matrix in the order of the standards and their sections."""
    found = sorted(set(config.stash[rows].values()), key=order)
    if not found:
        return
    width = max(len(f"{name} {section}") for name, section, *_ in found) + 3
    heading = None
    for name, section, what, test, state in found:
        if name != heading:
            terminalreporter.write_sep("-", name)
            heading = name
        place = f"{name} §{section}" if section else name
        terminalreporter.write_line(f"{state:<8}{place:<{width}}{what or test}  [{test}]")
    holding = sum(row[4] == "holds" for row in found)
    terminalreporter.write_line(f"{holding} of {len(found)} statements hold.")


def order(row: Row) -> tuple[Any, ...]:
    """Numbers in names and sections count as numbers."""
    parts = re.findall(r"\d+|\D+", f"{row[0]}\0{row[1]}")
    place = tuple((part.isdigit(), int(part) if part.isdigit() else part) for part in parts)
    return place, row[3]
