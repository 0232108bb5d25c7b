"""OpenID Connect Discovery 1.0."""

from __future__ import annotations

from typing import Any

import pytest
from authlib.oidc.discovery import OpenIDProviderMetadata

from idp import features
from tests.support.protocol import World, header, json

S = "OIDC Discovery"
REQUIRED = (
    "issuer",
    "authorization_endpoint",
    "token_endpoint",
    "jwks_uri",
    "response_types_supported",
    "subject_types_supported",
    "id_token_signing_alg_values_supported",
)


@pytest.fixture
def document(world: World) -> dict[str, Any]:
    return json(world.provider.get("/.well-known/openid-configuration"))


@pytest.mark.standard(S, "3", "every required member; Authlib finds nothing wrong")
def test_members(document: dict[str, Any]) -> None:
    for name in REQUIRED:
        assert document[name], name
    OpenIDProviderMetadata(features.metadata("https://id.example")).validate()
    assert "RS256" in document["id_token_signing_alg_values_supported"]
    assert "none" not in document["id_token_signing_alg_values_supported"]


@pytest.mark.standard(S, "3", "parameters that are supported, and how")
def test_parameters(document: dict[str, Any]) -> None:
    assert document["request_parameter_supported"] is True
    assert document["request_uri_parameter_supported"] is True
    assert document["require_request_uri_registration"] is True
    assert document["claims_parameter_supported"] is True
    assert "none" not in document["request_object_signing_alg_values_supported"]
    assert "RS256" in document["request_object_signing_alg_values_supported"]


@pytest.mark.standard(S, "4.2", "JSON with a length, for any origin")
def test_response(world: World) -> None:
    response = world.provider.get("/.well-known/openid-configuration")
    assert header(response, "Content-Type") == "application/json"
    assert header(response, "Access-Control-Allow-Origin") == "*"


@pytest.mark.standard(S, "4.3", "issuer is the base of the address, whatever the Host header says")
def test_issuer(document: dict[str, Any]) -> None:
    assert document["issuer"] == "http://localhost:8000"
