"""deploy/workers.py: what is in memory before the workers are forked."""

from __future__ import annotations

import subprocess
import sys

from deploy import serve

# `idp.wsgi` starts the thread of the schedule, so it is for the workers alone.
LOADED = """
import os, sys, threading
from deploy import workers
workers.load()
from django.db import connections
print(threading.active_count(), connections["default"].connection)
print("idp.endpoints.token" in sys.modules, "idp.wsgi" in sys.modules)
"""


def test_code_is_loaded_and_nothing_is_open_that_a_fork_would_break() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED], cwd=serve.ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["1", "None", "True", "False"]


def test_server_starts_its_workers_there() -> None:
    argv = serve.command(host="127.0.0.1", port=8000, workers=2)
    assert argv[1:3] == ["-m", "deploy.workers"]
    assert argv[-1] == "idp.wsgi:application"
