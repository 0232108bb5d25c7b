"""deploy/serve.py: unsafe settings, an old schema and a foreign master key are refused."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy import serve
from deploy.demo import environment


@pytest.fixture
def surroundings(tmp_path: Path) -> dict[str, str]:
    """A sound production environment on an empty database."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("GATEHOUSE_")}
    return {
        **kept,
        "GATEHOUSE_ISSUER": "https://gatehouse.example",
        "GATEHOUSE_SECRET_KEY": "k" * 64,
        "GATEHOUSE_MASTER_KEY": environment.master_key(),
        "GATEHOUSE_DATA_DIR": str(tmp_path),
    }


def run(surroundings: dict[str, str], *argv: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the project's folder."""
    return subprocess.run(
        [sys.executable, *argv], cwd=serve.ROOT, env=surroundings, capture_output=True, text=True
    )


def refusal(surroundings: dict[str, str]) -> str:
    """What `serve` says when it does not start."""
    done = run(surroundings, "-m", "deploy.serve", "--port", "1")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GATEHOUSE_ISSUER", "http://gatehouse.example"),
        ("GATEHOUSE_ISSUER", "https://gatehouse.example/"),
        ("GATEHOUSE_SECRET_KEY", "short"),
        ("GATEHOUSE_MASTER_KEY", "not-a-key"),
        ("GATEHOUSE_CODE_LIFETIME", "P1D"),
        ("GATEHOUSE_DATABASE_URL", "mysql://localhost/gatehouse"),
    ],
)
def test_refuses_unsafe_value_and_names_it(
    surroundings: dict[str, str], name: str, value: str
) -> None:
    assert name in refusal(surroundings | {name: value})


def test_refuses_missing_value_and_names_it(surroundings: dict[str, str]) -> None:
    del surroundings["GATEHOUSE_MASTER_KEY"]
    assert "GATEHOUSE_MASTER_KEY" in refusal(surroundings)


def test_refuses_a_database_that_lacks_migrations(surroundings: dict[str, str]) -> None:
    assert "manage.py migrate" in refusal(surroundings)


def test_makes_the_data_directory_for_its_owner_alone(
    surroundings: dict[str, str], tmp_path: Path
) -> None:
    folder = tmp_path / "new" / "data"
    told = refusal(surroundings | {"GATEHOUSE_DATA_DIR": str(folder)})
    assert "manage.py migrate" in told
    assert folder.stat().st_mode & 0o777 == 0o700


def test_names_a_data_directory_that_cannot_be_made(
    surroundings: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    folder = tmp_path / "file" / "data"
    assert "GATEHOUSE_DATA_DIR" in refusal(surroundings | {"GATEHOUSE_DATA_DIR": str(folder)})


@pytest.mark.slow
def test_refuses_a_master_key_that_does_not_open_the_stored_keys(
    surroundings: dict[str, str],
) -> None:
    made = run(surroundings, "manage.py", "migrate", "--verbosity=0")
    assert made.returncode == 0, made.stderr
    made = run(surroundings, "manage.py", "rotate_signing_keys")
    assert made.returncode == 0, made.stderr
    other = surroundings | {"GATEHOUSE_MASTER_KEY": environment.master_key()}
    assert "GATEHOUSE_MASTER_KEY" in refusal(other)


def test_server_has_one_process_a_core_and_four_threads_each() -> None:
    argv = serve.command(host="127.0.0.1", port=8000, workers=serve.cores())
    assert argv[argv.index("--blocking-threads") + 1] == "4"
    assert argv[argv.index("--interface") + 1] == "wsgi"
    assert serve.parse([]).workers == serve.cores()
