"""RFC 9068, JWT Profile for OAuth 2.0 Access Tokens."""

from __future__ import annotations

import orjson
import pytest
from django.conf import settings
from joserfc import jwt
from joserfc.jwk import KeySet

from idp.protocol import jose
from tests.support.protocol import (
    RelyingParty,
    World,
    answer,
    basic,
    claims_of,
    header_of,
    json,
)

S = "RFC 9068"
API = "https://api.example"


@pytest.mark.standard(S, "2.1", "type at+jwt, asymmetric, and verifiable with the key set")
def test_header(world: World, web: RelyingParty) -> None:
    token = web.tokens(world.session)["access_token"]
    assert header_of(token)["typ"] == "at+jwt"
    key_set = KeySet.import_key_set(json(world.provider.get("/jwks")))
    assert jwt.decode(token, key_set, algorithms=["ES256"]).claims == claims_of(token)


@pytest.mark.standard(S, "2.2", "iss exp aud sub client_id iat jti")
@pytest.mark.standard(S, "2.2.1", "auth_time and acr where a person signed in")
def test_claims(world: World, web: RelyingParty) -> None:
    claims = claims_of(web.tokens(world.session, scope="openid email")["access_token"])
    assert claims["iss"] == claims["aud"] == settings.IDP.issuer
    assert claims["sub"] == world.user.subject
    assert claims["client_id"] == web.id
    assert claims["exp"] > claims["iat"]
    assert claims["acr"] == "pwd"
    assert claims["auth_time"] == int(world.session.authenticated_at.timestamp())
    assert claims["scope"] == "openid email"


@pytest.mark.standard(S, "2.2", "every token has a jti of its own")
def test_jti(world: World, web: RelyingParty) -> None:
    tokens = [json(web.token(grant_type="client_credentials")) for _ in range(20)]
    assert len({claims_of(token["access_token"])["jti"] for token in tokens}) == 20


@pytest.mark.standard(S, "2.2.3", "each scope means something to the audience")
@pytest.mark.standard(S, "3", "resource gives the audience")
def test_audience_and_scope(world: World, web: RelyingParty) -> None:
    world.resource(API, "read", clients=[web])
    world.resource("https://other.example", "write", clients=[web])
    tokens = web.tokens(world.session, scope="openid read write", resource=API)
    claims = claims_of(tokens["access_token"])
    assert (claims["aud"], claims["scope"]) == (API, "read")


@pytest.mark.standard(S, "4", "an ID token is no access token")
@pytest.mark.standard(S, "5", "nor the other way round")
def test_confusion(world: World, web: RelyingParty) -> None:
    tokens = web.tokens(world.session)
    assert web.userinfo(tokens["id_token"]).status == 401
    assert web.introspect(tokens["id_token"]) == {"active": False}
    assert claims_of(tokens["id_token"])["aud"] == web.id
    assert header_of(tokens["id_token"])["typ"] == "JWT"
    response = web.authorize(world.session, id_token_hint=tokens["access_token"])
    assert "error=invalid_request" in dict(response.headers)["Location"]


@pytest.mark.standard("Security control", "40", "no kind of token in the place of another")
@pytest.mark.standard("RFC 8725", "3.11", "each kind of value in its own place, and in no other")
def test_kinds(world: World, web: RelyingParty) -> None:
    web.change(refresh_always=True)
    tokens = web.tokens(world.session)
    kinds = {**tokens, "code": web.code(world.session), "secret": web.secret}
    for kind in ("access_token", "refresh_token", "id_token", "code", "secret"):
        value = kinds[kind]
        hinted = answer(web.authorize(world.session, id_token_hint=value, prompt="none"))
        secret = world.provider.post("/revoke", {"token": "x"}, authorization=basic(web.id, value))
        taken = {
            "access_token": web.userinfo(value).status == 200,
            "refresh_token": kind != "refresh_token" and web.refresh(value).status == 200,
            "id_token": "code" in hinted,
            "code": kind != "code" and web.redeem(value).status == 200,
            "secret": secret.status == 200,
        }
        assert {name for name, was in taken.items() if was} <= {kind}
    assert web.refresh(tokens["refresh_token"]).status == 200
    assert web.redeem(kinds["code"]).status == 200


@pytest.mark.standard("RFC 8725", "3.2", "signed with a key pair, and with what the header says")
def test_forged_access_tokens(world: World, web: RelyingParty) -> None:
    token = web.tokens(world.session)["access_token"]
    head, body, signature = token.split(".")
    assert header_of(token)["alg"] == "ES256"
    none = jose.encode(b'{"alg":"none","typ":"at+jwt"}')
    hmac = jose.encode(
        b'{"alg":"HS256","typ":"at+jwt","kid":"%s"}' % header_of(token)["kid"].encode()
    )
    other = jose.encode(orjson.dumps({**claims_of(token), "scope": "openid email"}))
    for forged in (
        f"{none}.{body}.",
        f"{none}.{body}.{signature}",
        f"{hmac}.{body}.{signature[:43]}",
        f"{head}.{other}.{signature}",
        f"{head}.{body}.",
        f"{head}.{body}.{signature[:-1]}",
        f"{token}.",
        f"{token}x",
    ):
        assert web.userinfo(forged).status == 401
        assert web.introspect(forged) == {"active": False}
    assert web.userinfo(token).status == 200


@pytest.mark.standard("RFC 9700", "4.15", "a client is never mistaken for a person")
def test_subjects(world: World, web: RelyingParty) -> None:
    claims = claims_of(json(web.token(grant_type="client_credentials"))["access_token"])
    assert claims["sub"] == web.id
    assert "sid" not in claims
