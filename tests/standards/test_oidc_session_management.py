"""OpenID Connect Session Management 1.0; the frame itself is asked in tests/browser."""

from __future__ import annotations

import re
from typing import Any

import pytest

from idp.accounts import session_state
from idp.endpoints import check_session_iframe, discovery
from idp.models import Session
from idp.protocol import session_state as rules
from idp.protocol import vocabulary
from tests.support.protocol import RelyingParty, World, answer, cookie_of, header, json
from tests.support.sign_in import PASSWORD, Browser, alice, browser, quick_hashes  # noqa: F401 (fixtures)

S = "OIDC Session Management"
CALLBACK = "https://application.example/callback"


@pytest.mark.standard(S, "3.3", "discovery names the frame (row 139)")
def test_discovery(world: World) -> None:
    document = json(world.provider.get(discovery.OPENID_PATH))
    path = document["check_session_iframe"].removeprefix(document["issuer"])
    assert world.provider.get(path).status == 200


@pytest.mark.standard(S, "3.2", "any site may frame it; it shows and knows nothing of the person")
def test_frame(world: World) -> None:
    response = world.provider.get(check_session_iframe.PATH, cookies=cookie_of(world.session))
    assert header(response, "X-Frame-Options") == ""
    assert "frame-ancestors *" in header(response, "Content-Security-Policy")
    assert world.user.username.encode() not in response.body


@pytest.mark.standard(S, "2", "session_state differs by client, origin and salt; it has no space")
def test_session_state(world: World) -> None:
    told = [
        session_state.of(world.session.pk, client_id=client_id, redirect_uri=uri)
        for client_id in ("one", "two")
        for uri in (CALLBACK, CALLBACK.replace("application", "other"))
        for _ in range(2)
    ]
    assert len(set(told)) == len(told)
    assert not any(" " in one for one in told)


@pytest.mark.standard(S, "2", "each way of answering OpenID Connect requests brings it")
@pytest.mark.parametrize("mode", vocabulary.RESPONSE_MODES)
def test_authorization_response(world: World, web: RelyingParty, mode: str) -> None:
    response = web.authorize(world.session, scope="openid", response_mode=mode)
    sent = response.body.decode() + header(response, "Location")
    (told,) = re.findall(r"[0-9a-f]{64}\.[0-9a-f]{16}", sent)
    cookie = session_state.cookie(world.session.pk).partition(";")[0].partition("=")[2]
    origin = rules.origin_of(web.client.redirect_uris[0])
    assert origin is not None
    assert told == rules.compute(web.id, origin, cookie, told.partition(".")[2])


@pytest.mark.standard(S, "2", "only in answers of OpenID Connect, and only where a frame can ask")
def test_no_session_state(world: World, web: RelyingParty) -> None:
    web.change(redirect_uris=["com.example.app:/callback"])
    response = web.authorize(
        world.session, scope="openid", redirect_uri="com.example.app:/callback"
    )
    assert "code" in answer(response)
    assert "session_state" not in answer(response)
    web.change(redirect_uris=[CALLBACK])
    response = web.authorize(world.session, scope="profile", redirect_uri=CALLBACK)
    assert "code" in answer(response)
    assert "session_state" not in answer(response)


@pytest.mark.standard(S, "3.2", "the browser's state changes when the person signs in or out")
def test_browser_state(browser: Browser, alice: Any, quick_hashes: None) -> None:  # noqa: F811 (fixtures)
    states = []
    for _ in range(2):
        browser.submit(browser.open("/login"), username="alice", password=PASSWORD)
        states.append(browser.cookies["gatehouse_browser_state"].value)
        browser.submit(browser.open("/logout"), logout="1")
        states.append(browser.cookies["gatehouse_browser_state"].value)
    assert len(set(states)) == 4
    assert Session.objects.filter(ended_at=None).count() == 0
