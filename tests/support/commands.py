"""Management commands of one environment, each in a fork of a process that has read Django already.

Starting Python and Django takes longer than nearly every command. What a command sees is the same:
a process of its own with its own standard streams, which ends as it always does; the process that
forks has never opened the database.

    python -m tests.support.commands    (a line of JSON for each command and for each answer)
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, NamedTuple

ROOT = Path(__file__).resolve().parents[2]


class Done(NamedTuple):
    """How a command ended."""

    status: int
    stdout: str
    stderr: str


class Commands:
    """A process that runs commands in this environment, until `close()`."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = dict(environment)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.commands"],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, argv: list[str], *, input_: str = "", extra: Mapping[str, str]) -> Done:
        """Run `manage.py` with these arguments, or Python's `-c` with its program.

        `extra`: variables that the command reads itself; those of the settings have been read.
        """
        process = self._process
        if process.stdin is None or process.stdout is None:
            raise ValueError("without pipes")
        message = {"argv": argv, "input": input_, "extra": dict(extra)}
        process.stdin.write(json.dumps(message) + "\n")
        process.stdin.flush()
        answer = process.stdout.readline()
        if not answer:
            raise RuntimeError(f"no commands in this environment: status {process.wait()}")
        return Done(*json.loads(answer))

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def main() -> None:
    """Answer one command after the other.

    Returns in the process of each command, which then ends as Python does.
    """
    import django

    django.setup()
    # Standard output is the way back to the tests: nothing else may get there.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        message = json.loads(line)
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            child = os.fork()
            if not child:
                os.environ.update(message["extra"])
                _take_streams(message["input"], out, err)
                return _execute(message["argv"])
            _, status = os.waitpid(child, 0)
            done = Done(os.waitstatus_to_exitcode(status), _text(out), _text(err))
        print(json.dumps(done), file=answers, flush=True)
    return None


def _take_streams(input_: str, out: IO[str], err: IO[str]) -> None:
    with tempfile.TemporaryFile("w+") as source:
        source.write(input_)
        source.seek(0)
        for number, stream in enumerate((source, out, err)):
            os.dup2(stream.fileno(), number)
    sys.stdin = os.fdopen(os.dup(0))


def _execute(argv: list[str]) -> None:
    from django.core.management import execute_from_command_line

    sys.argv = argv
    if argv[0] == "-c":
        exec(argv[1], {"__name__": "__main__"})
    else:
        execute_from_command_line(argv)


def _text(stream: IO[str]) -> str:
    stream.seek(0)
    return stream.read()


if __name__ == "__main__":
    main()
