"""RFC 8414, Authorization Server Metadata: what is published is what works."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest

from idp.claims import standard
from tests.support.protocol import (
    RelyingParty,
    World,
    agree,
    answer,
    claims_of,
    header,
    header_of,
    json,
)

S = "RFC 8414"


@pytest.fixture
def document(world: World) -> dict[str, Any]:
    return json(world.provider.get("/.well-known/oauth-authorization-server"))


@pytest.mark.standard(S, "2", "issuer without query and fragment, equal to the address's base")
@pytest.mark.standard(S, "3.2", "200 and JSON")
def test_issuer(world: World, document: dict[str, Any]) -> None:
    assert document["issuer"] == "http://localhost:8000"
    openid = world.provider.get("/.well-known/openid-configuration")
    assert header(openid, "Content-Type") == "application/json"
    assert json(openid) == document


@pytest.mark.standard(S, "2", "every published response mode works")
def test_response_modes(world: World, web: RelyingParty, document: dict[str, Any]) -> None:
    for mode in document["response_modes_supported"]:
        response = web.authorize(world.session, response_mode=mode)
        assert response.status == (200 if mode == "form_post" else 303)
    for mode in {"fragment", "jwt", "web_message"} - set(document["response_modes_supported"]):
        response = web.authorize(world.session, response_mode=mode)
        assert answer(response)["error"] == "invalid_request"


@pytest.mark.standard(S, "2", "every published grant type is known, no other is")
def test_grant_types(web: RelyingParty, document: dict[str, Any]) -> None:
    web.change(grant_types=document["grant_types_supported"])
    for grant_type in document["grant_types_supported"]:
        answered = json(web.token(grant_type=grant_type))
        assert answered.get("error") in (None, "invalid_request")
    unknown = json(web.token(grant_type="urn:ietf:params:oauth:grant-type:device_code"))
    assert unknown["error"] == "unsupported_grant_type"


@pytest.mark.standard(S, "2", "every published authentication method works")
@pytest.mark.parametrize("endpoint", ["token", "revocation", "introspection"])
def test_authentication_methods(world: World, document: dict[str, Any], endpoint: str) -> None:
    path = urlsplit(document[f"{endpoint}_endpoint"]).path
    published = document[f"{endpoint}_endpoint_auth_methods_supported"]
    for method in ("none", "client_secret_basic", "client_secret_post"):
        party = world.relying_party(token_endpoint_auth_method=method)
        form = {"client_id": party.id, "token": "x"}
        authorization: tuple[str, ...] = ()
        if method == "client_secret_post":
            form["client_secret"] = party.secret
        elif method == "client_secret_basic":
            authorization = party.authorization
        response = world.provider.post(path, form, authorization=authorization)
        assert (response.status != 401) is (method in published)


@pytest.mark.standard(S, "2", "every published scope can be granted")
def test_scopes(world: World, web: RelyingParty, document: dict[str, Any]) -> None:
    scopes = document["scopes_supported"]
    agree(world.user, web.application, *scopes)
    assert web.tokens(world.session, scope=" ".join(scopes))["scope"].split() == scopes


@pytest.mark.standard(S, "2", "every published prompt is followed")
def test_prompts(world: World, web: RelyingParty, document: dict[str, Any]) -> None:
    for prompt in document["prompt_values_supported"]:
        response = web.authorize(world.session, prompt=prompt)
        silent = header(response, "Location").startswith("https://application.example")
        assert silent is (prompt == "none")


@pytest.mark.standard(S, "2", "every published acr is reached, even where it is essential")
def test_acr_values(world: World, web: RelyingParty, document: dict[str, Any]) -> None:
    claims = '{"id_token": {"acr": {"essential": true, "value": "%s"}}}'
    for acr in document["acr_values_supported"]:
        assert answer(web.authorize(world.session, claims=claims % acr))["code"]
    for acr in {"mfa", "phr"} - set(document["acr_values_supported"]):
        refused = answer(web.authorize(world.session, claims=claims % acr))
        assert refused["error"] == "unmet_authentication_requirements"


@pytest.mark.standard(S, "2", "every published claim can be given")
def test_claims(world: World, web: RelyingParty, document: dict[str, Any]) -> None:
    tokens = web.tokens(world.session)
    said = claims_of(tokens["id_token"]).keys() | set(standard.CLAIMS)
    assert set(document["claims_supported"]) <= said


@pytest.mark.standard(S, "2", "every published signing algorithm is used")
def test_algorithms(world: World, document: dict[str, Any]) -> None:
    for algorithm in document["id_token_signing_alg_values_supported"]:
        party = world.relying_party(id_token_signed_response_alg=algorithm)
        assert header_of(party.tokens(world.session)["id_token"])["alg"] == algorithm


@pytest.mark.standard("RFC 9700", "2.6", "CORS everywhere but at authorization and logout")
def test_cors(world: World, document: dict[str, Any]) -> None:
    for name, address in document.items():
        if not name.endswith(("_endpoint", "_uri")):
            continue
        preflight = world.provider.send("OPTIONS", urlsplit(address).path, origin="https://a.b")
        allowed = header(preflight, "Access-Control-Allow-Origin") == "*"
        front = name in ("authorization_endpoint", "end_session_endpoint")
        assert allowed is not front, name
