"""The client authentication methods that exist, and the one way to use them (RFC 6749 §2.3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType

from idp import directory
from idp.client_auth import client_secret_basic, client_secret_post, none, private_key_jwt
from idp.client_auth.credentials import Credentials
from idp.models import Client
from idp.protocol import client_assertion
from idp.protocol.errors import InvalidClient, InvalidRequest
from idp.protocol.message import Request
from idp.protocol.parameters import Parameters

CHALLENGE = ("WWW-Authenticate", 'Basic realm="client", charset="UTF-8"')


@dataclass(frozen=True, slots=True)
class Method:
    """One method: how it is recognised in a request, and how it is verified."""

    present: Callable[[Request, Parameters], Credentials | None]
    verify: Callable[[Client | None, Credentials], bool]


def _method(module: ModuleType) -> Method:
    return Method(module.present, module.verify)


METHODS: Mapping[str, Method] = {
    module.NAME: _method(module)
    for module in (none, client_secret_basic, client_secret_post, private_key_jwt)
}
SIGNING_ALGORITHMS = client_assertion.ALGORITHMS
CONFIDENTIAL = tuple(name for name in METHODS if name != none.NAME)


def authenticate(request: Request, parameters: Parameters) -> Client:
    """Return the client that the request proves to come from (RFC 6749 §3.2.1).

    Raises InvalidRequest when the request uses several methods, else InvalidClient with the same
    words and equal work, whether the client is unknown, its secret wrong or its method another.
    Whoever has signed with the client's key is told what is wrong with the assertion.
    """
    try:
        name, credentials = _presented(request, parameters)
        client = directory.client(credentials.client_id)
        verified = METHODS[name].verify(client, credentials)
    except InvalidClient as error:
        raise _refusal(error.description, error.detail) from None
    problem = _problem(client, name, verified=verified)
    if problem or client is None:
        raise _refusal("client authentication failed", problem)
    return client


def _presented(request: Request, parameters: Parameters) -> tuple[str, Credentials]:
    """Find the one method in use (RFC 6749 §2.3: "MUST NOT use more than one")."""
    found = [
        (name, credentials)
        for name, method in METHODS.items()
        if (credentials := method.present(request, parameters)) is not None
    ]
    if not found:
        raise InvalidClient("the request does not say which client it comes from")
    if len(found) > 1:
        raise InvalidRequest("more than one client authentication method")
    name, credentials = found[0]
    named = parameters.one("client_id")
    if named is not None and named != credentials.client_id:
        raise InvalidRequest("client_id differs from the client that authenticates")
    return name, credentials


def _problem(client: Client | None, method: str, *, verified: bool) -> str:
    """Say why the client is refused, for the log; empty if it is not."""
    if client is None:
        return "unknown client"
    if client.token_endpoint_auth_method != method:
        return f"registered for {client.token_endpoint_auth_method}, used {method}"
    if not verified:
        return "wrong secret"
    return "" if client.application.enabled else "the application is disabled"


def _refusal(description: str, detail: str) -> InvalidClient:
    return InvalidClient(description, detail=detail, headers=[CHALLENGE])
