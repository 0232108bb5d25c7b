"""What token, revocation and introspection have in common: a form from an authenticated client."""

from __future__ import annotations

from idp import refusals
from idp.client_auth import registry as client_auth
from idp.models import Client
from idp.protocol import parameters as forms
from idp.protocol.errors import InvalidClient, MethodNotAllowed
from idp.protocol.message import Request
from idp.protocol.parameters import Parameters

RETRY_AFTER_SECONDS = 60


class TooManyFailures(InvalidClient):
    """Too many failed authentications from one network; the right secret still passes."""

    status = 429


def read_form(request: Request) -> Parameters:
    """Return the form of a POST: nothing in the URL, nothing twice (RFC 6749 §3.2)."""
    if request.method != "POST":
        raise MethodNotAllowed(allow=("POST",))
    parameters = forms.form(request)
    parameters.refuse_repeated()
    return parameters


def read_client(request: Request, parameters: Parameters, *, action: str) -> Client:
    """Return the client that the request proves to come from.

    A failure is in the audit trail as `action` before the error is raised. A flood of them from
    one network is answered with 429 (RFC 6585 §4), which keeps nobody out who proves who they are.
    """
    try:
        return client_auth.authenticate(request, parameters)
    except InvalidClient as error:
        named = (parameters.one("client_id") or "")[:100]
        if refusals.record(action, error, request, details={"client_id": named}):
            raise
        wait = str(RETRY_AFTER_SECONDS)
        raise TooManyFailures(
            "too many failed attempts; wait a minute", headers=[("Retry-After", wait)]
        ) from None
