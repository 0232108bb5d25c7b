"""The environment of the tests, set before Django reads its settings (pytest plugin).

Loaded by `addopts` in pyproject.toml, because pytest-django reads the settings before any conftest.
With GATEHOUSE_TEST_DATABASE=postgresql Django's own test database is on a PostgreSQL cluster that
belongs to this run. What a run makes is in one temporary folder, which the first process removes.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from tests.support import postgresql

FOLDER = "GATEHOUSE_TEST_FOLDER"
IS_WORKER = "PYTEST_XDIST_WORKER" in os.environ
ON_POSTGRESQL = os.environ.get("GATEHOUSE_TEST_DATABASE", "sqlite") == "postgresql"

if not IS_WORKER:
    os.environ[FOLDER] = tempfile.mkdtemp(prefix="gatehouse-tests-")
folder = Path(os.environ[FOLDER])
folder.chmod(0o711)  # PostgreSQL and Apache run as other users when the tests run as root
data = folder / os.environ.get("PYTEST_XDIST_WORKER", "main")
data.mkdir(exist_ok=True)
cluster = postgresql.Cluster(folder / "postgresql")

for name in [name for name in os.environ if name.startswith("GATEHOUSE_")]:
    if not name.startswith("GATEHOUSE_TEST_"):
        del os.environ[name]  # a developer's own settings are not the tests'

os.environ |= {
    "DJANGO_SETTINGS_MODULE": "idp.settings",
    "GATEHOUSE_ISSUER": "http://localhost:8000",
    "GATEHOUSE_SECRET_KEY": "tests-only-" + "k" * 53,
    "GATEHOUSE_MASTER_KEY": "dGVzdHMtb25seS1tYXN0ZXIta2V5LTMyLWJ5dGVzISE=",
    "GATEHOUSE_DATA_DIR": str(data),
    "GATEHOUSE_EMBEDDED_WORKER": "false",  # a thread of its own would disturb the tests' database
}
if ON_POSTGRESQL:
    cluster.start()
    os.environ["GATEHOUSE_DATABASE_URL"] = cluster.url("gatehouse")


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    """End what the run started."""
    if not IS_WORKER:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)
