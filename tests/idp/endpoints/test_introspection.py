"""Introspection: who may ask about what, and no oracle for everybody else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.support.protocol import RelyingParty, World, header, json

API = "https://api.example"


@pytest.fixture
def api(world: World, web: RelyingParty) -> RelyingParty:
    """The API itself, a client that may introspect its tokens."""
    party = world.relying_party(grant_types=["client_credentials"])
    resource = world.resource(API, "read", clients=[web])
    party.client.introspects.add(resource)
    return party


def test_own_token(world: World, web: RelyingParty) -> None:
    tokens = web.tokens(world.session)
    answer = web.introspect(tokens["access_token"])
    assert answer["active"] is True
    assert answer["sub"] == world.user.subject
    assert answer["client_id"] == web.id
    assert answer["token_type"] == "Bearer"
    assert answer["scope"] == "openid"
    assert {"iss", "aud", "exp", "iat", "jti"} <= answer.keys()


def test_token_of_its_api(world: World, web: RelyingParty, api: RelyingParty) -> None:
    tokens = web.tokens(world.session, scope="openid read", resource=API)
    answer = api.introspect(tokens["access_token"])
    assert (answer["active"], answer["aud"], answer["scope"]) == (True, API, "read")


def test_token_for_another_audience(world: World, web: RelyingParty, api: RelyingParty) -> None:
    assert api.introspect(web.tokens(world.session)["access_token"]) == {"active": False}


def test_token_of_another_client(world: World, web: RelyingParty) -> None:
    stranger = world.relying_party()
    assert stranger.introspect(web.tokens(world.session)["access_token"]) == {"active": False}


def test_every_other_answer_is_the_same(world: World, web: RelyingParty) -> None:
    stranger = world.relying_party(refresh_always=True)
    tokens = stranger.tokens(world.session)
    expired = web.tokens(world.session)["access_token"]
    world.provider.ahead = timedelta(minutes=11)
    bodies = set()
    for token in (*map(str, tokens.values()), expired, "nonsense", "a.b.c"):
        response = web.provider.post(
            "/introspect", {"token": token}, authorization=web.authorization
        )
        bodies.add((response.status, response.body))
    assert bodies == {(200, b'{"active":false}')}


def test_unknown_hint_is_ignored(world: World, web: RelyingParty) -> None:
    tokens = web.tokens(world.session)
    for hint in ("refresh_token", "nonsense"):
        response = web.provider.post(
            "/introspect",
            {"token": tokens["access_token"], "token_type_hint": hint},
            authorization=web.authorization,
        )
        assert json(response)["active"] is True


def test_needs_a_secret(world: World, public: RelyingParty) -> None:
    response = world.provider.post("/introspect", {"token": "x", "client_id": public.id})
    assert (response.status, json(response)["error"]) == (401, "invalid_client")
    assert header(response, "WWW-Authenticate").startswith("Basic")
    assert world.provider.post("/introspect", {"token": "x"}).status == 401


def test_needs_a_token(web: RelyingParty) -> None:
    response = web.provider.post("/introspect", {}, authorization=web.authorization)
    assert (response.status, json(response)["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_only_post(world: World, method: str) -> None:
    assert world.provider.send(method, "/introspect").status == 405


def test_touches_no_database(
    world: World, web: RelyingParty, django_assert_num_queries: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = web.tokens(world.session)["access_token"]
    web.introspect(token)
    monkeypatch.setattr("idp.directory.POLL_SECONDS", 3600)
    with django_assert_num_queries(0):
        assert web.introspect(token)["active"] is True
