"""RFC 7662, Token Introspection."""

from __future__ import annotations

from datetime import timedelta

import pytest

from idp import directory
from tests.support.protocol import RelyingParty, World, header, json

S = "RFC 7662"


@pytest.mark.standard(S, "2.1", "POST from somebody who proves to be allowed")
def test_caller(world: World, web: RelyingParty, public: RelyingParty) -> None:
    token = web.tokens(world.session)["access_token"]
    assert world.provider.get("/introspect", {"token": token}).status == 405
    assert world.provider.post("/introspect", {"token": token}).status == 401
    form = {"token": token, "client_id": public.id}
    assert world.provider.post("/introspect", form).status == 401


@pytest.mark.standard(S, "2.2", "active with scope, client_id, sub, aud, iss, exp, iat, jti")
def test_active(world: World, web: RelyingParty) -> None:
    answer = web.introspect(web.tokens(world.session)["access_token"])
    assert answer["active"] is True
    members = {"scope", "client_id", "sub", "aud", "iss", "exp", "iat", "jti", "token_type"}
    assert members <= answer.keys()


@pytest.mark.standard(S, "2.2", "inactive tokens tell nothing more")
def test_inactive(world: World, web: RelyingParty) -> None:
    tokens = web.tokens(world.session)
    assert web.introspect("x") == {"active": False}
    assert web.introspect(tokens["id_token"]) == {"active": False}
    world.provider.ahead = timedelta(minutes=10)
    assert web.introspect(tokens["access_token"]) == {"active": False}


@pytest.mark.standard(S, "4", "no oracle for those who are not meant")
def test_audience(world: World, web: RelyingParty) -> None:
    stranger = world.relying_party()
    token = web.tokens(world.session)["access_token"]
    assert stranger.introspect(token) == stranger.introspect("nonsense") == {"active": False}


@pytest.mark.standard(S, "2.1", "an API asks about its own tokens, and about no others")
def test_api(world: World, web: RelyingParty) -> None:
    api = world.relying_party(grant_types=["client_credentials"])
    orders = world.resource("https://orders.example", "orders:read", clients=[web])
    world.resource("https://stock.example", "stock:read", clients=[web])
    api.client.introspects.add(orders)
    directory.forget()
    scope = "openid orders:read stock:read"
    for resource, active in (("https://orders.example", True), ("https://stock.example", False)):
        token = web.tokens(world.session, scope=scope, resource=resource)["access_token"]
        found = api.introspect(token)
        assert found["active"] is active
        if active:
            assert (found["aud"], found["sub"]) == (resource, world.user.subject)
            assert (found["client_id"], found["iss"]) == (web.id, "http://localhost:8000")
        else:
            assert found == {"active": False}
    assert api.introspect(web.tokens(world.session)["access_token"]) == {"active": False}


@pytest.mark.standard(S, "2.2", "nothing is cached")
def test_no_store(world: World, web: RelyingParty) -> None:
    response = web.provider.post("/introspect", {"token": "x"}, authorization=web.authorization)
    assert header(response, "Cache-Control") == "no-store"
    assert json(response) == {"active": False}
