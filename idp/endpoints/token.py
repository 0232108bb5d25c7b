"""The token endpoint (RFC 6749 §3.2, OIDC Core §3.1.3).

The phases that all grants share, in this order: form, repeated parameters, client, grant type,
what the client may use; then the grant, then issuing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from idp import refusals
from idp.authorization import front_channel
from idp.client_auth import registry as client_auth
from idp.endpoints import authenticated
from idp.features import Feature
from idp.grants.registry import GRANTS
from idp.grants.request import TokenRequest
from idp.models import Client
from idp.protocol import vocabulary
from idp.protocol.errors import (
    InvalidRequest,
    ProtocolError,
    UnauthorizedClient,
    UnsupportedGrantType,
)
from idp.protocol.message import Request, Response, json_response
from idp.protocol.parameters import Parameters
from idp.protocol.vocabulary import GrantType
from idp.tokens import issuance

PATH = "/token"
ACTION = "token.refused"


def token(request: Request) -> Response:
    """Answer a token request (RFC 6749 §5.1); a refusal is in the audit trail before it is sent."""
    parameters = authenticated.read_form(request)
    client = authenticated.read_client(request, parameters, action=ACTION)
    try:
        return json_response(_issue(client, parameters, request))
    except ProtocolError as error:
        refusals.record(ACTION, error, request, client=client, authenticated=True)
        raise


def _issue(client: Client, parameters: Parameters, request: Request) -> dict[str, Any]:
    grant_type = parameters.one("grant_type")
    if grant_type is None:
        raise InvalidRequest("grant_type is missing")
    if grant_type not in GRANTS:
        supported = ", ".join(GRANTS)
        raise UnsupportedGrantType(f"grant_type is not supported; supported: {supported}")
    if grant_type not in client.grant_types:
        raise UnauthorizedClient(f"the client is not registered for {grant_type}")
    authorization = GRANTS[grant_type](TokenRequest(client, parameters, request))
    return issuance.respond(authorization, grant_type=grant_type, now=request.now, origin=request)


def metadata(issuer: str) -> Mapping[str, Any]:
    """Return this endpoint's members of the discovery documents (RFC 8414 §2)."""
    return {
        "token_endpoint": issuer + PATH,
        "grant_types_supported": _grant_types(),
        "token_endpoint_auth_methods_supported": list(client_auth.METHODS),
        "token_endpoint_auth_signing_alg_values_supported": list(client_auth.SIGNING_ALGORITHMS),
        "id_token_signing_alg_values_supported": list(vocabulary.ID_TOKEN_SIGNING_ALGS),
        "id_token_encryption_alg_values_supported": list(vocabulary.KEY_ENCRYPTION_ALGS),
        "id_token_encryption_enc_values_supported": list(vocabulary.CONTENT_ENCRYPTION_ALGS),
    }


def _grant_types() -> list[str]:
    """The grants of this endpoint, and implicit where the authorization endpoint gives tokens."""
    offered = (GrantType.IMPLICIT,) if front_channel.is_offered() else ()
    return [*GRANTS, *offered]


FEATURE = Feature(
    name="token",
    specification="RFC 6749 §3.2",
    routes={PATH: token},
    metadata=metadata,
    cors=frozenset({PATH}),
)
