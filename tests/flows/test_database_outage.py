"""PostgreSQL goes away for a while: errors meanwhile, and nothing after."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
import requests

from tests.support import environment
from tests.support.application import Application, answer
from tests.support.person import TIMEOUT, Person
from tests.support.postgresql import OPTIONS, Cluster
from tests.support.server import Gatehouse

SECONDS_AWAY = 3
# What is committed shall survive that the server is stopped at once.
DURABLE = OPTIONS.replace("-c synchronous_commit=off ", "")


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """A cluster that no other test uses."""
    folder = Path(tempfile.mkdtemp(prefix="outage-", dir=environment.folder))
    folder.chmod(0o755)
    cluster = Cluster(folder / "postgresql", options=DURABLE)
    cluster.start()
    yield cluster
    cluster.stop()


@pytest.fixture
def web(cluster: Cluster, own_gatehouse: Callable[..., Gatehouse]) -> Application:
    """Two worker processes, each thread of which holds a connection."""
    server = own_gatehouse(database_url=cluster.create_database(), workers=2)
    return Application(
        server,
        gatehouse_refresh_always=True,
        grant_types=["authorization_code", "refresh_token", "client_credentials"],
    )


def on_every_thread(ask: Callable[[], requests.Response]) -> list[requests.Response]:
    """More requests at once than there are threads."""
    with ThreadPoolExecutor(24) as pool:
        return [future.result() for future in [pool.submit(ask) for _ in range(72)]]


@pytest.mark.postgresql
def test_errors_meanwhile_and_nothing_after(web: Application, cluster: Cluster) -> None:
    person = Person()
    token = web.tokens(person)["refresh_token"]
    newcomer = Person()
    waiting = newcomer.open(web.request(web.session()))
    assert {page.status_code for page in on_every_thread(lambda: web.refresh(token))} == {200}
    successor = web.refresh(token).json()["refresh_token"]

    def away() -> None:
        begin = time.monotonic()
        _refused_in_words(web, person, successor)
        time.sleep(max(0.0, SECONDS_AWAY - (time.monotonic() - begin)))

    cluster.restart(between=away)

    pages = on_every_thread(lambda: web.refresh(successor))
    assert {page.status_code for page in pages} == {200}
    pages = on_every_thread(lambda: requests.get(web.gatehouse.url("/readyz"), timeout=TIMEOUT))
    assert {page.status_code for page in pages} == {200}
    assert "code" in answer(web.visit(person, web.session(), prompt="none"))
    page = newcomer.sign_in(waiting, "alice", web.gatehouse.password)
    assert answer(page.url).get("code") or "consent-allow" in page.text
    latest = web.refresh(successor).json()["refresh_token"]
    web.post("revocation", token=latest).raise_for_status()
    assert web.refresh(latest).status_code == 400
    assert "endpoint_failed" not in web.gatehouse.log
    _the_buffered_trail_arrives(web)


def _refused_in_words(web: Application, person: Person, token: str) -> None:
    """503 and a registered error for programs, a page for people; nothing hangs."""
    time.sleep(0.3)  # what was read a quarter of a second ago counts until then
    answers = {
        "refresh": web.refresh(token),
        "client_credentials": web.post("token", grant_type="client_credentials"),
        "introspection": web.post("introspection", token="x"),
    }
    for name, told in answers.items():
        assert told.status_code == 503, name
        assert told.json()["error"] == "temporarily_unavailable", name
    paths = ["/login", "/account", "/admin/", "/saml/sso?SAMLRequest=x", "/end_session"]
    addresses = [web.request(web.session()), *map(web.gatehouse.url, paths)]
    for address in addresses:
        page = person.open(address)
        assert page.status_code == 503, address
        assert "Back in a moment" in page.text, address
        assert page.headers["Retry-After"]
    assert requests.get(web.gatehouse.url("/livez"), timeout=TIMEOUT).status_code == 200
    ready = requests.get(web.gatehouse.url("/readyz"), timeout=TIMEOUT)
    assert (ready.status_code, "database" in ready.json()["missing"]) == (503, True)


def _the_buffered_trail_arrives(web: Application) -> None:
    """Every refresh that was answered before and after is in the trail of issued tokens."""
    limit = time.monotonic() + TIMEOUT
    while (written := _tokens_in_the_trail(web)) < 72 + 72 + 3 and time.monotonic() < limit:
        time.sleep(0.1)
    assert written >= 72 + 72 + 3


def _tokens_in_the_trail(web: Application) -> int:
    with psycopg.connect(web.gatehouse.environment["GATEHOUSE_DATABASE_URL"]) as database:
        row = database.execute(
            "SELECT count(*) FROM idp_auditevent WHERE action = 'token.issued'"
        ).fetchone()
    return int(row[0]) if row else 0
