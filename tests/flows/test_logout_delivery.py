"""Sign-out reaches everyone: receivers that are up, slow, dead or odd; restarts; many at once."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urljoin

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.support import receiver as behaviours
from tests.support.application import Application
from tests.support.person import TIMEOUT, Person
from tests.support.receiver import Receiver
from tests.support.server import Gatehouse

NOTICES = """
import json
from idp.models import LogoutNotification
rows = LogoutNotification.objects.values_list("application__name", "state", "attempts", "error")
print(json.dumps(list(rows)))
"""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


def application(gatehouse: Gatehouse, name: str, uri: str) -> Application:
    return Application(
        gatehouse, client_name=name, backchannel_logout_uri=uri, gatehouse_first_party=True
    )


def sign_out(gatehouse: Gatehouse, person: Person) -> None:
    page = person.submit(person.open(gatehouse.url("/logout")), logout="1")
    assert page.url == gatehouse.url("/logout/done")


def notices(gatehouse: Gatehouse) -> dict[str, tuple[str, int, str]]:
    """Per application: state, attempts, error."""
    printed = gatehouse.manage("shell", "-v", "0", "-c", NOTICES)
    return {name: tuple(rest) for name, *rest in json.loads(printed)}


def wait_for(condition: Callable[[], Any]) -> None:
    pause = threading.Event()
    for _ in range(600):
        if condition():
            return
        pause.wait(0.1)
    raise AssertionError("it did not happen")


def verified(web: Application, token: str) -> dict[str, Any]:
    """The claims of a logout token, with the published keys."""
    keys = requests.get(web.metadata["jwks_uri"], timeout=TIMEOUT).json()
    algorithms = web.metadata["id_token_signing_alg_values_supported"]
    return dict(jwt.decode(token, KeySet.import_key_set(keys), algorithms=algorithms).claims)


def test_everybody_hears_whoever_else_fails(
    own_gatehouse: Callable[..., Gatehouse], receiver: Receiver
) -> None:
    """Nobody waits for a receiver that hangs: neither the person nor other receivers."""
    gatehouse = own_gatehouse()
    receiver.behaviours = {
        "/slow": behaviours.hang(60),
        "/500": behaviours.ok(status=500),
        "/redirect": behaviours.redirect(receiver.url("/elsewhere")),
        "/10-MB": behaviours.big(announced=False),
        "/400": behaviours.ok({"error": "invalid_request"}, status=400),
    }
    with Receiver() as stopped:
        dead = stopped.url("/dead")
    paths = ("up", "slow", "500", "redirect", "10-MB", "400")
    webs = {path: application(gatehouse, path, receiver.url(f"/{path}")) for path in paths}
    webs["dead"] = application(gatehouse, "dead", dead)
    person = Person()
    sids = {name: web.verified(web.tokens(person)["id_token"])["sid"] for name, web in webs.items()}
    sign_out(gatehouse, person)
    wait_for(lambda: receiver.at("/up"))
    (received,) = receiver.at("/up")
    claims = verified(webs["up"], received.form["logout_token"])
    assert (claims["aud"], claims["sid"]) == (webs["up"].client_id, sids["up"])
    wait_for(lambda: not any(state == "waiting" for state, *_ in notices(gatehouse).values()))
    found = notices(gatehouse)
    assert {name: state for name, (state, _, _) in found.items()} == {
        "up": "acknowledged",
        "400": "failed",
        "10-MB": "failed",
        **dict.fromkeys(("slow", "500", "redirect", "dead"), "retrying"),
    }
    errors = {name: error for name, (_, _, error) in found.items()}
    assert errors["slow"] == "it did not answer in time"
    assert errors["500"] == "it answers with status 500"
    assert "redirects" in errors["redirect"]
    assert "larger than" in errors["10-MB"]
    assert "cannot be reached" in errors["dead"]
    assert not receiver.at("/elsewhere")
    ledger = _ledger(gatehouse)
    for words in ("acknowledged", "failed", "retrying", "it answers with status 500"):
        assert words in ledger


def _ledger(gatehouse: Gatehouse) -> str:
    """The page of the ended session, as an administrator sees it."""
    admin = Person()
    page = admin.sign_in(admin.open(gatehouse.url("/login")), "admin", gatehouse.password)
    page = admin.open(gatehouse.url("/admin/idp/session/?state=over"))
    path = page.text.split("<tbody>")[1].split('href="')[1].split('"')[0]
    return admin.open(urljoin(page.url, path)).text


@pytest.mark.parametrize("tried", [False, True])
def test_survives_a_crash(
    own_gatehouse: Callable[..., Gatehouse], receiver: Receiver, tried: bool
) -> None:
    """`tried`: it was being sent when the server was killed; else nobody had begun."""
    gatehouse = own_gatehouse(settings={"GATEHOUSE_EMBEDDED_WORKER": str(tried).lower()})
    web = application(gatehouse, "web", receiver.url("/logout"))
    receiver.behaviours["/logout"] = behaviours.hang(60)
    person = Person()
    web.tokens(person)
    sign_out(gatehouse, person)
    if tried:
        wait_for(lambda: receiver.received)
    gatehouse.kill()
    before = len(receiver.received)
    receiver.behaviours["/logout"] = behaviours.ok()
    gatehouse.environment["GATEHOUSE_EMBEDDED_WORKER"] = "true"
    gatehouse.start()
    wait_for(lambda: len(receiver.received) > before)
    wait_for(lambda: notices(gatehouse)["web"][0] == "acknowledged")


def test_stops_in_peace(own_gatehouse: Callable[..., Gatehouse], receiver: Receiver) -> None:
    """What is under way when an operator stops the server is due again at once."""
    gatehouse = own_gatehouse()
    web = application(gatehouse, "web", receiver.url("/logout"))
    receiver.behaviours["/logout"] = behaviours.hang(60)
    person = Person()
    web.tokens(person)
    sign_out(gatehouse, person)
    wait_for(lambda: receiver.received)
    gatehouse.stop()
    receiver.behaviours["/logout"] = behaviours.ok()
    gatehouse.manage("deliver_logouts", "--once")
    assert notices(gatehouse)["web"][:2] == ("acknowledged", 2)


def test_command_sends_apart_from_the_server(
    own_gatehouse: Callable[..., Gatehouse], receiver: Receiver
) -> None:
    gatehouse = own_gatehouse(settings={"GATEHOUSE_EMBEDDED_WORKER": "false"})
    web = application(gatehouse, "web", receiver.url("/logout"))
    person = Person()
    web.tokens(person)
    sign_out(gatehouse, person)
    assert notices(gatehouse)["web"][:2] == ("waiting", 0)
    gatehouse.manage("deliver_logouts", "--once")
    assert notices(gatehouse)["web"][:2] == ("acknowledged", 1)


def test_fifty_at_once_are_told_once_each(
    gatehouse_on_postgresql: Gatehouse, receiver: Receiver
) -> None:
    """Ten people, five requests each at the same moment, two processes that send."""
    gatehouse = gatehouse_on_postgresql
    webs = [application(gatehouse, name, receiver.url(f"/{name}")) for name in ("one", "two")]
    people = [Person() for _ in range(10)]
    hints = []
    for person in people:
        (hint, _) = [web.tokens(person)["id_token"] for web in webs]
        hints.append(hint)
    expected = Counter()

    def leave(number: int) -> int:
        address = webs[0].metadata["end_session_endpoint"]
        cookies = people[number % 10].session.cookies.get_dict()
        parameters = {"id_token_hint": hints[number % 10]}
        return requests.get(
            address, parameters, cookies=cookies, allow_redirects=False, timeout=TIMEOUT
        ).status_code

    with ThreadPoolExecutor(50) as pool:
        assert set(pool.map(leave, range(50))) == {303}
    wait_for(lambda: len(receiver.received) >= 20)
    for web, name in zip(webs, ("one", "two"), strict=True):
        sids = [verified(web, one.form["logout_token"])["sid"] for one in receiver.at(f"/{name}")]
        expected[name] = len(sids)
        assert len(set(sids)) == 10
    assert expected == {"one": 10, "two": 10}
    wait_for(lambda: _pending(gatehouse) == 0)


def _pending(gatehouse: Gatehouse) -> int:
    printed = gatehouse.manage("shell", "-v", "0", "-c", NOTICES)
    return sum(state != "acknowledged" for _, state, _, _ in json.loads(printed))
