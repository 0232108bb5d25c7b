"""RFC 7009, Token Revocation."""

from __future__ import annotations

import pytest

from tests.support.protocol import RelyingParty, World, header, json

S = "RFC 7009"


@pytest.fixture
def party(world: World) -> RelyingParty:
    return world.relying_party(refresh_always=True)


@pytest.mark.standard(S, "2.1", "refresh token: the access tokens of the grant go too")
def test_cascade(world: World, party: RelyingParty) -> None:
    tokens = party.tokens(world.session)
    assert party.revoke(tokens["refresh_token"]).status == 200
    assert party.introspect(tokens["access_token"]) == {"active": False}


@pytest.mark.standard(S, "2.1", "an access token goes alone; UserInfo knows it at once")
def test_access_token(world: World, party: RelyingParty) -> None:
    tokens = party.tokens(world.session)
    other = party.tokens(world.session)
    assert party.userinfo(tokens["access_token"]).status == 200
    assert party.revoke(tokens["access_token"]).status == 200
    assert party.userinfo(tokens["access_token"]).status == 401
    assert party.userinfo(other["access_token"]).status == 200
    assert party.refresh(tokens["refresh_token"]).status == 200


@pytest.mark.standard(S, "2.1", "public clients too, but nobody takes another's access token back")
def test_public_clients(world: World, public: RelyingParty, party: RelyingParty) -> None:
    token = party.tokens(world.session)["access_token"]
    assert public.revoke(token).status == 400
    assert party.introspect(token)["active"]
    own = public.tokens(world.session)
    assert public.revoke(own["refresh_token"]).status == 200
    assert json(public.refresh(own["refresh_token"]))["error"] == "invalid_grant"


@pytest.mark.standard(S, "2.1", "the client is authenticated, and the token its own")
def test_own_tokens_only(world: World, party: RelyingParty) -> None:
    tokens = party.tokens(world.session)
    assert world.provider.post("/revoke", {"token": tokens["refresh_token"]}).status == 401
    thief = world.relying_party()
    assert thief.revoke(tokens["refresh_token"]).status == 400
    assert party.refresh(tokens["refresh_token"]).status == 200


@pytest.mark.standard(S, "2.1", "an unknown hint is ignored")
@pytest.mark.standard(S, "2.2", "200 for an invalid token")
def test_always_fine(world: World, party: RelyingParty) -> None:
    assert party.revoke("unknown").status == 200
    tokens = party.tokens(world.session)
    assert party.revoke(tokens["access_token"], token_type_hint="pineapple").status == 200
    assert party.introspect(tokens["access_token"]) == {"active": False}


@pytest.mark.standard(S, "2.3", "any origin may call it")
def test_cors(party: RelyingParty) -> None:
    assert header(party.revoke("x"), "Access-Control-Allow-Origin") == "*"
    preflight = party.provider.send("OPTIONS", "/revoke", origin="https://spa.example")
    assert preflight.status == 204


@pytest.mark.standard(S, "2.2.1", "errors as at the token endpoint")
def test_errors(party: RelyingParty) -> None:
    response = party.provider.post("/revoke", {}, authorization=party.authorization)
    assert (response.status, json(response)["error"]) == (400, "invalid_request")
