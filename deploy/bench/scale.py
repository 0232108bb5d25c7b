"""Measures a large installation on PostgreSQL: what administrators open, what ends sessions.

10,000 clients, 1,000,000 sessions, two applications in each. Pages are asked for in this process,
without a network, so that the figures are those of Gatehouse and its database.
Usage: python3 deploy/bench/scale.py [--clients N] [--sessions N]; minutes, two gigabytes of disk.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

PEOPLE = 100_000
EXPIRED = 20_000
REPEATS = 7
PAGES = {
    "applications": "/admin/idp/application/",
    "applications, searched": "/admin/idp/application/?q=Application+4711",
    "people": "/admin/idp/user/",
    "people, searched": "/admin/idp/user/?q=person4711",
    "sessions": "/admin/idp/session/",
    "sessions, page 40": "/admin/idp/session/?p=40",
    "sign-out notices": "/admin/idp/logoutnotification/",
    "unused and similar clients": "/admin/registration/unused/",
    "overview": "/admin/",
}


def main() -> int:
    """Make a database of its own and measure in it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=10_000)
    parser.add_argument("--sessions", type=int, default=1_000_000)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        return inside(options)
    from deploy.bench import run

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gatehouse-scale-")))
        folder.chmod(0o755)
        database = stack.enter_context(run.postgresql(folder))
        settings = run.environment(folder, database_url=database.create_database())
        command = [sys.executable, __file__, *sys.argv[1:], "--inside"]
        return subprocess.run(command, cwd=ROOT, env={**os.environ, **settings}).returncode


def inside(options: argparse.Namespace) -> int:
    """In the environment of a server: fill, then measure."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.test.utils import setup_test_environment

    from idp import keys

    setup_test_environment()
    call_command("migrate", verbosity=0)
    keys.ensure()
    started = time.perf_counter()
    fill(clients=options.clients, sessions=options.sessions)
    print(f"filled in {time.perf_counter() - started:.0f} s", flush=True)
    print("| what | ms, median | ms, slowest |\n| --- | --- | --- |", flush=True)
    browse()
    end_sessions()
    return 0


# ----- what is there -----


def fill(*, clients: int, sessions: int) -> None:
    """People, clients that want back-channel notices, sessions with two applications each."""
    from django.db import connection

    from idp.models import Application, Client, User

    applications = [
        Application(name=f"Application {number}", origin=Application.Origin.DYNAMIC)
        for number in range(clients)
    ]
    Application.objects.bulk_create(applications, batch_size=1_000)
    rows = [
        Client(
            application=application,
            client_id=f"client-{number}",
            redirect_uris=[f"https://app{number}.example/callback"],
            backchannel_logout_uri=f"https://app{number}.example/logout",
        )
        for number, application in enumerate(applications)
    ]
    Client.objects.bulk_create(rows, batch_size=1_000)
    people = [
        User(
            username=f"person{number}",
            username_key=f"person{number}",
            email=f"person{number}@example.org",
            email_key=f"person{number}@example.org",
        )
        for number in range(min(PEOPLE, sessions))
    ]
    User.objects.bulk_create(people, batch_size=5_000)
    with connection.cursor() as cursor:
        cursor.execute(SESSIONS, [min(EXPIRED, sessions // 10), sessions, len(people)])
        cursor.execute(PARTICIPANTS, [clients])
        cursor.execute("ANALYZE")


SESSIONS = """
WITH person AS (SELECT id, row_number() OVER () - 1 AS place FROM idp_user)
INSERT INTO idp_session (id, token_hash, user_id, created_at, seen_at, expires_at, end_reason,
                         authenticated_at, acr, amr, user_agent)
SELECT gen_random_uuid(), sha256(convert_to('session ' || n, 'UTF8')), person.id,
       now() - interval '1 hour', now() - make_interval(secs => n %% 600),
       CASE WHEN n <= %s THEN now() - interval '1 second' ELSE now() + interval '8 hours' END,
       '', now() - interval '1 hour', 'pwd', '["pwd"]', 'Mozilla/5.0 (X11; Linux x86_64) Firefox'
FROM generate_series(1, %s) AS n JOIN person ON person.place = n %% %s
"""
PARTICIPANTS = """
WITH application AS (SELECT id, row_number() OVER () - 1 AS place FROM idp_application),
     session AS (SELECT id, row_number() OVER () AS n FROM idp_session)
INSERT INTO idp_participant (id, session_id, application_id, created_at, last_at, name_id,
                             name_id_format)
SELECT gen_random_uuid(), session.id, application.id, now(), now(), '', ''
FROM session CROSS JOIN generate_series(0, 1) AS part
JOIN application ON application.place = (session.n * 7 + part) %% %s
"""


# ----- what is measured -----


def browse() -> None:
    """The pages of an administrator."""
    from django.test import Client

    client = Client()
    _sign_in(client)
    for name, path in PAGES.items():
        _row(name, lambda path=path: _opened(client, path))


def _sign_in(client: Any) -> None:
    from types import SimpleNamespace

    from django.conf import settings
    from django.utils import timezone

    from idp.accounts import session
    from idp.models import User

    user = User.objects.create_user(
        "administrator", email="administrator@example.org", is_superuser=True
    )
    origin = SimpleNamespace(client_address="127.0.0.1", user_agent="scale", request_id="scale")
    _, token = session.start(
        user,
        factor="password",
        amr=["pwd"],
        acr="pwd",
        request=origin,
        now=timezone.now(),
        replacing=None,
    )
    client.cookies[settings.IDP.cookie("session")] = token


def _opened(client: Any, path: str) -> None:
    answer = client.get(path, HTTP_HOST="localhost:8000")
    if answer.status_code != 200:
        raise SystemExit(f"{path}: {answer.status_code} {answer.get('Location', '')}")


def end_sessions() -> None:
    """One session by its person, then the job that ends what has expired."""
    from types import SimpleNamespace

    from django.utils import timezone

    from idp.accounts import expiry, session
    from idp.accounts.logout_channels import outbox
    from idp.models import LogoutNotification, Session

    origin = SimpleNamespace(client_address="127.0.0.1", user_agent="scale", request_id="scale")
    live = iter(Session.objects.filter(expires_at__gt=timezone.now())[: REPEATS + 1])
    _row(
        "one session ends, two notices queued",
        lambda: session.end(next(live), reason="logout", now=timezone.now(), request=origin),
    )
    started = time.perf_counter()
    ended = expiry.end_expired(now=timezone.now(), pause=0)
    spent = time.perf_counter() - started
    print(f"| the job ends {ended:,} expired sessions, {ended / spent:,.0f} a second "
          f"| {spent * 1000:,.0f} | |")  # fmt: skip
    waiting = LogoutNotification.objects.count()
    _row(
        f"a sender takes eight of {waiting:,} notices",
        lambda: outbox.take(
            outbox.due(most=8, except_for=(), now=timezone.now()), now=timezone.now()
        ),
    )


def _row(name: str, work: Callable[[], object]) -> None:
    work()
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        work()
        times.append((time.perf_counter() - started) * 1000)
    print(f"| {name} | {statistics.median(times):.1f} | {max(times):.1f} |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
