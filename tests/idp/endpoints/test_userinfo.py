"""UserInfo: which tokens it takes, where from, and what it says."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings

from idp.models import ClaimMapping
from tests.support.protocol import FORM, RelyingParty, World, header, json


@pytest.fixture
def token(world: World, web: RelyingParty) -> str:
    return web.tokens(world.session, scope="openid profile email")["access_token"]


def bearer(token: str) -> tuple[str, ...]:
    return (f"Bearer {token}",)


def test_by_get(world: World, web: RelyingParty, token: str) -> None:
    claims = json(world.provider.get("/userinfo", authorization=bearer(token)))
    assert claims["sub"] == world.user.subject
    assert claims["name"] == "Alice Adams"
    assert claims["email"] == world.user.email
    assert claims["email_verified"] is True
    assert "phone_number" not in claims


def test_by_post_with_header_and_with_form(world: World, token: str) -> None:
    for response in (
        world.provider.send("POST", "/userinfo", authorization=bearer(token)),
        world.provider.post("/userinfo", "", authorization=bearer(token)),
        world.provider.post("/userinfo", {"access_token": token}),
    ):
        assert json(response)["sub"] == world.user.subject


def test_scheme_in_any_case(world: World, token: str) -> None:
    assert world.provider.get("/userinfo", authorization=(f"bEARER {token}",)).status == 200


def test_never_in_the_url(world: World, token: str) -> None:
    response = world.provider.get("/userinfo", {"access_token": token})
    assert (response.status, json(response)["error"]) == (400, "invalid_request")
    response = world.provider.get("/userinfo", {"access_token": token}, authorization=bearer(token))
    assert response.status == 400


def test_two_places_and_two_headers(world: World, token: str) -> None:
    response = world.provider.post(
        "/userinfo", {"access_token": token}, authorization=bearer(token)
    )
    assert (response.status, json(response)["error"]) == (400, "invalid_request")
    response = world.provider.get("/userinfo", authorization=bearer(token) * 2)
    assert (response.status, json(response)["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("headers", [(), ("Basic abc",), ("",), ("Bearer",), ("Bearer ",)])
def test_no_token_names_no_error(world: World, headers: Any) -> None:
    response = world.provider.get("/userinfo", authorization=headers)
    assert (response.status, response.body) == (401, b"")
    assert header(response, "WWW-Authenticate") == 'Bearer realm="userinfo"'


def test_bad_token_is_named(world: World) -> None:
    response = world.provider.get("/userinfo", authorization=bearer("abc"))
    assert response.status == 401
    challenge = header(response, "WWW-Authenticate")
    assert challenge.startswith('Bearer realm="userinfo", error="invalid_token"')


def test_without_openid(world: World, web: RelyingParty) -> None:
    tokens = web.tokens(world.session, scope="profile")
    response = web.userinfo(tokens["access_token"])
    assert (response.status, json(response)["error"]) == (403, "insufficient_scope")
    assert 'scope="openid"' in header(response, "WWW-Authenticate")


def test_of_a_machine(web: RelyingParty) -> None:
    tokens = json(web.token(grant_type="client_credentials"))
    assert web.userinfo(tokens["access_token"]).status == 403


def test_for_another_audience(world: World, web: RelyingParty) -> None:
    world.resource("https://api.example", "read", clients=[web])
    api = web.tokens(world.session, scope="openid read", resource="https://api.example")
    assert web.userinfo(api["access_token"]).status == 401
    both = web.tokens(
        world.session,
        scope="openid read",
        resource=["https://api.example", settings.IDP.issuer],
    )
    assert json(web.userinfo(both["access_token"]))["sub"] == world.user.subject


def test_of_a_disabled_person(world: World, web: RelyingParty, token: str) -> None:
    world.user.is_active = False
    world.user.save()
    response = web.userinfo(token)
    assert (response.status, json(response)["error"]) == (401, "invalid_token")


def test_claims_requested_by_name(world: World, web: RelyingParty) -> None:
    tokens = web.tokens(world.session, claims='{"userinfo": {"email": {"essential": true}}}')
    claims = json(web.userinfo(tokens["access_token"]))
    assert claims == {
        "sub": world.user.subject,
        "email": world.user.email,
        "email_verified": True,
    } or claims == {"sub": world.user.subject, "email": world.user.email}


def test_mapping_rows_speak_of_the_session(world: World, web: RelyingParty) -> None:
    ClaimMapping.objects.create(
        application=web.application, claim="how", source="session", key="amr", to_userinfo=True
    )
    tokens = web.tokens(world.session)
    assert json(web.userinfo(tokens["access_token"]))["how"] == ["pwd"]


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_other_methods(world: World, method: str) -> None:
    response = world.provider.send(method, "/userinfo")
    assert response.status == 405
    assert header(response, "Allow") == "GET, POST"


def test_broken_form(world: World) -> None:
    response = world.provider.send("POST", "/userinfo", body=b"access_token=%ff", content_type=FORM)
    assert (response.status, json(response)["error"]) == (400, "invalid_request")
    response = world.provider.post("/userinfo", [("access_token", "a"), ("access_token", "b")])
    assert (response.status, json(response)["error"]) == (400, "invalid_request")
