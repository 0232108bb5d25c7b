"""A person is disabled: everything of theirs ends, in every worker process, within a moment."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support.application import Application, answer
from tests.support.person import Person
from tests.support.server import Gatehouse

HEARD_EVERYWHERE = 0.3  # seconds until every process knows what one of them took back
EVERY_PROCESS = 12  # requests, of which each of the two processes gets some
DISABLE = """
from django.utils import timezone
from idp.accounts import people
from idp.models import User
people.disable(User.objects.get(username={name!r}), now=timezone.now())
"""


@dataclass
class Artefacts:
    """What a person and her application hold at one moment."""

    person: Person
    web: Application
    code: str
    tokens: dict[str, Any]
    waiting: Any
    name: str

    def use(self) -> dict[str, bool]:
        """Try everything; what still works."""
        web = self.web
        prompt_none = answer(web.visit(self.person, web.session(), prompt="none"))
        page = self.person.open(web.gatehouse.url("/account"))
        return {
            "session": "code" in prompt_none,
            "account": self.name in page.text.lower() and "id_password" not in page.text,
            "code": web.redeem(self.code).status_code == 200,
            "refresh token": web.refresh(self.tokens["refresh_token"]).status_code == 200,
            "access token at UserInfo": self._userinfo(),
            "access token at introspection": web.is_active(self.tokens["access_token"]),
        }

    def _userinfo(self) -> bool:
        return self.web.userinfo(self.tokens["access_token"]).status_code == 200


@pytest.fixture(scope="module")
def web(gatehouse_on_postgresql: Gatehouse) -> Application:
    """Stays connected without a session, so that nothing ends with the session alone."""
    return Application(gatehouse_on_postgresql, scope="openid profile email offline_access")


@pytest.fixture
def hold(web: Application) -> Callable[[str], Artefacts]:
    """Let somebody sign in and hand everything over."""

    def hold(name: str) -> Artefacts:
        person, scope = Person(), "openid profile email offline_access"
        session = web.session(scope=scope)
        page = person.open(web.request(session, prompt="consent"))
        page = person.sign_in(page, name, web.gatehouse.password)
        arrived = person.submit(page, decision="allow").url
        tokens = web.fetch_token(session, arrived)
        return Artefacts(
            person=person,
            web=web,
            code=web.code(person, web.session(scope=scope)),
            tokens=tokens,
            waiting=person.open(web.request(web.session(), prompt="login")),
            name=name,
        )

    return hold


def test_everything_ends_in_every_process(
    web: Application, hold: Callable[[str], Artefacts]
) -> None:
    web.gatehouse.create_user("dora")
    held, others = hold("dora"), hold("bob")
    assert web.is_active(held.tokens["access_token"])
    web.gatehouse.manage("shell", "-v", "0", "-c", DISABLE.format(name="dora"))
    time.sleep(HEARD_EVERYWHERE)
    for _ in range(EVERY_PROCESS):
        assert [artefact for artefact, works in held.use().items() if works] == []
    refused = held.person.submit(held.waiting, password=web.gatehouse.password)
    assert refused.url.startswith(web.gatehouse.issuer)
    again = Person()
    page = again.open(web.gatehouse.url("/login"))
    page = again.sign_in(page, "dora", web.gatehouse.password)
    assert "id_password" in page.text
    assert "gatehouse_session" not in again.session.cookies
    assert set(others.use().values()) == {True}
