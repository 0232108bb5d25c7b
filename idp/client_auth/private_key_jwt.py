"""The method private_key_jwt: an assertion under the client's key (RFC 7523 §2.2, OIDC Core §9).

Each assertion is taken once. Our issuer is its audience; the address of the endpoint is accepted
too, because most libraries still send it (RFC 10070 asks for the issuer alone).
"""

from __future__ import annotations

from django.conf import settings

from idp import client_keys
from idp.client_auth.credentials import Credentials
from idp.models import Client, SpentIdentifier
from idp.protocol import client_assertion
from idp.protocol.client_assertion import Assertion
from idp.protocol.errors import InvalidClient
from idp.protocol.jwk import ClientKeys
from idp.protocol.message import Request
from idp.protocol.parameters import Parameters

NAME = "private_key_jwt"
TOKEN_PATH = "/token"  # noqa: S105 - a path


def present(request: Request, parameters: Parameters) -> Credentials | None:
    """Return the assertion of the form; None if it holds none (RFC 7521 §4.2)."""
    assertion = parameters.one("client_assertion")
    if assertion is None:
        return None
    if parameters.one("client_assertion_type") != client_assertion.ASSERTION_TYPE:
        raise InvalidClient(f"client_assertion_type must be {client_assertion.ASSERTION_TYPE}")
    return Credentials(client_assertion.claimed_client(assertion), assertion, request=request)


def verify(client: Client | None, credentials: Credentials) -> bool:
    """Tell whether the client made the assertion, for us, now, and sends it for the first time.

    Raises InvalidClient that says why to whoever holds the client's key.
    """
    if client is None or client.token_endpoint_auth_method != NAME or credentials.request is None:
        return False
    request = credentials.request
    idp = settings.IDP
    audiences = {idp.issuer, idp.url(TOKEN_PATH), idp.url(request.path)}

    def attempt(keys: ClientKeys) -> Assertion:
        return client_assertion.verify(
            credentials.secret,
            client_id=client.client_id,
            keys=keys,
            algorithm=client.token_endpoint_auth_signing_alg or None,
            audiences=audiences,
            now=request.now,
        )

    try:
        accepted = client_keys.retried(client, attempt, unknown=client_assertion.UnknownKey)
    except client_keys.NoKeys as error:
        raise InvalidClient("client authentication failed", detail=str(error)) from None
    if not _is_first(client, accepted):
        raise InvalidClient("client assertion: its jti was used before")
    return True


def _is_first(client: Client, accepted: Assertion) -> bool:
    """Take the assertion, which can be done once (RFC 7523 §3 (7))."""
    return SpentIdentifier.objects.spend(
        NAME, client.client_id, accepted.jti, expires_at=accepted.exp + client_assertion.SKEW
    )
