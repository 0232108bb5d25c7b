"""RFC 8414, Authorization Server Metadata: what is published is what works."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest

from idp.claims import standard
from idp.protocol.client_assertion import ASSERTION_TYPE
from tests.support import dynamic
from tests.support.crafted_jwt import ClientKeyRing
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
    ring = ClientKeyRing("ES256")
    methods = ("none", "client_secret_basic", "client_secret_post", "private_key_jwt")
    assert set(published) <= set(methods)
    for method in methods:
        party = world.relying_party(token_endpoint_auth_method=method, jwks=ring.public)
        form = {"client_id": party.id, "token": "x"}
        authorization: tuple[str, ...] = ()
        if method == "client_secret_post":
            form["client_secret"] = party.secret
        elif method == "client_secret_basic":
            authorization = party.authorization
        elif method == "private_key_jwt":
            form |= {"client_assertion_type": ASSERTION_TYPE}
            form |= {"client_assertion": ring.assertion(party.id)}
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


@pytest.mark.standard(S, "2", "every published algorithm of client assertions is verified")
@pytest.mark.parametrize("endpoint", ["token", "revocation", "introspection"])
def test_assertion_algorithms(world: World, document: dict[str, Any], endpoint: str) -> None:
    published = document[f"{endpoint}_endpoint_auth_signing_alg_values_supported"]
    ring = ClientKeyRing(*published)
    party = world.relying_party(token_endpoint_auth_method="private_key_jwt", jwks=ring.public)
    path = urlsplit(document[f"{endpoint}_endpoint"]).path
    for algorithm in published:
        form = {
            "token": "x",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": ring.assertion(party.id, algorithm),
        }
        assert world.provider.post(path, form).status != 401, algorithm


@pytest.mark.standard(S, "2", "every published algorithm of request objects is verified")
def test_request_object_algorithms(world: World, document: dict[str, Any]) -> None:
    ring = ClientKeyRing(*document["request_object_signing_alg_values_supported"])
    party = world.relying_party(jwks=ring.public)
    for algorithm in ring.keys:
        text = ring.sign({**party.request(), "state": algorithm}, algorithm)
        assert answer(party.authorize(world.session, request=text))["state"] == algorithm


@pytest.mark.standard(S, "2", "every published response type is answered, no other is")
@pytest.mark.parametrize("profile", ["default", "compatibility"])
def test_response_types(world: World, profile: str) -> None:
    kinds = ["code", "id_token", "code id_token", "id_token token", "code token"]
    kinds += ["code id_token token", "token", "none"]
    party = world.relying_party(
        application_profile=profile,
        grant_types=["authorization_code", "implicit"],
        response_types=[one for one in kinds if one not in ("token", "none")],
    )
    document = json(world.provider.get("/.well-known/oauth-authorization-server"))
    for kind in kinds:
        found = answer(party.authorize(world.session, response_type=kind))
        supported = found.get("error") != "unsupported_response_type"
        assert supported is (kind in document["response_types_supported"]), kind


@pytest.mark.standard(S, "2", "nothing is published that no test compares with what happens")
def test_every_member_is_compared(world: World) -> None:
    dynamic.policy()
    document = json(world.provider.get("/.well-known/openid-configuration"))
    addresses = {name for name in document if name.endswith(("_endpoint", "_uri", "_iframe"))}
    algorithms = {name for name in document if "_alg_values_" in name or "_enc_values_" in name}
    methods = {name for name in document if name.endswith("_auth_methods_supported")}
    assert document.keys() - addresses - algorithms - methods - {"issuer"} == COMPARED.keys()
    for name, value in COMPARED.items():
        assert document[name] == value, name
    for name in addresses:
        path = urlsplit(document[name]).path
        assert world.provider.get(path).status in (200, 303, 400, 401, 405), name


# Lists and flags, each with a test of what it says: here, or in the file of its standard.
COMPARED: dict[str, Any] = {
    "response_types_supported": ["code"],
    "response_modes_supported": ["query", "fragment", "form_post"],
    "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
    "code_challenge_methods_supported": ["S256"],
    "scopes_supported": [
        *("openid", "profile", "email", "address", "phone", "groups", "offline_access")
    ],
    "acr_values_supported": ["pwd"],
    "prompt_values_supported": ["none", "login", "consent", "select_account"],
    "display_values_supported": ["page", "popup"],
    "ui_locales_supported": ["en"],
    "subject_types_supported": ["public", "pairwise"],
    "claim_types_supported": ["normal"],
    "claims_supported": [
        *("sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid"),
        *standard.CLAIMS,
    ],
    "claims_parameter_supported": True,
    "request_parameter_supported": True,
    "request_uri_parameter_supported": True,
    "require_request_uri_registration": True,
    "authorization_response_iss_parameter_supported": True,
    "backchannel_logout_supported": True,
    "backchannel_logout_session_supported": True,
    "frontchannel_logout_supported": True,
    "frontchannel_logout_session_supported": True,
}


@pytest.mark.standard("RFC 9700", "2.6", "CORS everywhere but at authorization and logout")
def test_cors(world: World, document: dict[str, Any]) -> None:
    for name, address in document.items():
        if not name.endswith(("_endpoint", "_uri")):
            continue
        preflight = world.provider.send("OPTIONS", urlsplit(address).path, origin="https://a.b")
        allowed = header(preflight, "Access-Control-Allow-Origin") == "*"
        front = name in ("authorization_endpoint", "end_session_endpoint")
        assert allowed is not front, name
