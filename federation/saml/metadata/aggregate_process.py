"""A process of its own that reads one aggregate: `python -m` this module (IIP-MD03).

A document of 100 MB becomes a tree several times its size, and whoever wrote it decides how large.
So it is read where memory, time and files are capped before the first octet, and what is left is
one line for each service provider. The caller takes nothing of it before the last word on standard
output, and never sees the tree.

Standard input: a JSON object (`Task`). Standard output: a JSON object (`Outcome`). No Django, none
of the service's environment, no connection.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import sys
import zlib
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from federation.saml import errors, signature, xml
from federation.saml.metadata import aggregate

MEMORY = 1024 * 1024 * 1024
CPU_SECONDS = 300
LARGEST_FILE = 512 * 1024 * 1024
# All entities on their own against the largest document: each repeats the namespaces around it,
# so a megabyte of short ones within many would become gigabytes.
MOST_EXPANDED = 4
NICENESS = 10


@dataclass(frozen=True, slots=True)
class Task:
    """What to read: `file` and `output` are paths, `now` ISO 8601, certificates base64 DER.

    `memory`: the cap of the address space in bytes.
    """

    file: str
    output: str
    now: str
    certificates: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    memory: int = MEMORY


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it. `check`: why it was refused, empty if it was read.

    `signed`: whether one of the certificates' keys verifies the whole. `peak`: the most memory
    that was in use, in bytes. `cpu`: seconds.
    """

    check: str = ""
    detail: str = ""
    entities: int = 0
    passed_over: int = 0
    signed: bool = False
    valid_until: str = ""
    cache_seconds: int = 0
    peak: int = 0
    cpu: float = 0.0


@dataclass(frozen=True, slots=True)
class Line:
    """One service provider in the output: a JSON object a line.

    `document`: its XML, deflated (RFC 1950), in base64. `digest`: SHA-256 of the XML.
    """

    entity_id: str
    display_name: str
    valid_until: str
    digest: str
    document: str

    @property
    def deflated(self) -> bytes:
        """The document as it is kept."""
        return base64.b64decode(self.document)


def main() -> None:
    """Read the task, cap this process, do it, say what came of it."""
    task = Task(**json.loads(sys.stdin.buffer.read()))
    cap(task.memory)
    try:
        outcome = replace(run(task), **used())
    except errors.InvalidMetadata as error:
        outcome = Outcome(check=error.check, detail=error.description)
    except MemoryError:
        outcome = Outcome(check="memory", detail=out_of_memory(task.memory))
    sys.stdout.write(json.dumps(asdict(outcome)))


def used() -> dict[str, Any]:
    """Return the most memory that this process had in use, and its time."""
    import resource

    usage = resource.getrusage(resource.RUSAGE_SELF)
    # Linux counts in KiB, macOS in bytes.
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return {"peak": peak, "cpu": round(usage.ru_utime + usage.ru_stime, 3)}


def out_of_memory(cap_bytes: int) -> str:
    """Return the sentence for the administrator."""
    size = cap_bytes // 1024 // 1024
    return f"The metadata needs more than the {size} MiB of memory that it may take to read it."


def cap(memory: int) -> None:
    """Bound this process, for good."""
    # Not everywhere; where it is missing only small documents are read.
    import resource

    for limit, value in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_FSIZE, LARGEST_FILE),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (value, value))
    os.nice(NICENESS)


def run(task: Task, *, limits: xml.Limits = xml.AGGREGATE) -> Outcome:
    """Read the aggregate and write its service providers. Raises InvalidMetadata.

    Small documents are read by this function in the caller's own process.
    """
    keys = tuple(signature.verification_key(one) for one in task.certificates)
    with Path(task.file).open("rb") as file:
        found = aggregate.read(
            file,
            now=datetime.fromisoformat(task.now),
            signing_keys=keys,
            patterns=tuple(task.patterns),
            limits=limits,
        )
    _write(found, Path(task.output), most=MOST_EXPANDED * limits.size)
    return Outcome(
        entities=len(found.entities),
        passed_over=found.passed_over,
        signed=found.signed,
        valid_until=found.valid_until.isoformat() if found.valid_until else "",
        cache_seconds=int(found.cache_duration.total_seconds()) if found.cache_duration else 0,
    )


def _write(found: aggregate.Aggregate, to: Path, *, most: int) -> None:
    """Write a line for each entity, whose documents are `most` octets all in all."""
    left = most
    with to.open("w", encoding="ascii") as output:
        for entity in found.read():
            left -= len(entity.document)
            if left < 0:
                raise errors.InvalidMetadata(
                    "expansion",
                    "The metadata is too large once its entities are taken apart: it declares too"
                    " many namespaces around them.",
                )
            output.write(json.dumps(asdict(_line(entity))) + "\n")


def _line(entity: aggregate.Entity) -> Line:
    return Line(
        entity_id=entity.entity_id,
        display_name=entity.display_name,
        valid_until=entity.valid_until.isoformat() if entity.valid_until else "",
        digest=hashlib.sha256(entity.document).hexdigest(),
        document=base64.b64encode(zlib.compress(entity.document)).decode("ascii"),
    )


if __name__ == "__main__":
    main()
