"""The process that reads large documents: what it is given, and how its end is understood."""

from __future__ import annotations

import signal
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from federation.identity_provider.metadata_sources import reading
from federation.saml import errors, xml
from tests.support.metadata import group, provider

NOW = datetime.now(UTC)


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A document that counts as large."""
    monkeypatch.setattr(xml, "METADATA", xml.Limits(10, 32, 100, 4_096, 100, drop_comments=True))
    file = tmp_path / "metadata.xml"
    file.write_bytes(group(provider("a").metadata()))
    return file


def read(file: Path, **options: Any) -> reading.Reading:
    output = file.with_suffix(".lines")
    return reading.read(file, output, now=NOW, certificates=[], **options)


def test_the_process_says_what_it_took(large: Path) -> None:
    found = read(large)
    assert found.outcome.entities == 1
    assert found.outcome.peak > 0
    assert [line.entity_id for line in found.lines()] == [provider("a").entity_id]


def test_it_gets_nothing_of_our_environment(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}
    run = subprocess.run

    def watched(*args: Any, **options: Any) -> Any:
        seen.update(options)
        return run(*args, **options)

    monkeypatch.setattr(reading.subprocess, "run", watched)
    read(large)
    assert seen["env"].keys() <= set(reading.PASSED_ON)
    assert not any(name.startswith("GATEHOUSE") for name in seen["env"])


@pytest.mark.parametrize(
    ("status", "check"),
    [
        (-signal.SIGKILL, "memory"),
        (-signal.SIGSEGV, "memory"),
        (1, "memory"),
        (-signal.SIGXCPU, "timeout"),
    ],
)
def test_a_death_is_a_refusal(
    large: Path, monkeypatch: pytest.MonkeyPatch, status: int, check: str
) -> None:
    dead = subprocess.CompletedProcess([], status, b'{"check": "", "entities": 1}', b"")
    monkeypatch.setattr(reading.subprocess, "run", lambda *args, **options: dead)
    half = large.with_suffix(".lines")
    half.write_text("{}\n")
    with pytest.raises(errors.InvalidMetadata) as refused:
        read(large)
    assert refused.value.check == check
    assert not half.exists()


def test_a_process_that_never_ends_is_ended(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(*args: Any, **options: Any) -> Any:
        raise subprocess.TimeoutExpired("python", options["timeout"])

    monkeypatch.setattr(reading.subprocess, "run", endless)
    with pytest.raises(errors.InvalidMetadata, match="too long"):
        read(large)


def test_a_cap_that_is_reached_is_said_so(large: Path) -> None:
    large.write_bytes(b"<a>" + b"<b/>" * 1_000_000 + b"</a>")
    with pytest.raises(errors.InvalidMetadata) as refused:
        read(large, memory=120 * 1024 * 1024)
    assert "memory" in refused.value.description
