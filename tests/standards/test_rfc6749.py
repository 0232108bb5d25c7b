"""RFC 6749, The OAuth 2.0 Authorization Framework."""

from __future__ import annotations

import base64
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from idp import conf
from idp.accounts import consents
from idp.models import Client, Grant, Interaction
from idp.tokens import client_secret
from tests.support.protocol import (
    FORM,
    VERIFIER,
    RelyingParty,
    World,
    agree,
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


@pytest.mark.standard(S, "2.3", "only by the method that was registered")
@pytest.mark.parametrize("registered", ["client_secret_basic", "client_secret_post", "none"])
def test_registered_method(world: World, registered: str) -> None:
    party = world.relying_party(
        token_endpoint_auth_method=registered, grant_types=["authorization_code"]
    )
    secret = party.secret or "x"
    for method, form, authorization in (
        ("none", {"client_id": party.id}, ()),
        ("client_secret_post", {"client_id": party.id, "client_secret": secret}, ()),
        ("client_secret_basic", {}, basic(party.id, secret)),
    ):
        asked = {**form, "grant_type": "authorization_code", "code": "x"}
        response = world.provider.post("/token", asked, authorization=authorization)
        expected = (400, "invalid_grant") if method == registered else (401, "invalid_client")
        assert error(response) == expected, method
        challenge = header(response, "WWW-Authenticate")
        assert challenge.startswith("Basic ") is (response.status == 401)


@pytest.mark.standard(S, "2.3.1", "secrets are kept hashed, and one character decides")
def test_secrets_at_rest(web: RelyingParty) -> None:
    row = Client.objects.filter(client_id=web.id).values().get()
    assert web.secret not in str(row)
    assert bytes(row["secret_hash"]) == client_secret.digest(web.secret)
    for wrong in (web.secret[:-1], web.secret + "A", web.secret.swapcase(), ""):
        response = web.provider.post(
            "/token", {"grant_type": "client_credentials"}, authorization=basic(web.id, wrong)
        )
        assert error(response) == (401, "invalid_client")


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


@pytest.mark.standard(S, "3.1", "a POST is a form, and there is no third method")
def test_methods_of_the_authorization_endpoint(world: World, web: RelyingParty) -> None:
    body = encode(web.request()).encode()
    for kind in ("application/json", "text/plain", ""):
        response = web.provider.send("POST", "/authorize", body=body, content_type=kind)
        assert (response.status, header(response, "Location")) == (400, "")
    for method in ("PUT", "DELETE", "OPTIONS"):
        response = web.provider.send(method, "/authorize", query=encode(web.request()))
        assert (response.status, header(response, "Allow")) == (405, "GET, POST")


@pytest.mark.standard(S, "3.1", "over TLS only: nothing else is served but to this very machine")
@pytest.mark.parametrize(
    ("issuer", "served"),
    [
        ("https://id.example.org", True),
        ("http://localhost:8000", True),
        ("http://id.example.org", False),
        ("http://10.0.0.1", False),
    ],
)
def test_tls(monkeypatch: pytest.MonkeyPatch, issuer: str, served: bool) -> None:
    monkeypatch.setenv("GATEHOUSE_ISSUER", issuer)
    if served:
        assert conf.load().issuer == issuer
    else:
        with pytest.raises(conf.InsecureSettings, match="https"):
            conf.load()


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


@pytest.mark.standard(S, "3.2", "no parameter of the token endpoint comes twice, nor as JSON")
def test_token_parameters(world: World, web: RelyingParty) -> None:
    code = web.code(world.session)
    sound = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": web.client.redirect_uris[0],
        "code_verifier": VERIFIER,
    }
    for name, value in sound.items():
        for second in (value, "", "x"):
            body = encode([*sound.items(), (name, second)])
            response = web.provider.post("/token", body, authorization=web.authorization)
            assert error(response) == (400, "invalid_request"), name
    for kind in ("application/json", "multipart/form-data", ""):
        response = web.provider.post(
            "/token", sound, content_type=kind, authorization=web.authorization
        )
        assert error(response) == (415, "invalid_request")
    response = web.provider.post(
        "/token", sound, content_type=f"{FORM}; charset=UTF-8", authorization=web.authorization
    )
    assert response.status == 200


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


@pytest.mark.standard(S, "4.1.2", "and of refresh tokens too, whatever they have become")
def test_code_again_after_a_refresh(world: World) -> None:
    party = world.relying_party(refresh_always=True)
    code = party.code(world.session)
    first = json(party.redeem(code))
    second = json(party.refresh(first["refresh_token"]))
    assert error(party.redeem(code)) == (400, "invalid_grant")
    for one in (first, second):
        assert error(party.refresh(one["refresh_token"])) == (400, "invalid_grant")
        assert party.introspect(one["access_token"]) == {"active": False}


@pytest.mark.standard("Security control", "33", "a code works once under a race")
@pytest.mark.standard(S, "4.1.2", "of many redemptions at once one wins, and then nothing is left")
@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_code_at_once(world: World, web: RelyingParty) -> None:
    code = web.code(world.session)
    barrier = threading.Barrier(20)
    answers: list[Any] = []

    def redeem() -> None:
        barrier.wait()
        try:
            answers.append(web.redeem(code))
        finally:
            connection.close()

    threads = [threading.Thread(target=redeem) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (issued,) = [json(one) for one in answers if one.status == 200]
    refused = [error(one) for one in answers if one.status != 200]
    assert refused == [(400, "invalid_grant")] * 19
    assert web.introspect(issued["access_token"]) == {"active": False}


@pytest.mark.standard(S, "4.1.2.1", "error, state, printable ASCII description")
def test_error_response(world: World, web: RelyingParty) -> None:
    state = "".join(chr(n) for n in range(32, 127))
    parameters = answer(web.authorize(world.session, response_mode='é"\\\n', state=state))
    assert parameters["state"] == state
    assert parameters["iss"] == "http://localhost:8000"
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


@pytest.mark.standard(S, "6", "refresh: person, client and consent are still there")
def test_refresh_of_what_is_over(world: World) -> None:
    party = world.relying_party(trusted=False, refresh_always=True)
    agree(world.user, party.application, "openid")
    tokens = [party.tokens(world.session)["refresh_token"] for _ in range(2)]
    party.change_application(enabled=False)
    assert party.refresh(tokens[0]).status == 401
    party.change_application(enabled=True)
    world.user.is_active = False
    world.user.save()
    assert error(party.refresh(tokens[0])) == (400, "invalid_grant")
    world.user.is_active = True
    world.user.save()
    assert party.refresh(tokens[0]).status == 200
    consents.withdraw(world.user, party.application, now=timezone.now())
    assert error(party.refresh(tokens[1])) == (400, "invalid_grant")


@pytest.mark.standard("Security control", "33", "a code lives for a minute")
@pytest.mark.standard(S, "10.5", "codes live for at most 60 seconds")
def test_code_lifetime(world: World, web: RelyingParty, monkeypatch: pytest.MonkeyPatch) -> None:
    early, late = web.code(world.session), web.code(world.session)
    world.provider.ahead = timedelta(seconds=59)
    assert web.redeem(early).status == 200
    world.provider.ahead = timedelta(seconds=61)
    assert error(web.redeem(late)) == (400, "invalid_grant")
    monkeypatch.setenv("GATEHOUSE_CODE_LIFETIME", "61")
    with pytest.raises(conf.InsecureSettings, match="CODE_LIFETIME"):
        conf.load()


@pytest.mark.standard(S, "10.10", "codes cannot be guessed, nor found where we keep things")
def test_codes(world: World, web: RelyingParty) -> None:
    codes = [web.code(world.session) for _ in range(20)]
    assert len({code[:40] for code in codes}) == 20
    assert not Grant.objects.exists()
    assert not Interaction.objects.exists()
    for wrong in (codes[0][:-1], codes[0] + "A", codes[0].swapcase(), codes[0][:-8] + "AAAAAAAA"):
        assert error(web.redeem(wrong)) == (400, "invalid_grant")
    assert web.redeem(codes[0]).status == 200
    assert codes[0] not in str(Grant.objects.values().get())


@pytest.mark.standard(S, "10.13", "pages may not be framed")
def test_clickjacking(world: World, web: RelyingParty) -> None:
    response = web.authorize(world.session, client_id="unknown")
    assert header(response, "X-Frame-Options") == "DENY"
    assert "frame-ancestors 'none'" in header(response, "Content-Security-Policy")
