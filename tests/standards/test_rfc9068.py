"""RFC 9068, JWT Profile for OAuth 2.0 Access Tokens."""

from __future__ import annotations

import pytest
from django.conf import settings
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.support.protocol import RelyingParty, World, claims_of, header_of, json

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


@pytest.mark.standard("RFC 9700", "4.15", "a client is never mistaken for a person")
def test_subjects(world: World, web: RelyingParty) -> None:
    claims = claims_of(json(web.token(grant_type="client_credentials"))["access_token"])
    assert claims["sub"] == web.id
    assert "sid" not in claims
