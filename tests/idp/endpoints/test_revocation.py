"""Revocation: own tokens, in cascade, and 200 for everything that means nothing."""

from __future__ import annotations

import pytest

from tests.support.protocol import RelyingParty, World, json


@pytest.fixture
def party(world: World) -> RelyingParty:
    return world.relying_party(refresh_always=True)


def test_access_token_alone(world: World, party: RelyingParty) -> None:
    tokens = party.tokens(world.session)
    assert (party.revoke(tokens["access_token"]).status) == 200
    assert party.introspect(tokens["access_token"]) == {"active": False}
    assert party.userinfo(tokens["access_token"]).status == 401
    assert party.refresh(tokens["refresh_token"]).status == 200


def test_refresh_token_takes_access_tokens_with_it(world: World, party: RelyingParty) -> None:
    tokens = party.tokens(world.session)
    other = party.tokens(world.session)
    assert party.revoke(tokens["refresh_token"]).status == 200
    assert party.introspect(tokens["access_token"]) == {"active": False}
    assert party.refresh(tokens["refresh_token"]).status == 400
    assert party.introspect(other["access_token"])["active"] is True


def test_rotated_refresh_token_ends_the_grant_too(world: World, party: RelyingParty) -> None:
    tokens = party.tokens(world.session)
    successor = json(party.refresh(tokens["refresh_token"]))["refresh_token"]
    assert party.revoke(tokens["refresh_token"]).status == 200
    assert party.refresh(successor).status == 400


def test_token_of_another_client_stays(world: World, party: RelyingParty) -> None:
    tokens = party.tokens(world.session)
    thief = world.relying_party(refresh_always=True)
    for name in ("access_token", "refresh_token"):
        response = thief.revoke(tokens[name])
        assert (response.status, json(response)["error"]) == (400, "invalid_grant")
    assert party.introspect(tokens["access_token"])["active"] is True
    assert party.refresh(tokens["refresh_token"]).status == 200


@pytest.mark.parametrize("token", ["nonsense", "gtr_nonsense", "a.b.c", "gtr_" + "A" * 54, "é"])
def test_nonsense_is_fine(party: RelyingParty, token: str) -> None:
    response = party.revoke(token)
    assert (response.status, response.body) == (200, b"")


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "nonsense"])
def test_hints_do_not_matter(world: World, party: RelyingParty, hint: str) -> None:
    tokens = party.tokens(world.session)
    assert party.revoke(tokens["refresh_token"], token_type_hint=hint).status == 200
    assert party.refresh(tokens["refresh_token"]).status == 400


def test_public_client(world: World, public: RelyingParty) -> None:
    tokens = public.tokens(world.session)
    assert public.revoke(tokens["refresh_token"]).status == 200
    assert public.refresh(tokens["refresh_token"]).status == 400


def test_needs_client_and_token(world: World, party: RelyingParty) -> None:
    assert world.provider.post("/revoke", {"token": "x"}).status == 401
    response = party.provider.post("/revoke", {}, authorization=party.authorization)
    assert (response.status, json(response)["error"]) == (400, "invalid_request")
    assert world.provider.get("/revoke").status == 405
