"""The environment of the tests, set before Django reads its settings (pytest plugin).

Loaded by `addopts` in pyproject.toml, because pytest-django reads the settings before any conftest.
"""

from __future__ import annotations

import os
import tempfile

DEFAULTS = {
    "DJANGO_SETTINGS_MODULE": "idp.settings",
    "GATEHOUSE_ISSUER": "http://localhost:8000",
    "GATEHOUSE_SECRET_KEY": "tests-only-" + "k" * 53,
    "GATEHOUSE_MASTER_KEY": "dGVzdHMtb25seS1tYXN0ZXIta2V5LTMyLWJ5dGVzISE=",
    "GATEHOUSE_DATA_DIR": tempfile.mkdtemp(prefix="gatehouse-tests-"),
}

for name, value in DEFAULTS.items():
    os.environ.setdefault(name, value)
