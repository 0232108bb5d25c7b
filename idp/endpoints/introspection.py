"""The introspection endpoint (RFC 7662): whether an access token is alive, and what it says.

Answered from memory. Who asks is a confidential client: for tokens of its own, and for those of the
APIs that it may introspect. Everybody and everything else reads `{"active": false}` (§2.2, §4).
Refresh tokens are nobody's business but ours, and so never active here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from idp import refusals
from idp.client_auth import registry as client_auth
from idp.endpoints import authenticated
from idp.features import Feature
from idp.models import Client
from idp.protocol.errors import InvalidClient, InvalidRequest, InvalidToken
from idp.protocol.message import Request, Response, json_response
from idp.protocol.vocabulary import BEARER
from idp.tokens import access_token

PATH = "/introspect"
ACTION = "introspection.refused"
INACTIVE = {"active": False}


def introspect(request: Request) -> Response:
    """Answer an introspection request (RFC 7662 §2.1)."""
    parameters = authenticated.read_form(request)
    client = authenticated.read_client(request, parameters, action=ACTION)
    if client.is_public:
        error = InvalidClient(
            "introspection is for clients with a secret", headers=[client_auth.CHALLENGE]
        )
        refusals.record(ACTION, error, request, client=client)
        raise error
    token = parameters.one("token")
    if token is None:
        raise InvalidRequest("token is missing")
    return json_response(_describe(token, client, request))


def _describe(token: str, client: Client, request: Request) -> Mapping[str, Any]:
    try:
        claims = access_token.verify(token, now=request.now)
    except InvalidToken:
        return INACTIVE
    if not may_introspect(client, claims):
        return INACTIVE
    return {**claims, "active": True, "token_type": BEARER}


def may_introspect(client: Client, claims: Mapping[str, Any]) -> bool:
    """Tell whether the token is the client's own or for one of its APIs (RFC 7662 §4)."""
    if claims["client_id"] == client.client_id:
        return True
    apis = {resource.identifier for resource in client.introspects.all()}
    return not apis.isdisjoint(access_token.audience_of(claims))


FEATURE = Feature(
    name="introspection",
    specification="RFC 7662",
    routes={PATH: introspect},
    metadata=lambda issuer: {
        "introspection_endpoint": issuer + PATH,
        "introspection_endpoint_auth_methods_supported": list(client_auth.CONFIDENTIAL),
        "introspection_endpoint_auth_signing_alg_values_supported": list(
            client_auth.SIGNING_ALGORITHMS
        ),
    },
    cors=frozenset({PATH}),
)
