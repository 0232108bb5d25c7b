"""OpenID Connect Discovery 1.0."""

from __future__ import annotations

from typing import Any

import pytest
from authlib.oidc.discovery import OpenIDProviderMetadata
from django.test import Client as DjangoClient

from idp import conf, features
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
    for path in ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"):
        sent = DjangoClient().get(path)
        assert int(sent.headers["Content-Length"]) == len(sent.content) > 1000


@pytest.mark.standard(S, "4.3", "issuer is the base of the address, whatever the Host header says")
def test_issuer(document: dict[str, Any], settings: Any) -> None:
    assert document["issuer"] == "http://localhost:8000"
    settings.IDP = settings.IDP.model_copy(update={"extra_hosts": ("other.example",)})
    settings.ALLOWED_HOSTS = ["localhost", "other.example"]
    for host in ("localhost", "localhost:9999", "other.example"):
        found = DjangoClient().get("/.well-known/openid-configuration", headers={"host": host})
        assert found.json() == document


@pytest.mark.standard("RFC 8414", "2", "an issuer is https, without query, fragment, path or slash")
@pytest.mark.parametrize(
    ("issuer", "sound"),
    [
        ("https://id.example.org", True),
        ("https://id.example.org:8443", True),
        *(
            (f"https://id.example.org{end}", False)
            for end in ("/", "/tenant", "?x=1", "?", "#", "#x")
        ),
        ("https://user@id.example.org", False),
        ("https://ID.example.org", False),
    ],
)
def test_issuer_of_a_deployment(monkeypatch: pytest.MonkeyPatch, issuer: str, sound: bool) -> None:
    """Without a path both forms of RFC 8414 §3.1 are the same address."""
    monkeypatch.setenv("GATEHOUSE_ISSUER", issuer)
    if sound:
        assert conf.load().issuer == issuer
    else:
        with pytest.raises(conf.InsecureSettings, match="GATEHOUSE_ISSUER"):
            conf.load()


@pytest.mark.standard("RFC 8414", "3", "both addresses answer, with the same document")
def test_both_addresses(world: World, document: dict[str, Any]) -> None:
    for tail in ("openid-configuration", "oauth-authorization-server"):
        assert json(world.provider.get(f"/.well-known/{tail}")) == document
    for member in ("introspection_endpoint", "revocation_endpoint", "userinfo_endpoint"):
        assert document[member].startswith(document["issuer"] + "/")
