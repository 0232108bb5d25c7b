"""The method client_secret_post: client_id and client_secret in the form (RFC 6749 §2.3.1)."""

from __future__ import annotations

from idp.client_auth.credentials import Credentials
from idp.models import Client
from idp.protocol.errors import InvalidClient
from idp.protocol.message import Request
from idp.protocol.parameters import Parameters
from idp.tokens import client_secret

NAME = "client_secret_post"


def present(request: Request, parameters: Parameters) -> Credentials | None:
    """Return the credentials of the form; None if it holds no client_secret."""
    secret = parameters.one("client_secret")
    if secret is None:
        return None
    client_id = parameters.one("client_id")
    if client_id is None:
        raise InvalidClient("client_secret without client_id")
    return Credentials(client_id, secret)


def verify(client: Client | None, credentials: Credentials) -> bool:
    """Tell whether the secret is the client's."""
    return client_secret.belongs_to(client, credentials.secret)
