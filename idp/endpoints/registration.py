"""The client registration endpoint (RFC 7591 §3, OIDC Registration §3).

Off until an administrator opens it, for holders of initial access tokens or for everybody. What a
client gets is decided by `registration_policy`; what it is, by `idp.registration`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import F, Q

from idp import refusals, registration, registration_policy
from idp.endpoints import client_configuration, registration_request
from idp.features import Feature
from idp.models import Application, InitialAccessToken, RegistrationPolicy
from idp.protocol.client_metadata import ClientMetadata
from idp.protocol.errors import (
    InvalidRequest,
    MethodNotAllowed,
    ProtocolError,
)
from idp.protocol.message import Request, Response, json_response
from idp.tokens import registration_token

PATH = "/register"


class Closed(InvalidRequest):
    """There is no such endpoint while registration is off."""

    status = 404


def register(request: Request) -> Response:
    """Register a client (RFC 7591 §3.1); answers with all that is registered (§3.2.1)."""
    policy = registration_policy.current()
    if policy.mode == RegistrationPolicy.Mode.OFF:
        raise Closed("clients cannot register themselves here")
    if request.method != "POST":
        raise MethodNotAllowed(allow=("POST",))
    try:
        token = _admit(request, policy)
        metadata = registration_policy.apply(
            registration_request.document(request), policy, now=request.now
        )
        registration_request.check_sector(metadata)
        return _register(metadata, token, request)
    except ProtocolError as error:
        refusals.record(registration_request.ACTION, error, request)
        raise


def _admit(request: Request, policy: RegistrationPolicy) -> InitialAccessToken | None:
    """Return the initial access token, None for a stranger where strangers may register.

    Strangers are counted before anything is fetched for them.
    """
    presented = registration_request.bearer_token(request)
    if presented is not None:
        return _initial_access_token(presented, request)
    if policy.mode != RegistrationPolicy.Mode.OPEN:
        raise registration_request.unauthorized("an initial access token is required", error=False)
    registration_request.limit(
        request,
        refusals.address_range(request.client_address),
        most=max(1, policy.per_hour),
        what="registrations from this network",
    )
    return None


def _usable(request: Request) -> Q:
    """What an initial access token has to be: not revoked, not expired, not used up."""
    in_time = Q(expires_at=None) | Q(expires_at__gt=request.now)
    return Q(revoked_at=None) & in_time & (Q(most_uses=None) | Q(uses__lt=F("most_uses")))


def _initial_access_token(presented: str, request: Request) -> InitialAccessToken:
    found = None
    if registration_token.is_well_formed(registration_token.INITIAL, presented):
        digest = registration_token.digest(presented)
        found = InitialAccessToken.objects.filter(_usable(request), token_hash=digest).first()
    if found is None:
        raise registration_request.unauthorized("the initial access token is not valid")
    return found


@transaction.atomic
def _create(
    metadata: ClientMetadata, token: InitialAccessToken | None, request: Request
) -> tuple[Any, str | None, str]:
    """Spend the token and write the client, both or neither."""
    if token is not None:
        one = InitialAccessToken.objects.filter(_usable(request), pk=token.pk)
        if not one.update(uses=F("uses") + 1, last_used_at=request.now):
            raise registration_request.unauthorized("the initial access token is not valid")
    client, secret = registration.register(
        metadata,
        actor=f"initial access token {token.name}" if token else "registration",
        origin=Application.Origin.DYNAMIC,
        owner=token.owner if token else "",
    )
    registration_access_token = registration.give_registration_token(client)
    client.save(update_fields=["registration_token_hash"])
    return client, secret, registration_access_token


def _register(
    metadata: ClientMetadata, token: InitialAccessToken | None, request: Request
) -> Response:
    client, secret, registration_access_token = _create(metadata, token, request)
    registration_request.read_logo(client)
    document = client_configuration.document(client, registration_access_token)
    if secret is not None:
        document |= {"client_secret": secret, "client_secret_expires_at": 0}
    return json_response(document, status=201)


def metadata(issuer: str) -> Mapping[str, Any]:
    """Return this endpoint's member of the discovery documents while it is open (RFC 8414 §2)."""
    return {"registration_endpoint": issuer + PATH} if registration_policy.is_on() else {}


FEATURE = Feature(
    name="registration",
    specification="RFC 7591 §3",
    routes={PATH: register},
    metadata=metadata,
)
