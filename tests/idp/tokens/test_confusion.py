"""Each kind of value where another one belongs: always refused, and nothing is used up."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.protocol import RelyingParty, World, basic, cookie_of


@pytest.fixture
def party(world: World) -> RelyingParty:
    return world.relying_party(refresh_always=True)


@pytest.fixture
def values(world: World, party: RelyingParty) -> dict[str, str]:
    tokens = party.tokens(world.session)
    return {
        "access_token": tokens["access_token"],
        "id_token": tokens["id_token"],
        "refresh_token": tokens["refresh_token"],
        "code": party.code(world.session),
        "client_secret": party.secret,
        "session": world.session.token,  # type: ignore[attr-defined]
        "sub": world.user.subject,
        "client_id": party.id,
    }


def _userinfo(world: World, party: RelyingParty, value: str) -> bool:
    return party.userinfo(value).status == 200


def _introspect(world: World, party: RelyingParty, value: str) -> bool:
    return party.introspect(value) != {"active": False}


def _code(world: World, party: RelyingParty, value: str) -> bool:
    return party.redeem(value).status == 200


def _refresh(world: World, party: RelyingParty, value: str) -> bool:
    return party.refresh(value).status == 200


def _hint(world: World, party: RelyingParty, value: str) -> bool:
    response = party.authorize(world.session, id_token_hint=value, prompt="none")
    return b"error" not in response.body and "error=" not in str(response.headers)


def _logout(world: World, party: RelyingParty, value: str) -> bool:
    response = world.provider.get(
        "/end_session", {"id_token_hint": value}, cookies=cookie_of(world.session)
    )
    location = dict(response.headers).get("Location", "")
    return response.status == 303 and "/confirm/" not in location


def _secret(world: World, party: RelyingParty, value: str) -> bool:
    response = world.provider.post("/revoke", {"token": "x"}, authorization=basic(party.id, value))
    return response.status == 200


def _session(world: World, party: RelyingParty, value: str) -> bool:
    response = world.provider.get(
        "/authorize", party.request(prompt="none"), cookies={"gatehouse_session": value}
    )
    return "code=" in str(response.headers)


PLACES: dict[str, tuple[Callable[[World, RelyingParty, str], bool], str]] = {
    "userinfo": (_userinfo, "access_token"),
    "introspection": (_introspect, "access_token"),
    "id_token_hint": (_hint, "id_token"),
    "logout hint": (_logout, "id_token"),
    "client_secret": (_secret, "client_secret"),
    "session cookie": (_session, "session"),
    "refresh_token": (_refresh, "refresh_token"),
    "code": (_code, "code"),
}


@pytest.mark.parametrize("place", PLACES)
def test_only_the_right_kind_is_taken(
    world: World, party: RelyingParty, values: dict[str, str], place: str
) -> None:
    take, right = PLACES[place]
    for kind, value in values.items():
        if kind != right:
            assert not take(world, party, value), f"{kind} was taken as {place}"
    assert take(world, party, values[right])
