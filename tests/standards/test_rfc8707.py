"""RFC 8707, Resource Indicators."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings

from tests.support.protocol import RelyingParty, World, answer, claims_of, json

S = "RFC 8707"
ORDERS, STOCK = "https://orders.example", "https://stock.example"


@pytest.fixture
def party(world: World) -> RelyingParty:
    party = world.relying_party(refresh_always=True)
    world.resource(ORDERS, "orders:read", clients=[party])
    world.resource(STOCK, "stock:read", clients=[party])
    world.resource("https://foreign.example", "foreign:read")
    return party


ALL = {"scope": "openid orders:read stock:read", "resource": [ORDERS, STOCK]}


def audience(response: Any) -> Any:
    assert response.status == 200, response.body
    return claims_of(json(response)["access_token"])["aud"]


@pytest.mark.standard(S, "2", "absolute URIs without fragment, known, the client's")
@pytest.mark.parametrize(
    "resource", ["orders", "https://x#y", "", "https://unknown.example", "https://foreign.example"]
)
def test_invalid_target(world: World, party: RelyingParty, resource: str) -> None:
    parameters = answer(party.authorize(world.session, resource=[ORDERS, resource]))
    assert parameters.get("error") == ("invalid_target" if resource else None)


@pytest.mark.standard(S, "2", "and so at the token endpoint, where nothing is used up by it")
@pytest.mark.parametrize("resource", ["orders", "https://x#y", "https://foreign.example"])
def test_invalid_target_of_a_token(world: World, party: RelyingParty, resource: str) -> None:
    code = party.code(world.session, **ALL)
    refused = party.redeem(code, resource=resource)
    assert (refused.status, json(refused)["error"]) == (400, "invalid_target")
    token = json(party.redeem(code, resource=ORDERS))["refresh_token"]
    refused = party.refresh(token, resource=resource)
    assert (refused.status, json(refused)["error"]) == (400, "invalid_target")
    assert audience(party.refresh(token, resource=[ORDERS])) == ORDERS


@pytest.mark.standard(S, "2.2", "machines name theirs at the token endpoint")
def test_machines(world: World, party: RelyingParty) -> None:
    party.change(grant_types=["client_credentials"])
    for resource, scope in ((ORDERS, "orders:read"), (STOCK, "stock:read")):
        response = party.token(grant_type="client_credentials", resource=resource, scope=scope)
        assert audience(response) == resource
    response = party.token(grant_type="client_credentials", resource="https://foreign.example")
    assert json(response)["error"] == "invalid_target"


@pytest.mark.standard(S, "2.1", "several at the authorization endpoint")
def test_several(world: World, party: RelyingParty) -> None:
    code = party.code(world.session, **ALL)
    assert audience(party.redeem(code)) == [ORDERS, STOCK]


@pytest.mark.standard(S, "2.2", "the token request narrows them")
def test_narrowed_at_the_token_endpoint(world: World, party: RelyingParty) -> None:
    code = party.code(world.session, **ALL)
    response = party.redeem(code, resource=STOCK)
    assert audience(response) == STOCK
    assert json(response)["scope"] == "stock:read"


@pytest.mark.standard(S, "2.2", "what was not granted is invalid_target")
def test_not_granted(world: World, party: RelyingParty) -> None:
    code = party.code(world.session, scope="openid orders:read", resource=ORDERS)
    response = party.redeem(code, resource=STOCK)
    assert (response.status, json(response)["error"]) == (400, "invalid_target")
    assert party.redeem(code).status == 200


@pytest.mark.standard(S, "2.2", "the refresh token keeps all of them")
def test_refresh_keeps_the_union(world: World, party: RelyingParty) -> None:
    code = party.code(world.session, **ALL)
    first = json(party.redeem(code, resource=ORDERS))
    second = party.refresh(first["refresh_token"], resource=STOCK)
    assert audience(second) == STOCK
    third = party.refresh(json(second)["refresh_token"])
    assert audience(third) == [ORDERS, STOCK]
    token = json(third)["refresh_token"]
    response = party.refresh(token, resource="https://foreign.example")
    assert json(response)["error"] == "invalid_target"
    assert party.refresh(token).status == 200


@pytest.mark.standard(S, "2", "without any, the token is for UserInfo")
def test_default(world: World, party: RelyingParty) -> None:
    assert audience(party.redeem(party.code(world.session))) == settings.IDP.issuer


@pytest.mark.standard(S, "2.2", "UserInfo goes with openid")
def test_userinfo_beside_an_api(world: World, party: RelyingParty) -> None:
    code = party.code(world.session, scope="openid orders:read", resource=ORDERS)
    first = json(party.redeem(code))
    assert party.userinfo(first["access_token"]).status == 401
    second = json(party.refresh(first["refresh_token"], resource=settings.IDP.issuer))
    assert party.userinfo(second["access_token"]).status == 200
