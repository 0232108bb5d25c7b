"""What a file of metadata describes: small ones here, large ones in a process with a memory cap.

That process (`federation.saml.metadata.aggregate_process`) gets none of our environment: no keys,
no database. Its word counts only if it ended well, and nothing is taken of its output before.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from django.conf import settings

from federation.saml import errors, xml
from federation.saml.metadata import aggregate_process
from federation.saml.metadata.aggregate_process import Line, Outcome, Task

log = structlog.get_logger("gatehouse.metadata")

PROCESS_TIMEOUT = timedelta(minutes=15)
# What the process needs to be Python, and nothing that is ours.
PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "PYTHONHOME", "TMPDIR", "LANG")
TOO_LONG = "Reading the metadata took too long."
UNTIMELY = (
    "Reading the metadata was ended from outside, most likely because it needs more than the"
    f" {aggregate_process.MEMORY // 1024 // 1024} MiB of memory that it may take."
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read; the entities are in a file, one a line."""

    outcome: Outcome
    output: Path

    @property
    def valid_until(self) -> datetime | None:
        """Until when the whole is valid, if it says so."""
        said = self.outcome.valid_until
        return datetime.fromisoformat(said) if said else None

    def lines(self) -> Iterator[Line]:
        """The service providers, one by one."""
        with self.output.open("rb") as file:
            for line in file:
                yield Line(**json.loads(line))


def read(
    file: Path,
    output: Path,
    *,
    now: datetime,
    certificates: Sequence[str],
    patterns: Sequence[str] = (),
    memory: int = aggregate_process.MEMORY,
) -> Reading:
    """Read `file` into `output`. `certificates`: pinned, of whose keys one must have signed.

    Raises InvalidMetadata.
    """
    task = Task(
        file=str(file),
        output=str(output),
        now=now.isoformat(),
        certificates=tuple(certificates),
        patterns=tuple(patterns),
        memory=memory,
    )
    is_small = file.stat().st_size <= xml.METADATA.size
    try:
        outcome = aggregate_process.run(task, limits=xml.METADATA) if is_small else _elsewhere(task)
        if outcome.check:
            raise errors.InvalidMetadata(outcome.check, outcome.detail)
    except errors.InvalidMetadata:
        output.unlink(missing_ok=True)
        raise
    return Reading(outcome, output)


def _elsewhere(task: Task) -> Outcome:
    try:
        done = subprocess.run(  # noqa: S603 (our own interpreter and module, nothing of a stranger's)
            [sys.executable, "-m", aggregate_process.__name__],
            input=json.dumps(asdict(task)).encode(),
            capture_output=True,
            check=False,
            cwd=settings.BASE_DIR,
            env={name: os.environ[name] for name in PASSED_ON if name in os.environ},
            timeout=PROCESS_TIMEOUT.total_seconds(),
        )
    except subprocess.TimeoutExpired:
        return Outcome(check="timeout", detail=TOO_LONG)
    except OSError as error:
        return Outcome(check="process", detail=f"No process could be started: {error.strerror}.")
    if done.returncode != 0:
        log.warning("metadata_process_died", status=done.returncode, said=done.stderr[-300:])
        if done.returncode == -signal.SIGXCPU:
            return Outcome(check="timeout", detail=TOO_LONG)
        return Outcome(check="memory", detail=UNTIMELY)
    return Outcome(**json.loads(done.stdout))
