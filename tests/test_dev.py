"""dev.py: its list, its environment, the locked requirements."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import dev

LOCKED = [dev.RUN, dev.DEV]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """dev.py with the standard library alone."""
    argv = [sys.executable, "-I", str(dev.ROOT / "dev.py"), *arguments]
    return subprocess.run(argv, capture_output=True, text=True)


def test_prints_its_commands_without_argument() -> None:
    done = run()
    assert done.returncode == 0
    for command in dev.COMMANDS:
        assert f"python3 dev.py {command}" in done.stdout


def test_refuses_unknown_command_and_names_those_it_has() -> None:
    done = run("dmeo")
    assert done.returncode == 2
    assert "'dmeo'" in done.stderr
    assert "dev.py demo" in done.stderr


def test_refuses_an_old_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 1))
    with pytest.raises(SystemExit):
        dev.main(["check"])


def test_says_which_debian_package_brings_venv(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(dev.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SystemExit):
        dev.create()
    assert "apt-get install python3-venv" in capsys.readouterr().err


def test_says_what_pip_said_when_packages_cannot_be_had(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    requirements = tmp_path / "run.txt"
    requirements.write_text("no-such-package==1 --hash=sha256:" + "0" * 64)
    monkeypatch.setattr(dev, "PYTHON", sys.executable)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(SystemExit):
        dev.install(requirements)
    assert "No matching distribution found for no-such-package" in capsys.readouterr().err


def test_installs_once_and_again_when_the_requirements_change(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    installed: list[Path] = []
    requirements = tmp_path / "run.txt"
    requirements.write_text("a==1")
    monkeypatch.setattr(dev, "DEV", tmp_path / "dev.txt")
    dev.DEV.write_text("a==1\nb==1")
    monkeypatch.setattr(dev, "site_packages", lambda: tmp_path)
    monkeypatch.setattr(dev, "install", installed.append)
    dev.prepare(requirements)
    dev.prepare(requirements)
    assert len(installed) == 1
    requirements.write_text("a==2")
    dev.prepare(requirements)
    assert len(installed) == 2


def test_the_developers_packages_include_those_to_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    installed: list[Path] = []
    monkeypatch.setattr(dev, "site_packages", lambda: tmp_path)
    monkeypatch.setattr(dev, "install", installed.append)
    dev.prepare(dev.DEV)
    dev.prepare(dev.RUN)
    assert installed == [dev.DEV]


@pytest.mark.parametrize("path", LOCKED, ids=lambda path: path.name)
def test_requirements_are_pinned_with_hashes_and_without_addresses(path: Path) -> None:
    text = path.read_text()
    pins = re.findall(r"^[A-Za-z0-9]\S*==\S+.*\\\n    --hash=sha256:", text, flags=re.MULTILINE)
    names = re.findall(r"^[A-Za-z0-9]", text, flags=re.MULTILINE)
    assert len(pins) == len(names) > 30
    assert "://" not in text
    assert "index" not in re.sub(r"#.*", "", text)


def test_both_lists_agree() -> None:
    run_pins, dev_pins = (
        set(re.findall(r"^([A-Za-z0-9]\S*==\S+)", path.read_text(), flags=re.MULTILINE))
        for path in LOCKED
    )
    assert run_pins < dev_pins
