"""The grant client_credentials (RFC 6749 §4.4): a client in its own name; no database at all."""

from __future__ import annotations

from idp import directory
from idp.grants.request import TokenRequest
from idp.models import Client
from idp.protocol import resource_indicator
from idp.protocol import scope as scopes
from idp.protocol.errors import InvalidScope, UnauthorizedClient
from idp.protocol.vocabulary import GrantType
from idp.tokens import entitlement
from idp.tokens.issuance import Authorization

NAME = GrantType.CLIENT_CREDENTIALS


def authorize(request: TokenRequest) -> Authorization:
    """Authorize a confidential client for its own scopes (RFC 6749 §4.4.2); no refresh token."""
    client = request.client
    wanted = scopes.parse(request.parameters.one("scope"))
    named = resource_indicator.parse(request.parameters.every("resource"))
    # A machine asks for the same again and again: decided once for each configuration. Remembered
    # by what is meant, not by how it was spelled: spaces and repetitions would fill the memory.
    key = (NAME, client.client_id, wanted, named)
    return directory.cached(key, lambda: _decide(client, wanted, named), of=client)


def _decide(client: Client, wanted: tuple[str, ...], named: tuple[str, ...]) -> Authorization:
    if client.is_public:
        raise UnauthorizedClient("client_credentials is for clients with a secret")
    resources = entitlement.resources(client, named)
    return Authorization(
        client=client, scope=_scope(client, wanted, resources), resources=resources
    )


def _scope(client: Client, wanted: tuple[str, ...], resources: tuple[str, ...]) -> tuple[str, ...]:
    """Return the requested scopes, else the registered ones (RFC 6749 §3.3).

    Scopes about a person make no sense here; those of other APIs than the named ones neither.
    """
    allowed = entitlement.of(client)
    for one in wanted:
        if one in scopes.OPENID_SCOPES or one not in allowed.scopes:
            raise InvalidScope(f"scope {one[:60]} is not one that this client may use")
    if not wanted:
        return allowed.default_scope
    audience = entitlement.audience(resources)
    if entitlement.meaningful(client, wanted, audience=audience) != wanted:
        raise InvalidScope("a scope belongs to another API than the resource")
    return wanted
