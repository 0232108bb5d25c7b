"""A real Gatehouse: granian on a free port with a database, keys and people of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deploy import serve
from deploy.demo import environment, people
from tests.support import ports
from tests.support.commands import Commands

ROOT = environment.ROOT
PASSWORD = "correct horse battery staple"
PREPARE = """
import json, sys
from django.core.management import call_command
from idp import keys
call_command("migrate", verbosity=0)
keys.ensure()
for name, options in json.load(sys.stdin).items():
    call_command("create_user", name, *options)
"""


class Gatehouse:
    """One server; `start` it, ask it, `stop` it. People: alice, bob, admin, with `password`."""

    def __init__(
        self,
        folder: Path,
        *,
        database_url: str = "",
        settings: Mapping[str, str] | None = None,
        workers: int = 1,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.password = PASSWORD
        self.workers = workers
        self.port = ports.free()
        self.issuer = f"http://localhost:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None
        self._commands: Commands | None = None
        kept = {k: v for k, v in os.environ.items() if not k.startswith("GATEHOUSE_")}
        self.environment = {
            **kept,
            "DJANGO_SETTINGS_MODULE": "idp.settings",
            "GATEHOUSE_ISSUER": self.issuer,
            "GATEHOUSE_DATA_DIR": str(folder),
            "GATEHOUSE_SECRET_KEY": "tests-only-" + "s" * 53,
            "GATEHOUSE_MASTER_KEY": environment.master_key(),
            "GATEHOUSE_OUTBOUND_ALLOW": "localhost,127.0.0.1",
            **({"GATEHOUSE_DATABASE_URL": database_url} if database_url else {}),
            **(settings or {}),
        }

    def prepare(self) -> None:
        """Create the database's tables, the keys and the people."""
        self._run(["-c", PREPARE], input_=json.dumps(people.PEOPLE))

    def start(self) -> None:
        """Serve; returns when the port accepts."""
        argv = serve.command(
            host="127.0.0.1", port=self.port, workers=self.workers, drain_seconds=2
        )
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                argv,
                cwd=ROOT,
                env={**self.environment, **serve.surroundings(self.folder)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        ports.wait(self.port, ended=self._ended)

    def stop(self) -> None:
        """End it as an operator would."""
        self._end(signal.SIGTERM)
        self._end_commands()

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self._end(signal.SIGKILL)

    @property
    def log_file(self) -> Path:
        """Standard output and error."""
        return self.folder / "server.log"

    @property
    def log(self) -> str:
        """Everything that it has logged."""
        return self.log_file.read_text(errors="replace")

    def url(self, path: str) -> str:
        """An absolute address."""
        return self.issuer + path

    def manage(
        self, *arguments: str, input_: str = "", environment: Mapping[str, str] | None = None
    ) -> str:
        """Run a management command and return its standard output; raises CommandFailed."""
        return self._run(["manage.py", *arguments], input_=input_, extra=environment)

    def register_client(self, metadata: Mapping[str, Any]) -> dict[str, Any]:
        """Register an OAuth client (RFC 7591 metadata in, the same with credentials out)."""
        answer = self.manage("register_client", "-", input_=json.dumps(metadata))
        registered: dict[str, Any] = json.loads(answer)
        return registered

    def register_service_provider(
        self, metadata: str = "", *, entity_id: str = "", acs: str = "", name: str = ""
    ) -> dict[str, Any]:
        """Register a SAML service provider by its metadata XML, or by entity ID and ACS URL.

        `name`: what people read; else it comes from the metadata.
        """
        if metadata:
            path = self.folder / "service-provider.xml"
            path.write_text(metadata)
            arguments = [str(path)]
        else:
            arguments = ["--entity-id", entity_id, "--acs", acs]
        arguments += ["--name", name] if name else []
        registered: dict[str, Any] = json.loads(
            self.manage("register_service_provider", *arguments)
        )
        return registered

    def create_user(
        self,
        name: str,
        *,
        email: str = "",
        password: str = PASSWORD,
        groups: Sequence[str] = (),
        claims: Mapping[str, str] | None = None,
        superuser: bool = False,
    ) -> str:
        """Create a person and return the name."""
        arguments = ["create_user", name, "--email", email or f"{name}@example.org"]
        arguments += [f"--group={group}" for group in groups]
        arguments += people.claims(dict(claims or {}))
        arguments += ["--superuser"] if superuser else []
        self.manage(*arguments, environment={"GATEHOUSE_PASSWORD": password})
        return name

    def _run(
        self, argv: list[str], *, input_: str = "", extra: Mapping[str, str] | None = None
    ) -> str:
        if self._commands is None or self._commands.environment != self.environment:
            self._end_commands()
            self._commands = Commands(self.environment)
        surroundings = {"GATEHOUSE_PASSWORD": PASSWORD, **(extra or {})}
        done = self._commands.run(argv, input_=input_, extra=surroundings)
        if done.status:
            raise CommandFailed(done.stderr or done.stdout)
        return done.stdout

    def _end_commands(self) -> None:
        if self._commands is not None:
            self._commands.close()
        self._commands = None

    def _ended(self) -> str | None:
        if self.process is None or self.process.poll() is None:
            return None
        return f"Gatehouse ended with status {self.process.returncode}:\n{self.log[-4000:]}"

    def _end(self, number: signal.Signals) -> None:
        if self.process is None:
            return
        if number == signal.SIGKILL:
            os.killpg(self.process.pid, signal.SIGKILL)
        elif self.process.poll() is None:
            self.process.send_signal(number)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.process = None


class CommandFailed(AssertionError):
    """A management command ended with an error; the message is what it said."""
