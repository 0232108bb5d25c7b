"""Run Gatehouse with granian in WSGI mode; the production settings are checked first.

`python3 dev.py serve` and container images start this; the demonstration and the tests take
`command()` from here, so that all run the same server.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
BLOCKING_THREADS = 4
GATEHOUSE = ("deploy.workers", "idp.wsgi:application")


def command(
    *,
    host: str,
    port: int,
    workers: int,
    drain_seconds: int = 10,
    tls: tuple[Path, Path] | None = None,
    what: tuple[str, str] = GATEHOUSE,
) -> list[str]:
    """The server's command line; it must be started in the project's folder.

    When it is to stop, it waits `drain_seconds` for requests and for browsers that stay connected.
    `tls`: files of certificate and key, where no proxy in front speaks https.
    `what`: the module that becomes granian, and the application that it serves.
    """
    program, application = what
    options = {
        "--interface": "wsgi",
        "--host": host,
        "--port": str(port),
        "--workers": str(workers),
        "--blocking-threads": str(BLOCKING_THREADS),
        "--workers-kill-timeout": str(drain_seconds),
        "--log-level": "warning",
    }
    if tls is not None:
        options |= {"--ssl-certificate": str(tls[0]), "--ssl-keyfile": str(tls[1])}
        options["--ssl-protocol-min"] = "tls1.2"
    words = [word for option in options.items() for word in option]
    server = [sys.executable, "-m", program, *words]
    return [*server, "--no-ws", "--respawn-failed-workers", application]


def surroundings(data_dir: Path) -> dict[str, str]:
    """Variables for the server's processes: where they add up their metrics, empty at each start,
    and how many memory pools glibc opens for their threads.
    """
    metrics = data_dir / "metrics"
    shutil.rmtree(metrics, ignore_errors=True)
    metrics.mkdir(parents=True)
    return {"PROMETHEUS_MULTIPROC_DIR": str(metrics.resolve()), "MALLOC_ARENA_MAX": "2"}


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def refuse(message: str) -> NoReturn:
    """End before anything is served."""
    print(message, file=sys.stderr)
    sys.exit(1)


def check_settings() -> Path:
    """Read the environment as the workers will; says which variable is wrong and why.

    Returns the data directory, which is made for its owner alone.
    """
    from idp import conf, database

    try:
        settings = conf.load()
        database.configuration(settings.database_url, data_dir=settings.data_dir)
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        return settings.data_dir
    except ValueError as error:
        refuse(f"Gatehouse does not start with these settings:\n{error}")
    except OSError as error:
        refuse(f"GATEHOUSE_DATA_DIR: the directory cannot be made: {error}")


def check_database() -> None:
    """Refuse an old schema and a foreign master key; the first start makes the signing keys."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "idp.settings"
    import django
    from django.db import Error

    django.setup()
    from idp import health, keys

    try:
        if not health.schema_is_current():
            refuse(
                "The database lacks migrations. Make a backup, then apply them in this "
                f"environment:\n{sys.executable} manage.py migrate"
            )
        keys.ensure()
        health.keys_are_there()
    except Error as error:
        refuse(f"GATEHOUSE_DATABASE_URL: the database cannot be used: {error}")
    except keys.MasterKeyMismatch:
        refuse("GATEHOUSE_MASTER_KEY: it does not open the keys that are in the database.")


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read `serve`'s own options."""
    parser = argparse.ArgumentParser(prog="dev.py serve", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=int, default=8000, help="port to listen on (8000)")
    parser.add_argument("--workers", type=int, default=cores(), help="processes (one per core)")
    return parser.parse_args(arguments)


def main() -> NoReturn:
    """Check, then become the server."""
    options = parse(sys.argv[1:])
    os.chdir(ROOT)
    sys.path.insert(0, str(ROOT))
    data_dir = check_settings()
    check_database()
    os.environ.update(surroundings(data_dir))
    argv = command(host=options.host, port=options.port, workers=options.workers)
    os.execv(argv[0], argv)


if __name__ == "__main__":
    main()
