"""The one page that others may frame."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Browser

from idp import features
from idp.endpoints import check_session_iframe
from tests.support.protocol import World, header


def test_others_may_frame_it(world: World) -> None:
    response = world.provider.get(check_session_iframe.PATH)
    assert response.status == 200
    assert header(response, "X-Frame-Options") == ""
    policy = header(response, "Content-Security-Policy")
    assert "frame-ancestors *" in policy
    assert "script-src 'self'" in policy
    assert b'data-cookie="gatehouse_browser_state"' in response.body


def test_is_the_same_for_everybody(world: World) -> None:
    first = world.provider.get(check_session_iframe.PATH)
    second = world.provider.get(
        check_session_iframe.PATH, cookies={"gatehouse_session": world.session.token}
    )
    assert first.body == second.body
    assert header(first, "Cache-Control") == "public, max-age=3600"
    assert header(first, "Set-Cookie") == ""


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_only_get(world: World, method: str) -> None:
    assert world.provider.send(method, check_session_iframe.PATH).status == 405


def test_through_django_too(db: None, client: Browser) -> None:
    page = client.get(check_session_iframe.PATH)
    assert "X-Frame-Options" not in page.headers
    assert "frame-ancestors *" in page.headers["Content-Security-Policy"]


def test_nobody_frames_anything_else(world: World, client: Browser) -> None:
    framable = [path for path in features.routes() if features.is_framable(path)]
    assert framable == [check_session_iframe.PATH]
    for path in ("/login", "/logout", "/logout/done", "/authorize", "/end_session", "/", "/admin/"):
        page: Any = client.get(path)
        assert page.headers["X-Frame-Options"] == "DENY" or page.status_code in (302, 303), path
        assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"], path
    for path in set(features.routes()) - set(framable):
        policy = header(world.provider.get(path), "Content-Security-Policy")
        assert "frame-ancestors 'none'" in policy, path
