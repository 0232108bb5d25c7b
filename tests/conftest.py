"""Fixtures that every test may ask for; what they start is in tests/support.

The marks `browser`, `server` and `postgresql` follow from the fixtures. A test that carries
`postgresql` itself and uses Django's own test database runs in the pass with
GATEHOUSE_TEST_DATABASE=postgresql (`.ci/run`), and only there.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser

from tests.support import browser as browsers
from tests.support import environment
from tests.support.apache import Apache
from tests.support.postgresql import Cluster
from tests.support.server import Gatehouse
from tests.support.service_providers.base import ServiceProvider

# How fast a machine is decides nothing, and a run can be repeated.
settings.register_profile(
    "gatehouse", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("gatehouse")


@pytest.fixture(scope="session")
def postgresql() -> Cluster:
    """The run's own PostgreSQL cluster, running."""
    environment.cluster.start()
    return environment.cluster


@pytest.fixture(scope="session")
def gatehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gatehouse]:
    """A real server with alice, bob and admin, shared by the tests of one process.

    On SQLite, or on PostgreSQL in the pass with GATEHOUSE_TEST_DATABASE=postgresql. Tests register
    applications of their own and leave the people as they are.
    """
    url = environment.cluster.create_database() if environment.ON_POSTGRESQL else ""
    yield from _serving(Gatehouse(tmp_path_factory.mktemp("gatehouse"), database_url=url))


@pytest.fixture(scope="session")
def gatehouse_on_postgresql(
    tmp_path_factory: pytest.TempPathFactory, postgresql: Cluster
) -> Iterator[Gatehouse]:
    """The same on PostgreSQL, with two worker processes, in every pass."""
    folder = tmp_path_factory.mktemp("gatehouse-on-postgresql")
    url = postgresql.create_database()
    yield from _serving(Gatehouse(folder, database_url=url, workers=2))


@pytest.fixture
def own_gatehouse(tmp_path: Path) -> Iterator[Callable[..., Gatehouse]]:
    """Make servers for one test alone, to be configured otherwise, stopped or killed:
    `own_gatehouse(settings={"GATEHOUSE_...": "..."}, database_url=..., workers=2)`.
    """
    made: list[Gatehouse] = []

    def make(**options: object) -> Gatehouse:
        server = Gatehouse(tmp_path / f"gatehouse-{len(made)}", **options)  # type: ignore[arg-type]
        made.append(server)
        server.prepare()
        server.start()
        return server

    yield make
    for server in made:
        server.stop()


def _serving(server: Gatehouse) -> Iterator[Gatehouse]:
    server.prepare()
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """One running Chromium.

    Not for the whole session: Playwright keeps an event loop in the thread as long as it runs, in
    which Django refuses to use its database.
    """
    with browsers.launch() as browser:
        yield browser


@pytest.fixture
def visitor(chromium: Browser) -> Iterator[browsers.Visitor]:
    """A fresh browser profile with an open page; its console must stay clean."""
    visitor = browsers.Visitor(chromium)
    yield visitor
    visitor.close()
    visitor.assert_clean()


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Callable[..., browsers.Visitor]]:
    """Open profiles of another kind: `visit(color_scheme="dark", java_script_enabled=False)`."""
    opened: list[browsers.Visitor] = []

    def open_(**options: object) -> browsers.Visitor:
        opened.append(browsers.Visitor(chromium, **options))
        return opened[-1]

    yield open_
    for visitor in opened:
        visitor.close()
    for visitor in opened:
        visitor.assert_clean()


@pytest.fixture
def apache() -> Iterator[Apache]:
    """Debian's Apache, to be started with mod_auth_openidc or mod_auth_mellon."""
    server = Apache(Path(tempfile.mkdtemp(prefix="apache-", dir=environment.folder)))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def service_provider(
    gatehouse: Gatehouse,
) -> Iterator[Callable[[type[ServiceProvider]], ServiceProvider]]:
    """Service providers by their class, each started and registered when first asked for."""
    running: dict[type[ServiceProvider], ServiceProvider] = {}
    with ExitStack() as ending:

        def get(kind: type[ServiceProvider]) -> ServiceProvider:
            if kind not in running:
                folder = Path(tempfile.mkdtemp(prefix=f"{kind.__name__}-", dir=environment.folder))
                sp = kind(folder, gatehouse)
                ending.callback(sp.stop)
                sp.start()
                sp.register()
                running[kind] = sp
            return running[kind]

        yield get
