"""Commands in forks are like commands in processes that begin anew."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.support.commands import Commands

TALK = """
import os, sys
print(os.getpid(), os.environ.get("WORD"), sys.stdin.read())
print("to whom it may concern", file=sys.stderr)
"""


@pytest.fixture(scope="module")
def commands() -> Iterator[Commands]:
    running = Commands(os.environ)
    yield running
    running.close()


def test_streams_and_variables_are_its_own(commands: Commands) -> None:
    first = commands.run(["-c", TALK], input_="one\ntwo", extra={"WORD": "secret"})
    second = commands.run(["-c", TALK], extra={})
    process, word, read = first.stdout.rstrip("\n").split(" ")
    assert (first.status, word, read) == (0, "secret", "one\ntwo")
    assert first.stderr == "to whom it may concern\n"
    assert second.stdout.split() == [second.stdout.split()[0], "None"]
    assert process != second.stdout.split()[0]


def test_says_how_it_ended(commands: Commands) -> None:
    assert commands.run(["-c", "raise SystemExit(3)"], extra={}).status == 3
    failed = commands.run(["-c", "raise ValueError('why')"], extra={})
    assert (failed.status, "ValueError: why" in failed.stderr) == (1, True)
    unknown = commands.run(["manage.py", "no_such_command"], extra={})
    assert unknown.status == 1
    assert "no_such_command" in unknown.stderr


def test_runs_what_is_registered_for_the_end(commands: Commands) -> None:
    program = "import atexit; atexit.register(print, 'bye')"
    assert commands.run(["-c", program], extra={}).stdout == "bye\n"
