"""Signed and encrypted answers to clients (OIDC Core §5.3.2, §10)."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from django.conf import settings
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.support.crafted_jwt import ClientKeyRing
from tests.support.protocol import RelyingParty, World, claims_of, header, header_of, json

S = "OIDC Core"
ALGS = ("RSA-OAEP", "RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW")


@pytest.fixture(scope="module")
def ring() -> ClientKeyRing:
    return ClientKeyRing(*ALGS, "ES256")


def party(world: World, ring: ClientKeyRing, alg: str, **fields: Any) -> RelyingParty:
    """A client whose only key for encryption is the one of this algorithm."""
    return world.relying_party(jwks={"keys": [ring.keys[alg].as_dict(private=False)]}, **fields)


def verified(world: World, token: str, algorithm: str) -> dict[str, Any]:
    key_set = KeySet.import_key_set(
        {"keys": [k for k in json(world.provider.get("/jwks"))["keys"] if k["use"] == "sig"]}
    )
    return jwt.decode(token, key_set, algorithms=[algorithm]).claims


@pytest.mark.standard(S, "10.2", "an ID token is signed, then encrypted")
@pytest.mark.parametrize("alg", ALGS)
@pytest.mark.parametrize("enc", ["A128GCM", "A256CBC-HS512"])
def test_id_token(world: World, ring: ClientKeyRing, alg: str, enc: str) -> None:
    rp = party(
        world, ring, alg, id_token_encrypted_response_alg=alg, id_token_encrypted_response_enc=enc
    )
    token = rp.tokens(world.session)["id_token"]
    head = header_of(token)
    assert (head["alg"], head["enc"], head["cty"]) == (alg, enc, "JWT")
    claims = verified(world, ring.decrypt(token, alg).decode(), "RS256")
    assert claims["sub"] == world.user.subject
    assert claims["aud"] == rp.id


@pytest.mark.standard(S, "10.2", "nothing goes out in clear where there is no key")
def test_no_key(world: World, ring: ClientKeyRing) -> None:
    rp = party(
        world,
        ring,
        "ES256",
        id_token_encrypted_response_alg="RSA-OAEP",
        id_token_encrypted_response_enc="A128GCM",
    )
    response = rp.redeem(rp.code(world.session))
    assert (response.status, json(response)["error"]) == (400, "invalid_request")
    assert b"id_token" not in response.body


@pytest.mark.standard(S, "5.3.2", "UserInfo as a signed JWT with iss and aud")
@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "EdDSA"])
def test_signed_userinfo(world: World, algorithm: str) -> None:
    rp = world.relying_party(userinfo_signed_response_alg=algorithm)
    tokens = rp.tokens(world.session, scope="openid profile")
    response = rp.userinfo(tokens["access_token"])
    assert header(response, "Content-Type") == "application/jwt"
    assert header(response, "Cache-Control") == "no-store"
    claims = verified(world, response.body.decode(), algorithm)
    assert (claims["iss"], claims["aud"]) == (settings.IDP.issuer, rp.id)
    assert claims["sub"] == claims_of(tokens["id_token"])["sub"]
    assert claims["name"] == "Alice Adams"


@pytest.mark.standard("RFC 8725", "3.11", "a signed UserInfo answer is no ID token")
def test_userinfo_is_no_hint(world: World) -> None:
    rp = world.relying_party(userinfo_signed_response_alg="RS256")
    answer = rp.userinfo(rp.tokens(world.session)["access_token"]).body.decode()
    response = rp.authorize(world.session, id_token_hint=answer, prompt="none")
    assert "error=invalid_request" in header(response, "Location")


@pytest.mark.standard(S, "5.3.2", "UserInfo encrypted, signed inside or not")
@pytest.mark.parametrize("signed", ["", "ES256"])
def test_encrypted_userinfo(world: World, ring: ClientKeyRing, signed: str) -> None:
    rp = party(
        world,
        ring,
        "RSA-OAEP-256",
        userinfo_signed_response_alg=signed,
        userinfo_encrypted_response_alg="RSA-OAEP-256",
        userinfo_encrypted_response_enc="A256GCM",
    )
    response = rp.userinfo(rp.tokens(world.session)["access_token"])
    assert header(response, "Content-Type") == "application/jwt"
    token = response.body.decode()
    assert header_of(token).get("cty") == ("JWT" if signed else None)
    content = ring.decrypt(token, "RSA-OAEP-256").decode()
    claims = verified(world, content, signed) if signed else orjson.loads(content)
    assert claims["sub"] == world.user.subject


@pytest.mark.standard(S, "15.1", "the client's own algorithm, in every place")
@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "EdDSA"])
def test_id_token_algorithms(world: World, algorithm: str) -> None:
    rp = world.relying_party(id_token_signed_response_alg=algorithm)
    token = rp.tokens(world.session)["id_token"]
    assert header_of(token)["alg"] == algorithm
    assert verified(world, token, algorithm)["at_hash"]
