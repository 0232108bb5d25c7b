"""At once, over HTTP, on PostgreSQL, with two worker processes: what works once works once."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest
import requests
from joserfc import jws

from tests.support.application import Application
from tests.support.person import Person
from tests.support.server import Gatehouse

AT_ONCE = 50
HEARD_EVERYWHERE = 0.3  # seconds until every process knows what one of them took back
T = TypeVar("T")


@pytest.fixture(scope="module")
def web(gatehouse_on_postgresql: Gatehouse) -> Application:
    """An application whose refresh tokens do not depend on offline_access."""
    return Application(gatehouse_on_postgresql, gatehouse_refresh_always=True)


def at_once(ask: Callable[[], T]) -> list[T]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return [future.result() for future in [pool.submit(ask) for _ in range(AT_ONCE)]]


def outcomes(answers: list[requests.Response]) -> Counter[str]:
    return Counter(answer.json().get("error", "issued") for answer in answers)


@pytest.mark.standard("RFC 6749", "4.1.2", "of fifty redemptions at once exactly one wins")
def test_redemptions_of_one_code(web: Application) -> None:
    code = web.code(Person(), web.session())
    answers = at_once(lambda: web.redeem(code))
    assert outcomes(answers) == {"issued": 1, "invalid_grant": AT_ONCE - 1}
    # Whoever came second had the code too: nothing of the first one is worth anything now.
    issued = next(answer.json() for answer in answers if answer.status_code == 200)
    time.sleep(HEARD_EVERYWHERE)
    assert not web.is_active(issued["access_token"])
    assert web.refresh(issued["refresh_token"]).status_code == 400


@pytest.mark.standard("RFC 9700", "4.14.2", "refreshes at once get one and the same successor")
def test_refreshes_of_one_token(web: Application) -> None:
    token = web.tokens(Person())["refresh_token"]
    answers = at_once(lambda: web.refresh(token))
    assert outcomes(answers) == {"issued": AT_ONCE}
    successors = {answer.json()["refresh_token"] for answer in answers}
    assert len(successors) == 1
    assert web.refresh(successors.pop()).status_code == 200


def test_refreshes_while_the_token_is_taken_back(web: Application) -> None:
    token = web.tokens(Person())["refresh_token"]
    with ThreadPoolExecutor(20) as pool:
        early = [pool.submit(web.refresh, token) for _ in range(10)]
        gone = pool.submit(web.post, "revocation", token=token)
        late = [pool.submit(web.refresh, token) for _ in range(10)]
        assert gone.result().status_code == 200
        answers = [future.result() for future in early + late]
    assert outcomes(answers).keys() <= {"issued", "invalid_grant"}
    time.sleep(HEARD_EVERYWHERE)
    for issued in [answer.json() for answer in answers if answer.status_code == 200]:
        assert web.refresh(issued["refresh_token"]).status_code == 400
        assert not web.is_active(issued["access_token"])


@pytest.mark.standard("OIDC Core", "10.1.1", "keys rotate and nobody who refreshes notices")
def test_key_rotation_while_fifty_refresh(web: Application) -> None:
    person = Person()
    tokens = [web.tokens(person)["refresh_token"] for _ in range(AT_ONCE)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        rotated = threading.Event()
        running = [pool.submit(_refresh_until, rotated, web, token) for token in tokens]
        try:
            for _ in range(2):
                web.gatehouse.manage("rotate_signing_keys")
                time.sleep(HEARD_EVERYWHERE)
        finally:
            rotated.set()
        signed_with = {kid for future in running for kid in future.result()}
    assert len(signed_with) == 3


def _refresh_until(stop: threading.Event, web: Application, token: str) -> set[str]:
    """Refresh and verify each ID token, until told to stop and once more; returns their kids."""
    kids = set()
    last = False
    while not last:
        last = stop.is_set()
        answer = web.refresh(token)
        assert answer.status_code == 200, answer.text
        token, id_token = answer.json()["refresh_token"], answer.json()["id_token"]
        web.verified(id_token)
        kids.add(jws.extract_compact(id_token.encode()).protected["kid"])
    return kids
