"""The discovery documents and the key set: prebuilt, complete, the same for everybody."""

from __future__ import annotations

from typing import Any

import pytest
from authlib.oidc.discovery import OpenIDProviderMetadata
from django.conf import settings
from django.test import override_settings

from idp import features, keys
from idp.endpoints import discovery
from idp.grants.registry import GRANTS
from tests.support.protocol import World, header, json

PATHS = (discovery.OPENID_PATH, discovery.OAUTH_PATH)


@pytest.mark.parametrize("path", PATHS)
def test_both_documents_are_the_same(world: World, path: str) -> None:
    response = world.provider.get(path)
    assert response.status == 200
    assert header(response, "Content-Type") == "application/json"
    assert header(response, "Access-Control-Allow-Origin") == "*"
    assert header(response, "Cache-Control") == "public, max-age=3600"
    assert json(response) == features.metadata(settings.IDP.issuer)


@pytest.mark.parametrize("path", [*PATHS, "/jwks"])
def test_known_already(world: World, path: str) -> None:
    etag = header(world.provider.get(path), "ETag")
    for known in (etag, f'"x", {etag}', f"W/{etag}", "*"):
        response = world.provider.get(path, if_none_match=known)
        assert (response.status, response.body) == (304, b"")
        assert header(response, "ETag") == etag
    assert world.provider.get(path, if_none_match='"other"').status == 200


@pytest.mark.parametrize("path", [*PATHS, "/jwks"])
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_only_get(world: World, path: str, method: str) -> None:
    response = world.provider.send(method, path)
    assert (response.status, header(response, "Allow")) == (405, "GET")


@pytest.mark.parametrize("path", [*PATHS, "/jwks"])
def test_headers_do_not_grow(world: World, path: str) -> None:
    first = world.provider.get(path)
    assert world.provider.get(path).headers == first.headers


def test_authlib_finds_nothing_wrong(db: None) -> None:
    OpenIDProviderMetadata(features.metadata("https://id.example")).validate()


def test_every_address_is_below_the_issuer(db: None) -> None:
    document = features.metadata("https://id.example")
    for name, value in document.items():
        if name.endswith(("_endpoint", "_uri")):
            assert value.startswith("https://id.example/"), name


def test_every_endpoint_exists(db: None) -> None:
    document = features.metadata("")
    for name, value in document.items():
        if name.endswith(("_endpoint", "_uri")):
            assert value in features.routes(), name


def test_what_others_sign_and_encrypt_is_published(db: None) -> None:
    document = features.metadata("https://id.example")
    for name in ("token_endpoint_auth", "request_object"):
        assert document[f"{name}_signing_alg_values_supported"][0] == "RS256"
    for name in ("id_token", "userinfo", "request_object"):
        assert "RSA-OAEP-256" in document[f"{name}_encryption_alg_values_supported"]
        assert "A128GCM" in document[f"{name}_encryption_enc_values_supported"]


def test_issuer_is_the_configured_one(world: World) -> None:
    other = settings.IDP.model_copy(update={"issuer": "https://other.example"})
    with override_settings(IDP=other):
        document = json(world.provider.get(discovery.OPENID_PATH))
    assert document["issuer"] == "https://other.example"
    assert document["token_endpoint"] == "https://other.example/token"


def test_registered_values_are_published(db: None) -> None:
    document = features.metadata("https://id.example")
    assert document["grant_types_supported"] == list(GRANTS)
    assert document["id_token_signing_alg_values_supported"] == [
        *("RS256", "PS256", "ES256", "EdDSA")
    ]
    assert document["introspection_endpoint_auth_methods_supported"] == [
        *("client_secret_basic", "client_secret_post", "private_key_jwt")
    ]
    assert "none" in document["token_endpoint_auth_methods_supported"]


def test_key_set_holds_public_keys_only(world: World) -> None:
    document: dict[str, Any] = json(world.provider.get("/jwks"))
    kids = [key["kid"] for key in document["keys"]]
    assert len(kids) == len(set(kids)) == 10
    for key in document["keys"]:
        assert key["use"] in ("sig", "enc")
        assert (key["use"] == "enc") or key["alg"] in ("RS256", "PS256", "ES256", "EdDSA")
        assert not {"d", "p", "q", "k"} & key.keys()


def test_key_set_follows_a_rotation(world: World) -> None:
    before = {key["kid"] for key in json(world.provider.get("/jwks"))["keys"]}
    old = keys.signer("ES256").kid
    keys.rotate("oidc", "ES256")
    after = {key["kid"] for key in json(world.provider.get("/jwks"))["keys"]}
    assert before < after
    assert keys.signer("ES256").kid != old
    assert keys.signer("ES256").kid in before
