"""RFC 6749, The OAuth 2.0 Authorization Framework."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest

from tests.support.protocol import (
    RelyingParty,
    World,
    answer,
    basic,
    claims_of,
    encode,
    header,
    json,
)

S = "RFC 6749"


def error(response: Any) -> tuple[int, str]:
    return response.status, json(response)["error"]


@pytest.mark.standard(S, "2.3", "one client authentication method per request")
def test_one_method(web: RelyingParty) -> None:
    form = {"grant_type": "client_credentials", "client_id": web.id, "client_secret": web.secret}
    response = web.provider.post("/token", form, authorization=web.authorization)
    assert error(response) == (400, "invalid_request")


@pytest.mark.standard(S, "2.3.1", "Basic credentials are form-urlencoded")
def test_encoded_credentials(web: RelyingParty) -> None:
    escaped = "".join(f"%{byte:02x}" for byte in web.id.encode())
    pair = base64.b64encode(f"{escaped}:{web.secret}".encode()).decode()
    response = web.provider.post(
        "/token",
        {"grant_type": "client_credentials"},
        authorization=(f"Basic {pair}",),
    )
    assert response.status == 200


@pytest.mark.standard(S, "3.1", "GET and POST, unknown parameters ignored, repeated ones refused")
def test_authorization_endpoint(world: World, web: RelyingParty) -> None:
    assert answer(web.authorize(world.session, unknown="x"))["code"]
    posted = web.provider.post(
        "/authorize",
        web.request(),
        cookies={"gatehouse_session": world.session.token},  # type: ignore[attr-defined]
    )
    assert answer(posted)["code"]
    query = encode({**web.request(), "scope": ["openid", "openid"]})
    assert answer(web.provider.get("/authorize", query))["error"] == "invalid_request"


@pytest.mark.standard(S, "3.1", "parameters without a value count as omitted")
def test_empty_parameters(world: World, web: RelyingParty) -> None:
    parameters = answer(web.authorize(world.session, prompt="", max_age="", state="", claims=""))
    assert parameters["code"]
    assert "state" not in parameters


@pytest.mark.standard(S, "3.1.2.4", "no redirect to an address that is not registered")
@pytest.mark.standard(S, "4.1.2.1", "nor for an unknown client")
def test_no_open_redirector(world: World, web: RelyingParty) -> None:
    for changes in (
        {"redirect_uri": "https://evil.example/"},
        {"redirect_uri": None},
        {"client_id": "unknown"},
        {"client_id": None},
    ):
        response = web.authorize(world.session, **changes)
        assert response.status == 400
        assert header(response, "Location") == ""


@pytest.mark.standard(S, "3.2", "the token endpoint takes POST with parameters in the body alone")
def test_token_endpoint(web: RelyingParty) -> None:
    assert web.provider.get("/token", "grant_type=client_credentials").status == 405
    response = web.provider.post(
        "/token", {}, query="grant_type=client_credentials", authorization=web.authorization
    )
    assert error(response) == (400, "invalid_request")


@pytest.mark.standard(S, "3.3", "scope syntax")
@pytest.mark.parametrize("scope", ['"', "\\", "é", "a\tb", "a\nb"])
def test_scope_syntax(web: RelyingParty, scope: str) -> None:
    response = web.token(grant_type="client_credentials", scope=scope)
    assert error(response) == (400, "invalid_scope")


@pytest.mark.standard(S, "3.3", "the scope that was granted is told")
def test_granted_scope(world: World, web: RelyingParty) -> None:
    tokens = web.tokens(world.session, scope="openid unknown email")
    assert tokens["scope"] == "openid email"


@pytest.mark.standard(S, "4.1.2", "code and state byte for byte")
def test_authorization_response(world: World, web: RelyingParty) -> None:
    state = "".join(chr(n) for n in range(32, 127))
    parameters = answer(web.authorize(world.session, state=state))
    assert parameters["state"] == state
    assert len(parameters["code"]) >= 43


@pytest.mark.standard(S, "4.1.2", "a code is used once; a second use takes everything back")
def test_code_once(world: World, web: RelyingParty) -> None:
    code = web.code(world.session)
    first = json(web.redeem(code))
    assert error(web.redeem(code)) == (400, "invalid_grant")
    assert web.introspect(first["access_token"]) == {"active": False}


@pytest.mark.standard(S, "4.1.2.1", "error, state, printable ASCII description")
def test_error_response(world: World, web: RelyingParty) -> None:
    parameters = answer(web.authorize(world.session, response_mode='é"\\\n', state="s"))
    assert parameters["state"] == "s"
    description = parameters["error_description"]
    assert all(" " <= c <= "~" and c not in '"\\' for c in description)


@pytest.mark.standard(S, "4.1.2.1", "unsupported_response_type and unauthorized_client")
def test_response_types(world: World, web: RelyingParty) -> None:
    for response_type in ("token", "id_token", "code token", "none"):
        response = web.authorize(world.session, response_type=response_type)
        assert answer(response)["error"] == "unsupported_response_type"
    web.change(response_types=[])
    assert answer(web.authorize(world.session))["error"] == "unauthorized_client"


@pytest.mark.standard(S, "4.1.3", "code, client and redirect_uri belong together")
def test_binding(world: World, web: RelyingParty) -> None:
    other = world.relying_party()
    code = web.code(world.session)
    assert error(other.redeem(code)) == (400, "invalid_grant")
    assert error(web.redeem(code, redirect_uri=None)) == (400, "invalid_grant")
    assert error(web.redeem(code, redirect_uri="https://x.example/")) == (400, "invalid_grant")
    assert web.redeem(code).status == 200


@pytest.mark.standard(S, "4.4", "client_credentials: confidential clients, no refresh token")
def test_client_credentials(web: RelyingParty, public: RelyingParty) -> None:
    response = json(web.token(grant_type="client_credentials"))
    assert "refresh_token" not in response
    assert claims_of(response["access_token"])["sub"] == web.id
    public.change(grant_types=["client_credentials"])
    assert error(public.token(grant_type="client_credentials"))[1] == "unauthorized_client"


@pytest.mark.standard(S, "5.1", "JSON that no cache keeps")
def test_token_response(world: World, web: RelyingParty) -> None:
    response = web.redeem(web.code(world.session))
    assert header(response, "Content-Type") == "application/json"
    assert header(response, "Cache-Control") == "no-store"
    assert header(response, "Pragma") == "no-cache"
    body = json(response)
    assert body["token_type"].lower() == "bearer"
    assert isinstance(body["expires_in"], int)


@pytest.mark.standard(S, "5.2", "every error with its status")
def test_token_errors(world: World, web: RelyingParty) -> None:
    assert error(web.token()) == (400, "invalid_request")
    assert error(web.token(grant_type="password")) == (400, "unsupported_grant_type")
    assert error(web.redeem("x")) == (400, "invalid_grant")
    assert error(web.token(grant_type="client_credentials", scope="x")) == (400, "invalid_scope")
    web.change(grant_types=["authorization_code"])
    assert error(web.token(grant_type="client_credentials")) == (400, "unauthorized_client")
    response = web.provider.post(
        "/token", {"grant_type": "client_credentials"}, authorization=basic(web.id, "x")
    )
    assert error(response) == (401, "invalid_client")
    assert header(response, "WWW-Authenticate").startswith("Basic ")


@pytest.mark.standard(S, "6", "refresh: the same client, scope only smaller")
def test_refresh(world: World) -> None:
    party, other = (world.relying_party(refresh_always=True) for _ in range(2))
    token = party.tokens(world.session, scope="openid email")["refresh_token"]
    assert error(other.refresh(token)) == (400, "invalid_grant")
    assert error(party.refresh(token, scope="openid phone")) == (400, "invalid_scope")
    assert json(party.refresh(token, scope="openid"))["scope"] == "openid"


@pytest.mark.standard(S, "10.5", "codes live for at most 60 seconds")
def test_code_lifetime(world: World, web: RelyingParty) -> None:
    code = web.code(world.session)
    world.provider.ahead = timedelta(seconds=61)
    assert error(web.redeem(code)) == (400, "invalid_grant")


@pytest.mark.standard(S, "10.13", "pages may not be framed")
def test_clickjacking(world: World, web: RelyingParty) -> None:
    response = web.authorize(world.session, client_id="unknown")
    assert header(response, "X-Frame-Options") == "DENY"
    assert "frame-ancestors 'none'" in header(response, "Content-Security-Policy")
