"""The grant refresh_token (RFC 6749 §6, RFC 8707 §2.2, OIDC Core §12)."""

from __future__ import annotations

from idp.grants.request import TokenRequest
from idp.models import Client, Grant
from idp.protocol import scope as scopes
from idp.protocol.vocabulary import GrantType
from idp.tokens import entitlement, refresh_token
from idp.tokens.issuance import Authorization

NAME = GrantType.REFRESH_TOKEN


def authorize(request: TokenRequest) -> Authorization:
    """Rotate the refresh token; scope and resources can only shrink, for this answer alone.

    A new ID token says when the person authenticated, and has no nonce (OIDC Core §12.2).
    """
    client = request.client
    token = refresh_token.read(request.required("refresh_token"))
    wanted = scopes.parse(request.parameters.one("scope"))
    requested = entitlement.resources(client, request.parameters.every("resource"))
    if wanted or requested:
        # A request for too much must leave the token as it is: it could not be repeated later.
        _narrow(refresh_token.peek(token, client=client), client, wanted, requested)
    grant, successor = refresh_token.rotate(
        token, client=client, now=request.now, origin=request.origin
    )
    scope, resources = _narrow(grant, client, wanted, requested)
    return Authorization(
        client=client, grant=grant, scope=scope, resources=resources, refresh_token=successor
    )


def _narrow(
    grant: Grant, client: Client, wanted: tuple[str, ...], requested: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return scope and resources of this answer. Raises InvalidScope, InvalidTarget."""
    granted = scopes.within(grant.scope.split(), entitlement.of(client).scopes)
    resources = entitlement.narrowed(requested, granted=grant.resources.split(), scope=granted)
    return scopes.narrowed(wanted, granted), resources
