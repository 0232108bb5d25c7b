"""The method none: a public client only says who it is (RFC 6749 §3.2.1, RFC 7591 §2)."""

from __future__ import annotations

from idp.client_auth.credentials import Credentials
from idp.models import Client
from idp.protocol.message import Request
from idp.protocol.parameters import Parameters

NAME = "none"


def present(request: Request, parameters: Parameters) -> Credentials | None:
    """Return the bare client_id; None where the request proves more than that, or names nobody."""
    if request.authorization or "client_secret" in parameters or "client_assertion" in parameters:
        return None
    client_id = parameters.one("client_id")
    return Credentials(client_id) if client_id is not None else None


def verify(client: Client | None, credentials: Credentials) -> bool:
    """Tell whether there is such a client; that it is a public one the registry checks."""
    return client is not None
