"""Run the demonstration: prepare it, then serve the identity provider and the two applications.

`python -m deploy.demo run` and `python -m deploy.demo manage`; people type `python3 dev.py demo`.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from deploy import serve
from deploy.demo import environment
from deploy.demo.environment import Demonstration

START_SECONDS = 120
STOP_SECONDS = 15


class Ended(Exception):
    """The person or the system asks to stop."""


def main() -> int:
    """`run` or `manage`."""
    command, *arguments = sys.argv[1:] or ["run"]
    os.chdir(environment.ROOT)
    if command == "manage":
        manage(arguments)
    return run(arguments)


def manage(arguments: list[str]) -> NoReturn:
    """Become a management command on the demonstration's data: `[--data DIR] COMMAND ...`."""
    data = None
    if arguments[:1] == ["--data"]:
        if len(arguments) < 2:
            sys.exit("--data needs a folder.")
        data, arguments = Path(arguments[1]), arguments[2:]
    elif arguments and arguments[0].startswith("--data="):
        data, arguments = Path(arguments[0].removeprefix("--data=")), arguments[1:]
    surroundings = environment.at(data, port=None).environment()
    os.execve(sys.executable, [sys.executable, "manage.py", *arguments], surroundings)


def run(arguments: list[str]) -> int:
    """Prepare and serve until a signal comes or a part ends."""
    options = parse(arguments)
    demonstration = environment.at(options.data, port=options.port, tls=options.tls)
    check_ports(demonstration, host=options.host)
    if demonstration.make_server_pair(host=options.host):
        print("Made a new certificate authority for https.", flush=True)
    prepared = subprocess.run(
        [sys.executable, "-m", "deploy.demo.prepare", *place_of(demonstration)]
    )
    if prepared.returncode:
        return prepared.returncode
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, end)
    with contextlib.suppress(Ended), parts(demonstration, host=options.host) as running:
        wait_until_ready(demonstration, running, host=options.host)
        print(box(demonstration), flush=True)
        watch(running)
        return 1
    print("\nStopped.")
    return 0


def parse(arguments: list[str]) -> argparse.Namespace:
    """The options of `demo`."""
    parser = argparse.ArgumentParser(prog="dev.py demo", description="The whole demonstration.")
    parser.add_argument(
        "--port",
        type=int,
        default=environment.DEFAULT_PORT,
        help="of the identity provider; the applications get the next two (8000)",
    )
    parser.add_argument("--data", type=Path, help="folder for everything that is kept (var/)")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    parser.add_argument(
        "--tls", action="store_true", help="serve https, with a throw-away authority in DIR/ca.pem"
    )
    options = parser.parse_args(arguments)
    if not 1 <= options.port <= 65533:
        parser.error("--port must be between 1 and 65533")
    return options


def place_of(demonstration: Demonstration) -> list[str]:
    """The options that lead every part to this demonstration."""
    place = ["--data", str(demonstration.data), "--port", str(demonstration.port)]
    return [*place, "--tls"] if demonstration.tls else place


def end(number: int, frame: object) -> NoReturn:
    """What a signal does: leave the `with` block that ends the parts."""
    for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    raise Ended


def check_ports(demonstration: Demonstration, *, host: str) -> None:
    """Refuse to start where something else listens, before anything is changed."""
    names = ("identity provider", "web application", "SaaS application")
    for number, name in enumerate(names):
        port = demonstration.port + number
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                sys.exit(
                    f"Cannot listen on {host} port {port} (for the {name}): {error.strerror}.\n"
                    "End what uses it, or choose other ports: "
                    f"python3 dev.py demo --port {demonstration.port + 10}"
                )


@contextlib.contextmanager
def parts(
    demonstration: Demonstration, *, host: str
) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """Start the three programs, each in a session of its own; end them whatever happens."""
    place = [*place_of(demonstration), "--host", host]
    python = [sys.executable, "-m"]
    programs = {
        "The identity provider": serve.command(
            host=host,
            port=demonstration.port,
            workers=min(serve.cores(), 4),
            drain_seconds=2,
            tls=demonstration.server_pair,
        ),
        "The web application": [*python, "deploy.demo.web_application", *place],
        "The SaaS application": [*python, "deploy.demo.saas_application", *place],
    }
    surroundings = {**demonstration.environment(), **serve.surroundings(demonstration.data)}
    running: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, argv in programs.items():
            running[name] = subprocess.Popen(argv, env=surroundings, start_new_session=True)
        yield running
    finally:
        stop(running)


def stop(running: dict[str, subprocess.Popen[bytes]]) -> None:
    """End the programs with all that they started: politely, then for good."""
    for process in running.values():
        if process.poll() is None:
            process.terminate()
    limit = time.monotonic() + STOP_SECONDS
    for process in running.values():
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(0.1, limit - time.monotonic()))
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def wait_until_ready(
    demonstration: Demonstration, running: dict[str, subprocess.Popen[bytes]], *, host: str
) -> None:
    """Wait until all three accept connections."""
    limit = time.monotonic() + START_SECONDS
    target = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 (compared only)
    for number, name in enumerate(running):
        while not accepts(target, demonstration.port + number):
            if running[name].poll() is not None or time.monotonic() > limit:
                print(f"{name} did not start; the lines above say why.", file=sys.stderr)
                sys.exit(1)
            time.sleep(0.05)


def accepts(host: str, port: int) -> bool:
    """Whether somebody listens there."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def watch(running: dict[str, subprocess.Popen[bytes]]) -> None:
    """Return when a part ended by itself."""
    while True:
        for name, process in running.items():
            if process.poll() is not None:
                print(f"{name} ended with status {process.returncode}.", file=sys.stderr)
                return
        time.sleep(0.5)


def box(demonstration: Demonstration) -> str:
    """Addresses and credentials."""
    inside = demonstration.data.is_relative_to(environment.ROOT)
    data = os.path.relpath(demonstration.data) if inside else demonstration.data
    lines = [
        "Gatehouse is running. Ctrl-C stops everything.",
        "",
        f"Identity provider   {demonstration.issuer}",
        f"Administration      {demonstration.issuer}/admin/",
        f"Web application     {demonstration.web_application}   OpenID Connect",
        f"SaaS application    {demonstration.saas_application}   SAML 2.0",
        "",
        "People              alice, bob, admin (administrator)",
        f"Password            {demonstration.password}",
        "",
        f"Data                {data}",
        f"Credentials         {data}/demo-credentials",
    ]
    if demonstration.tls:
        lines += [
            f"To be trusted       {data}/ca.pem",
            f"                    (curl --cacert {data}/ca.pem, or import it into the browser)",
        ]
    width = max(map(len, lines))
    framed = (f"│  {line:<{width}}  │" for line in lines)
    edge = "─" * (width + 4)
    return "\n".join(["", f"┌{edge}┐", *framed, f"└{edge}┘", ""])


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
