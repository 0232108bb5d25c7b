"""The grant client_credentials: a client in its own name, and no database."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings

from idp import audit, directory
from idp.tokens import entitlement
from tests.support.protocol import RelyingParty, World, claims_of, json

API = "https://orders.example"


@pytest.fixture
def machine(world: World) -> RelyingParty:
    party = world.relying_party(
        grant_types=["client_credentials"], response_types=[], redirect_uris=[]
    )
    world.resource(API, "orders:read", "orders:write", clients=[party])
    return party


def ask(party: RelyingParty, **form: Any) -> Any:
    return party.token(grant_type="client_credentials", **form)


def test_speaks_for_itself(machine: RelyingParty) -> None:
    response = json(ask(machine, resource=API, scope="orders:read"))
    assert "refresh_token" not in response
    assert "id_token" not in response
    claims = claims_of(response["access_token"])
    assert claims["sub"] == claims["client_id"] == machine.id
    assert claims["aud"] == API
    assert claims["scope"] == response["scope"] == "orders:read"
    assert not {"auth_time", "acr", "sid"} & claims.keys()


def test_without_resource_the_audience_is_the_issuer(machine: RelyingParty) -> None:
    claims = claims_of(json(ask(machine, scope="orders:read"))["access_token"])
    assert claims["aud"] == settings.IDP.issuer


def test_without_scope_the_registered_ones(machine: RelyingParty) -> None:
    assert json(ask(machine, resource=API))["scope"] == ""
    machine.change(scope="orders:write openid")
    assert json(ask(machine, resource=API))["scope"] == "orders:write"


@pytest.mark.parametrize("scope", ["openid", "profile", "offline_access", "orders:delete", 'a"b'])
def test_scope_about_a_person_or_of_nobody_is_refused(machine: RelyingParty, scope: str) -> None:
    response = ask(machine, scope=scope)
    assert (response.status, json(response)["error"]) == (400, "invalid_scope")


def test_scope_of_another_api_is_refused(world: World, machine: RelyingParty) -> None:
    world.resource("https://other.example", "other:read", clients=[machine])
    response = ask(machine, scope="other:read", resource=API)
    assert json(response)["error"] == "invalid_scope"


@pytest.mark.parametrize(
    "resource", ["https://unknown.example", "orders", API + "#x", "https://u:p@orders.example"]
)
def test_foreign_resource_is_refused(machine: RelyingParty, resource: str) -> None:
    response = ask(machine, resource=resource)
    assert (response.status, json(response)["error"]) == (400, "invalid_target")


def test_public_client_is_refused(public: RelyingParty) -> None:
    public.change(grant_types=["authorization_code", "client_credentials"])
    response = ask(public)
    assert (response.status, json(response)["error"]) == (400, "unauthorized_client")


def test_touches_no_database(
    machine: RelyingParty, django_assert_num_queries: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(machine, resource=API)
    monkeypatch.setattr("idp.directory.POLL_SECONDS", 3600)
    monkeypatch.setattr(audit, "buffer", lambda *args, **facts: None)
    with django_assert_num_queries(0):
        assert ask(machine, resource=API, scope="orders:read").status == 200


def test_spelling_does_not_fill_the_memory(machine: RelyingParty) -> None:
    """One machine could take a hundred megabytes of every process with spaces alone."""
    ask(machine, resource=API, scope="orders:read orders:write")
    before = len(directory._entries)
    for spaces in range(2, 30):
        scope = f"{' ' * spaces}orders:read{' ' * spaces}orders:write orders:read"
        assert json(ask(machine, resource=[API] * 3, scope=scope))["scope"]
    assert len(directory._entries) == before


def test_what_was_just_taken_away_is_not_kept(machine: RelyingParty) -> None:
    earlier = directory.client(machine.id)
    assert earlier is not None
    machine.change(scope="orders:read")
    assert "orders:write" in entitlement.of(earlier).scopes, "for a request that is under way"
    assert json(ask(machine, scope="orders:write"))["error"] == "invalid_scope"
