"""At once, over HTTP, on PostgreSQL, with two worker processes: what works once works once."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest
import requests

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
