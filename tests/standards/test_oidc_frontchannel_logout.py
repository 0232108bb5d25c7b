"""OpenID Connect Front-Channel Logout 1.0; what the browser does of it is in tests/browser."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings

from idp.endpoints import discovery
from idp.models import LogoutNotification
from idp.protocol import client_metadata
from idp.protocol.errors import InvalidClientMetadata
from tests.support.protocol import (
    AFTER_LOGOUT,
    RelyingParty,
    World,
    claims_of,
    cookie_of,
    header,
    json,
)
from tests.support.sign_in import Browser

S = "OIDC Front-Channel Logout"
URI = "https://application.example/out?kept=1"


@pytest.fixture
def listening(world: World) -> RelyingParty:
    """A client that listens in the browser."""
    return world.relying_party(frontchannel_logout_uri=URI)


@pytest.fixture
def browser(world: World) -> Browser:
    browser = Browser()
    browser.cookies.load(cookie_of(world.session))
    return browser


def frames(page: Any) -> list[str]:
    return [
        unescape(found) for found in re.findall(r'<iframe src="([^"]+)"', page.content.decode())
    ]


def leave(browser: Browser, **parameters: str) -> Any:
    return browser._follow(browser.get("/end_session", parameters), "/end_session")


@pytest.mark.standard(S, "3", "discovery says that it is supported, with sid (row 138)")
def test_discovery(world: World) -> None:
    document = json(world.provider.get(discovery.OPENID_PATH))
    assert document["frontchannel_logout_supported"] is True
    assert document["frontchannel_logout_session_supported"] is True


@pytest.mark.standard(S, "2", "iss and sid are added, the query is kept (oidcc-frontchannel-…)")
def test_frame(browser: Browser, world: World, listening: RelyingParty) -> None:
    id_token = listening.tokens(world.session)["id_token"]
    page = leave(browser, id_token_hint=id_token, post_logout_redirect_uri=AFTER_LOGOUT, state="s")
    (frame,) = frames(page)
    assert frame.startswith(URI + "&")
    sid = claims_of(id_token)["sid"]
    query = parse_qs(urlsplit(frame).query)
    assert query == {"kept": ["1"], "iss": [settings.IDP.issuer], "sid": [sid]}
    assert f'href="{AFTER_LOGOUT}?state=s"' in page.content.decode()


@pytest.mark.standard(S, "3", "every client of the session, each with its own sid")
def test_everybody(browser: Browser, world: World, listening: RelyingParty) -> None:
    other = world.relying_party(frontchannel_logout_uri="https://other.example/out")
    world.relying_party(frontchannel_logout_uri="https://stranger.example/out")
    hint = listening.tokens(world.session)["id_token"]
    other.tokens(world.session)
    found = frames(leave(browser, id_token_hint=hint))
    sids = [parse_qs(urlsplit(frame).query)["sid"][0] for frame in found]
    assert {urlsplit(frame).netloc for frame in found} == {"application.example", "other.example"}
    assert len(set(sids)) == 2
    assert LogoutNotification.objects.filter(state="shown").count() == 2


@pytest.mark.standard(S, "3", "also when the person signs out by themselves, or confirms")
@pytest.mark.parametrize("path", ["/logout", "/end_session?state=s"])
def test_own_wish(browser: Browser, world: World, listening: RelyingParty, path: str) -> None:
    listening.tokens(world.session)
    page = browser.submit(browser.open(path), logout="1")
    assert len(frames(page)) == 1
    assert b'href="/logout/done"' in page.content
    assert b"told in the browser" in browser.open("/logout/done").content


@pytest.mark.standard(S, "3", "frames come from registered addresses only; nothing else may load")
def test_policy(browser: Browser, world: World, listening: RelyingParty) -> None:
    page = leave(browser, id_token_hint=listening.tokens(world.session)["id_token"])
    policy = dict(
        part.strip().partition(" ")[::2]
        for part in page.headers["Content-Security-Policy"].split(";")
    )
    assert policy["frame-src"] == "https://application.example"
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert "form-action" not in policy


@pytest.mark.standard(S, "3", "without such clients nothing comes in between")
def test_nobody_listens(world: World, web: RelyingParty) -> None:
    hint = web.tokens(world.session)["id_token"]
    parameters = {"id_token_hint": hint, "post_logout_redirect_uri": AFTER_LOGOUT}
    response = world.provider.get("/end_session", parameters, cookies=cookie_of(world.session))
    assert header(response, "Location") == AFTER_LOGOUT


@pytest.mark.standard(S, "2", "an address on the origin of a redirect URI, without a fragment")
@pytest.mark.parametrize(
    "uri",
    [
        *("https://elsewhere.example/out", "https://application.example:8443/out"),
        *("http://application.example/out", "https://application.example/out#x"),
        "javascript:alert(1)",
    ],
)
def test_registered_address(uri: str) -> None:
    document = {"redirect_uris": ["https://application.example/cb"]}
    good = {**document, "frontchannel_logout_uri": "https://application.example/out"}
    assert client_metadata.parse(good).frontchannel_logout_uri == good["frontchannel_logout_uri"]
    with pytest.raises(InvalidClientMetadata):
        client_metadata.parse({**document, "frontchannel_logout_uri": uri})
