"""Pairwise subjects (OIDC Core §8): one `sub` per sector, everywhere, and never the other one."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from django.test import override_settings
from django.utils import timezone

from idp import keys, subjects
from idp.accounts import people
from tests.idp.test_keys import OTHER_KEY
from tests.support.factories import UserFactory
from tests.support.protocol import RelyingParty, World, answer, claims_of, json, sign_in

S = "OIDC Core"


@pytest.fixture
def rp(world: World) -> RelyingParty:
    return world.relying_party(subject_type="pairwise")


def demand(value: str) -> str:
    """A claims parameter that demands this sub."""
    return orjson.dumps({"id_token": {"sub": {"value": value}}}).decode()


def sub(world: World, party: RelyingParty) -> str:
    return claims_of(party.tokens(world.session)["id_token"])["sub"]


@pytest.mark.standard(S, "8.1", "the same within a sector, another one elsewhere")
def test_sectors(world: World, rp: RelyingParty, web: RelyingParty) -> None:
    same = world.relying_party(
        subject_type="pairwise", redirect_uris=["https://application.example/elsewhere"]
    )
    other = world.relying_party(
        subject_type="pairwise", redirect_uris=["https://other.example/callback"]
    )
    listed = world.relying_party(
        subject_type="pairwise",
        redirect_uris=["https://a.example/cb", "https://b.example/cb"],
        sector_identifier_uri="https://other.example/sector.json",
    )
    mine = sub(world, rp)
    assert mine == sub(world, rp) == sub(world, same)
    assert sub(world, other) == sub(world, listed) != mine
    assert sub(world, web) == world.user.subject
    assert len(mine) == 64
    assert world.user.subject not in (mine, sub(world, other))


@pytest.mark.standard(S, "8.1", "two people never share one")
def test_people(world: World, rp: RelyingParty) -> None:
    bob = sign_in(UserFactory())
    assert claims_of(rp.tokens(bob)["id_token"])["sub"] != sub(world, rp)


@pytest.mark.standard(S, "5.3.2", "sub is the same in every place")
def test_every_place(world: World, rp: RelyingParty) -> None:
    rp.change(grant_types=["authorization_code", "refresh_token"], refresh_always=True)
    tokens = rp.tokens(world.session)
    expected = claims_of(tokens["id_token"])["sub"]
    assert claims_of(tokens["access_token"])["sub"] == expected
    assert json(rp.userinfo(tokens["access_token"]))["sub"] == expected
    assert rp.introspect(tokens["access_token"])["sub"] == expected
    renewed = json(rp.refresh(tokens["refresh_token"]))
    assert claims_of(renewed["id_token"])["sub"] == expected
    assert world.user.subject not in str(claims_of(renewed["access_token"]))


def test_the_claims_are_still_the_persons(world: World, rp: RelyingParty) -> None:
    tokens = rp.tokens(world.session, scope="openid profile")
    assert json(rp.userinfo(tokens["access_token"]))["name"] == "Alice Adams"


@pytest.mark.standard(S, "3.1.2.1", "as a hint")
def test_hint(world: World, rp: RelyingParty) -> None:
    hint = rp.tokens(world.session)["id_token"]
    found = answer(rp.authorize(world.session, id_token_hint=hint, prompt="none"))
    assert found["code"]
    bob = sign_in(UserFactory())
    found = answer(rp.authorize(bob, id_token_hint=hint, prompt="none"))
    assert found["error"] == "login_required"


@pytest.mark.standard(S, "5.5.1", "as a demanded value")
def test_demanded(world: World, rp: RelyingParty) -> None:
    for value, expected in ((sub(world, rp), "code"), (world.user.subject, "error")):
        asked = demand(value)
        assert expected in answer(rp.authorize(world.session, claims=asked, prompt="none"))


def test_hint_of_another_sector(world: World, rp: RelyingParty, web: RelyingParty) -> None:
    """A public sub does not open a pairwise client, and the reverse."""
    asked = demand(sub(world, rp))
    found = answer(web.authorize(world.session, claims=asked, prompt="none"))
    assert found["error"] == "login_required"


def test_disabling_the_person_kills_its_tokens(world: World, rp: RelyingParty) -> None:
    rp.change(refresh_always=True)
    tokens = rp.tokens(world.session)
    assert rp.introspect(tokens["access_token"])["active"]
    people.disable(world.user, now=timezone.now(), actor="test")
    assert not rp.introspect(tokens["access_token"])["active"]
    assert rp.userinfo(tokens["access_token"]).status == 401
    assert json(rp.refresh(tokens["refresh_token"]))["error"] == "invalid_grant"


@pytest.mark.standard(S, "8", "never reassigned: it outlives the master key")
def test_new_master_key(world: World, rp: RelyingParty, settings: Any) -> None:
    keys.lasting_secret.cache_clear()
    expected = subjects.of(rp.client, world.user.pk)
    masters = (OTHER_KEY, settings.IDP.master_key[0])
    with override_settings(IDP=settings.IDP.model_copy(update={"master_key": masters})):
        keys.reencrypt()
    with override_settings(IDP=settings.IDP.model_copy(update={"master_key": masters[:1]})):
        keys.lasting_secret.cache_clear()
        assert subjects.of(rp.client, world.user.pk) == expected
    keys.lasting_secret.cache_clear()


def test_sign_out_with_a_hint(world: World, rp: RelyingParty) -> None:
    hint = rp.tokens(world.session)["id_token"]
    response = world.provider.get(
        "/end_session",
        {"id_token_hint": hint},
        cookies={"gatehouse_session": world.session.token},  # type: ignore[attr-defined]
    )
    assert response.status == 303
    world.session.refresh_from_db()
    assert world.session.ended_at is not None
