"""The revocation endpoint (RFC 7009): a client takes back a token of its own."""

from __future__ import annotations

from idp import refusals
from idp.client_auth import registry as client_auth
from idp.endpoints import authenticated
from idp.features import Feature
from idp.models import Client, Revocation
from idp.protocol.errors import InvalidGrant, InvalidRequest, InvalidToken, ProtocolError
from idp.protocol.message import NO_STORE, Request, Response
from idp.tokens import access_token, refresh_token, revocation

PATH = "/revoke"
ACTION = "revocation.refused"


def revoke(request: Request) -> Response:
    """Revoke a token (RFC 7009 §2): 200 also for one that means nothing to us.

    A hint only says where to look first, and a token of ours says itself what it is: hints are
    ignored, known or not. A refresh token takes its access tokens with it, not the reverse.
    """
    parameters = authenticated.read_form(request)
    client = authenticated.read_client(request, parameters, action=ACTION)
    try:
        token = parameters.one("token")
        if token is None:
            raise InvalidRequest("token is missing")
        if token.startswith(refresh_token.PREFIX):
            _revoke_refresh_token(token, client, request)
        else:
            _revoke_access_token(token, client, request)
    except ProtocolError as error:
        refusals.record(ACTION, error, request, client=client, authenticated=True)
        raise
    return Response(200, list(NO_STORE))


def _revoke_refresh_token(token: str, client: Client, request: Request) -> None:
    """End the grant, and so everything issued from it (RFC 7009 §2.1)."""
    try:
        genuine = refresh_token.read(token)
    except InvalidGrant:
        return
    owner = refresh_token.owner(genuine)
    if owner is None:
        return
    _demand_own(is_own=owner == client.application_id)
    revocation.revoke_grant(
        genuine.grant_id,
        reason="revoked by the application",
        now=request.now,
        application=client.application,
        origin=request,
    )


def _revoke_access_token(token: str, client: Client, request: Request) -> None:
    try:
        claims = access_token.verify(token, now=request.now)
    except InvalidToken:
        return
    _demand_own(is_own=claims["client_id"] == client.client_id)
    revocation.deny(Revocation.Kind.JTI, [claims["jti"]], now=request.now)


def _demand_own(*, is_own: bool) -> None:
    """Refuse a token of another client (RFC 7009 §2.1, code of RFC 6749 §5.2)."""
    if not is_own:
        raise InvalidGrant("the token was issued to another client")


FEATURE = Feature(
    name="revocation",
    specification="RFC 7009",
    routes={PATH: revoke},
    metadata=lambda issuer: {
        "revocation_endpoint": issuer + PATH,
        "revocation_endpoint_auth_methods_supported": list(client_auth.METHODS),
        "revocation_endpoint_auth_signing_alg_values_supported": list(
            client_auth.SIGNING_ALGORITHMS
        ),
    },
    cors=frozenset({PATH}),
)
