"""RFC 7662, Token Introspection."""

from __future__ import annotations

from datetime import timedelta

import pytest

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


@pytest.mark.standard(S, "2.2", "nothing is cached")
def test_no_store(world: World, web: RelyingParty) -> None:
    response = web.provider.post("/introspect", {"token": "x"}, authorization=web.authorization)
    assert header(response, "Cache-Control") == "no-store"
    assert json(response) == {"active": False}
