"""The process that reads aggregates: its word, its caps, what it is not given."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from federation.saml import errors, xml
from federation.saml.metadata import aggregate_process
from federation.saml.metadata.aggregate_process import Line, Outcome, Task
from tests.attacks.saml import service_provider
from tests.support.metadata import Federation, group, provider
from tests.support.receiver import Receiver

A, B = provider("a"), provider("b")
MEBIBYTE = 1024 * 1024


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def run(folder: Path, document: bytes, **members: Any) -> tuple[Outcome | None, Path]:
    """Let the process read a document; None if it said nothing."""
    file, output = folder / "in.xml", folder / "out.lines"
    file.write_bytes(document)
    now = datetime.now(UTC).isoformat()
    task = Task(file=str(file), output=str(output), now=now, **members)
    done = subprocess.run(
        [sys.executable, "-m", aggregate_process.__name__],
        input=json.dumps(asdict(task)).encode(),
        capture_output=True,
        check=False,
        env={"PATH": os.environ["PATH"]},
        timeout=120,
    )
    return (Outcome(**json.loads(done.stdout)) if done.returncode == 0 else None), output


def signed(*documents: bytes) -> tuple[bytes, str]:
    federation = Federation(Receiver())
    return federation.sign(group(*documents)), federation.certificate


def test_writes_a_line_for_each(folder: Path) -> None:
    document, certificate = signed(A.metadata(), B.metadata())
    outcome, output = run(folder, document, certificates=(certificate,))
    assert outcome is not None
    assert (outcome.check, outcome.entities, outcome.signed) == ("", 2, True)
    assert outcome.peak > 0
    lines = [Line(**json.loads(line)) for line in output.read_text().splitlines()]
    assert [line.entity_id for line in lines] == [A.entity_id, B.entity_id]


@pytest.mark.parametrize(
    ("said", "ends", "seconds"),
    [
        ("", "", 0),
        (
            'validUntil="2099-01-01T00:00:00Z" cacheDuration="PT1H"',
            "2099-01-01T00:00:00+00:00",
            3600,
        ),
    ],
)
def test_says_how_long_it_holds(folder: Path, said: str, ends: str, seconds: int) -> None:
    outcome, output = run(folder, group(A.metadata(attributes=said), days=None, attributes=said))
    assert outcome is not None
    assert (outcome.valid_until, outcome.cache_seconds) == (ends, seconds)
    assert Line(**json.loads(output.read_text())).valid_until == ends


def test_a_wrong_signature_leaves_nothing(folder: Path) -> None:
    document, _ = signed(A.metadata())
    foreign = service_provider.base64_der(
        service_provider.certificate(service_provider.rsa_key("foreign"))
    )
    outcome, output = run(folder, document, certificates=(foreign,))
    assert outcome is not None
    assert outcome.check == "signature_value"
    assert not output.exists()


BOMBS = {
    "elements": b"<a/>" * 20_000_000,
    "attributes": b"<a b='1' c='2' d='3' e='4'/>" * 3_000_000,
    "text": b"<a>" + b"x" * 60_000_000 + b"</a>",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_ends_at_the_cap(folder: Path, name: str) -> None:
    document = f"<md:EntitiesDescriptor xmlns:md='{xml.vocabulary.MD}'>".encode()
    outcome, output = run(
        folder,
        document + BOMBS[name] + b"</md:EntitiesDescriptor>",
        memory=300 * MEBIBYTE,
    )
    assert outcome is None or outcome.check in ("memory", "elements", "well_formed"), outcome
    assert not output.exists()


def test_what_is_larger_than_the_limit_is_refused(folder: Path) -> None:
    outcome, _ = run(folder, A.metadata() + b"\n" * (100 * MEBIBYTE))
    assert outcome is not None
    assert outcome.check == "size"


def test_namespaces_around_many_entities_do_not_multiply(folder: Path) -> None:
    """Half a megabyte would be a hundred megabytes of output, and gigabytes with more entities."""
    around = " ".join(f'xmlns:n{number}="urn:{"x" * 400}:{number}"' for number in range(900))
    short = (
        '<md:EntityDescriptor entityID="urn:{}"><md:SPSSODescriptor'
        ' protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"/></md:EntityDescriptor>'
    )
    document = (
        f'<md:EntitiesDescriptor xmlns:md="{xml.vocabulary.MD}" {around}>'
        + "".join(short.format(number) for number in range(100))
        + "</md:EntitiesDescriptor>"
    )
    file, output = folder / "metadata.xml", folder / "lines"
    file.write_text(document)
    task = Task(file=str(file), output=str(output), now=datetime.now(UTC).isoformat())
    with pytest.raises(errors.InvalidMetadata) as refused:
        aggregate_process.run(task, limits=xml.METADATA)
    assert refused.value.check == "expansion"
    assert output.stat().st_size < 2 * xml.METADATA.size


CAPPED = """
import json, os, resource
from federation.saml.metadata import aggregate_process
aggregate_process.cap(1 << 30)
limits = ("RLIMIT_AS", "RLIMIT_CPU", "RLIMIT_FSIZE", "RLIMIT_CORE")
print(json.dumps([*(resource.getrlimit(getattr(resource, one)) for one in limits), os.nice(0)]))
"""


def test_a_capped_process_stays_so() -> None:
    before = os.nice(0)
    done = subprocess.run([sys.executable, "-c", CAPPED], capture_output=True, check=True)
    *limits, niceness = json.loads(done.stdout)
    whole = (1 << 30, aggregate_process.CPU_SECONDS, aggregate_process.LARGEST_FILE, 0)
    assert limits == [[most, most] for most in whole]
    assert niceness == min(before + aggregate_process.NICENESS, 19)
