"""RFC 6750, Bearer Token Usage, at UserInfo."""

from __future__ import annotations

import pytest

from tests.support.protocol import RelyingParty, World, header, json

S = "RFC 6750"


@pytest.mark.standard(S, "2", "in the header or the form, never in the URL, never twice")
def test_places(world: World, web: RelyingParty) -> None:
    token = web.tokens(world.session)["access_token"]
    bearer = (f"Bearer {token}",)
    assert world.provider.get("/userinfo", authorization=bearer).status == 200
    assert world.provider.post("/userinfo", {"access_token": token}).status == 200
    assert world.provider.get("/userinfo", {"access_token": token}).status == 400
    both = world.provider.post("/userinfo", {"access_token": token}, authorization=bearer)
    assert (both.status, json(both)["error"]) == (400, "invalid_request")


@pytest.mark.standard(S, "3", "WWW-Authenticate with every refusal")
def test_challenges(world: World, web: RelyingParty) -> None:
    missing = world.provider.get("/userinfo")
    assert (missing.status, missing.body) == (401, b"")
    assert header(missing, "WWW-Authenticate") == 'Bearer realm="userinfo"'
    invalid = web.userinfo("x")
    assert invalid.status == 401
    assert 'error="invalid_token"' in header(invalid, "WWW-Authenticate")
    narrow = web.userinfo(json(web.token(grant_type="client_credentials"))["access_token"])
    assert narrow.status == 403
    assert 'error="insufficient_scope"' in header(narrow, "WWW-Authenticate")
    assert 'scope="openid"' in header(narrow, "WWW-Authenticate")


@pytest.mark.standard("RFC 9110", "11.1", "the scheme's name in any case")
def test_scheme(world: World, web: RelyingParty) -> None:
    token = web.tokens(world.session)["access_token"]
    for scheme in ("bearer", "BEARER"):
        assert world.provider.get("/userinfo", authorization=(f"{scheme} {token}",)).status == 200
