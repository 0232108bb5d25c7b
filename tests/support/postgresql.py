"""A PostgreSQL cluster of the tests' own: made on first use, on a free port, without durability.

All processes of a run share it: whoever needs it first starts it under a lock; the first process
of the run stops it.
"""

from __future__ import annotations

import fcntl
import json
import os
import pwd
import secrets
import shutil
import subprocess
from pathlib import Path
from typing import Any

import psycopg

from tests.support import ports, programs

SUPERUSER = "gatehouse"
OPTIONS = (
    "-c fsync=off -c full_page_writes=off -c synchronous_commit=off -c max_connections=300 "
    "-c shared_buffers=64MB -c listen_addresses=127.0.0.1 -c log_min_messages=error"
)


class Cluster:
    """One cluster in a folder; every process of the run may hold one of these."""

    def __init__(self, folder: Path, *, options: str = OPTIONS) -> None:
        self.folder = folder
        self.options = options
        self.notes = folder.with_name("postgresql.json")
        self.lock = folder.with_name("postgresql.lock")

    def start(self) -> None:
        """Make sure that it runs."""
        with open(self.lock, "w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            if not self.notes.exists():
                notes = {"port": ports.free(), "password": secrets.token_urlsafe(16)}
                self._create(notes)
                self.notes.write_text(json.dumps(notes))

    def stop(self) -> None:
        """End it, if anybody started it."""
        if self.notes.exists():
            self._run("pg_ctl", "-D", self._data, "-m", "immediate", "stop")
            self.notes.unlink()
            shutil.rmtree(self.folder, ignore_errors=True)

    def restart(self, *, between: Any = None) -> None:
        """Stop at once, call `between`, start again: what a crash of the database looks like."""
        self._run("pg_ctl", "-D", self._data, "-m", "immediate", "stop")
        try:
            if between is not None:
                between()
        finally:
            self._start(json.loads(self.notes.read_text()))

    def url(self, database: str) -> str:
        """The address of a database for GATEHOUSE_DATABASE_URL."""
        notes = json.loads(self.notes.read_text())
        return f"postgresql://{SUPERUSER}:{notes['password']}@127.0.0.1:{notes['port']}/{database}"

    def create_database(self) -> str:
        """The address of a new, empty database."""
        self.start()
        name = f"own_{secrets.token_hex(6)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self.url(name)

    @property
    def pid(self) -> int:
        """The server's process."""
        return int((self.folder / "data" / "postmaster.pid").read_text().split("\n", 1)[0])

    @property
    def _data(self) -> str:
        return str(self.folder / "data")

    def _create(self, notes: dict[str, Any]) -> None:
        self.folder.mkdir()
        secret = self.folder / "password"
        secret.write_text(notes["password"])
        if os.geteuid() == 0:
            for path in (self.folder, secret):
                os.chown(path, self._owner().pw_uid, self._owner().pw_gid)
        self._run(
            "initdb",
            *("-D", self._data, "-U", SUPERUSER, "--pwfile", str(secret)),
            *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"),
        )
        self._start(notes)

    def _start(self, notes: dict[str, Any]) -> None:
        options = f"{self.options} -c port={notes['port']} -c unix_socket_directories={self.folder}"
        log = str(self.folder / "log")
        self._run("pg_ctl", "-D", self._data, "-l", log, "-w", "-o", options, "start")

    def _run(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs, as root in another name: it refuses to run as root."""
        argv = [str(programs.INITDB.path().with_name(program)), *arguments]
        identity: dict[str, Any] = {}
        if os.geteuid() == 0:
            owner = self._owner()
            identity = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
        with open(self.folder.with_name("postgresql.out"), "ab") as log:
            done = subprocess.run(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", **identity
            )
        if done.returncode:
            raise RuntimeError(f"{program} failed: {Path(log.name).read_text()[-2000:]}")

    @staticmethod
    def _owner() -> pwd.struct_passwd:
        return pwd.getpwnam("postgres")
