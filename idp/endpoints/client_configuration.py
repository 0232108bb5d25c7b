"""The client configuration endpoint (RFC 7592 §2): a client manages its own registration.

Its address names the client, its registration access token proves who asks. A change is checked
like a registration, by the policy of now, and leaves alone what administrators have decided.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from django.db import transaction

from idp import refusals, registration, registration_policy
from idp.endpoints import registration_request
from idp.features import Feature
from idp.models import Application, Client
from idp.protocol import client_metadata, subject
from idp.protocol import parameters as forms
from idp.protocol.client_metadata import ClientMetadata
from idp.protocol.errors import (
    AccessDenied,
    InvalidClientMetadata,
    MethodNotAllowed,
    ProtocolError,
)
from idp.protocol.message import NO_STORE, Request, Response, json_response
from idp.protocol.vocabulary import PKCE_POLICIES, GrantType
from idp.tokens import client_secret, registration_token

PATH = registration.CONFIGURATION_PATH
# Each empties what every process remembers, and may make us read from elsewhere.
CHANGES_AN_HOUR = 60
COMPATIBILITY = Application.Profile.COMPATIBILITY
# What we say besides metadata; a change must not bring it (RFC 7592 §2.2).
_ANSWERED = (
    *("registration_access_token", "registration_client_uri"),
    *("client_secret_expires_at", "client_id_issued_at"),
)


class Forbidden(AccessDenied):
    """The client may not change its registration (RFC 7592 §2.2)."""

    status = 403


def client_configuration(request: Request) -> Response:
    """Answer GET, PUT and DELETE (RFC 7592 §2.1-2.3)."""
    if request.method not in _METHODS:
        raise MethodNotAllowed(allow=tuple(_METHODS))
    try:
        client, token = _authenticate(request)
        return _METHODS[request.method](client, token, request)
    except ProtocolError as error:
        refusals.record(registration_request.ACTION, error, request)
        raise


def _authenticate(request: Request) -> tuple[Client, str]:
    """Return the client whose registration access token this is; equal work for nobody's."""
    presented = registration_request.bearer_token(request)
    if presented is None:
        raise registration_request.unauthorized(
            "a registration access token is required", error=False
        )
    client = _find(forms.parse(request.query).one("client_id") or "")
    stored = bytes(client.registration_token_hash) if client is not None else b""
    if not registration_token.matches(presented, stored) or client is None:
        raise registration_request.unauthorized("the registration access token is not valid")
    if not client.application.enabled:
        raise Forbidden("the application is disabled")
    return client, presented


def _find(client_id: str) -> Client | None:
    """Read the row, not what is remembered of it: a token that was spent just now is spent."""
    if not subject.may_be_client_id(client_id):
        return None
    return Client.objects.select_related("application").filter(client_id=client_id).first()


def document(client: Client, token: str) -> dict[str, Any]:
    """Return what is registered, and how to manage it (RFC 7592 §3); never the secret."""
    registered = registration.document(client)
    shown = {
        name: value
        for name, value in registered.items()
        if not name.startswith(registration_policy.OWN_MEMBERS)
    }
    return {
        **shown,
        "registration_access_token": token,
        "registration_client_uri": registration.address(client),
    }


def _read(client: Client, token: str, request: Request) -> Response:
    """Answer with the registration as it is (RFC 7592 §2.1)."""
    return json_response(document(client, token))


def _update(client: Client, token: str, request: Request) -> Response:
    """Replace the registration, and the token with it (RFC 7592 §2.2)."""
    if not registration_policy.is_on():
        raise Forbidden("registrations cannot be changed while registration is off")
    registration_request.limit(
        request, "change", client.client_id, most=CHANGES_AN_HOUR, what="changes of this client"
    )
    members = _own_members(registration_request.document(request), client)
    policy = registration_policy.current()
    metadata = registration_policy.apply(members, policy, now=request.now)
    registration_request.check_sector(metadata)
    changed, successor, secret = _change(client, metadata, token=token)
    registration_request.read_logo(changed)
    answer = document(changed, successor)
    if secret is not None:
        answer |= {"client_secret": secret, "client_secret_expires_at": 0}
    return json_response(answer)


def _own_members(members: dict[str, Any], client: Client) -> dict[str, Any]:
    """The metadata of a change, after what only has to fit (RFC 7592 §2.2)."""
    for name in _ANSWERED:
        if name in members:
            raise InvalidClientMetadata(f"{name} is not for the client to send")
    if members.get("client_id") != client.client_id:
        raise InvalidClientMetadata("client_id must be the client's own")
    secret = members.get("client_secret")
    if secret is not None and not (
        isinstance(secret, str) and client_secret.belongs_to(client, secret)
    ):
        raise InvalidClientMetadata("client_secret must be the present one, or be left out")
    own = {"client_id", "client_secret"}
    return {name: value for name, value in members.items() if name not in own}


@transaction.atomic
def _change(
    client: Client, metadata: ClientMetadata, *, token: str
) -> tuple[Client, str, str | None]:
    """Bring the rows into line; returns the client, its new token, a first secret if it needs one.

    Of two changes at once under one token one fails.
    """
    row = _locked(client, token)
    successor = registration.give_registration_token(row)
    registration.update(row, _as_administered(metadata, row), actor="registration")
    secret = None
    if row.has_secret and not row.secret_hash:
        secret = registration.regenerate_secret(row, actor="registration")
    return row, successor, secret


def _locked(client: Client, token: str) -> Client:
    """Take the rows as they are now, until the transaction ends, if the token still counts.

    Whole rows are written afterwards: nobody may have disabled the application, or renewed the
    secret, in between.
    """
    row = registration.take(client)
    if row is None or not registration_token.matches(token, bytes(row.registration_token_hash)):
        raise registration_request.unauthorized("the registration access token is not valid")
    if not row.application.enabled:
        raise Forbidden("the application is disabled")
    return row


def _as_administered(metadata: ClientMetadata, row: Client) -> ClientMetadata:
    """The metadata with what administrators have decided for this client meanwhile.

    The profile compatibility is given at the registration; who has lost it, or never had it, does
    not get it by a change. Raises InvalidClientMetadata where the two do not go together.
    """
    apis = [*metadata.gatehouse_resources, *(one.identifier for one in row.resources.all())]
    refreshes = GrantType.REFRESH_TOKEN in metadata.grant_types
    profile = metadata.gatehouse_profile
    if profile == COMPATIBILITY != row.application.profile:
        profile = Application.Profile.DEFAULT
    administered = dataclasses.replace(
        metadata,
        gatehouse_profile=profile,
        gatehouse_first_party=row.application.first_party,
        gatehouse_resources=tuple(dict.fromkeys(apis)),
        gatehouse_pkce=min(metadata.gatehouse_pkce, row.pkce, key=PKCE_POLICIES.index),
        gatehouse_response_modes=tuple(row.response_modes),
        gatehouse_id_token_scope_claims=row.id_token_scope_claims,
        gatehouse_refresh_always=row.refresh_always and refreshes,
    )
    client_metadata.check(administered)
    return administered


@transaction.atomic
def _delete(client: Client, token: str, request: Request) -> Response:
    """Remove the client with everything of it (RFC 7592 §2.3)."""
    registration.remove(_locked(client, token), actor="registration")
    return Response(204, list(NO_STORE))


_METHODS = {"GET": _read, "PUT": _update, "DELETE": _delete}

FEATURE = Feature(
    name="client_configuration",
    specification="RFC 7592 §2",
    routes={PATH: client_configuration},
)
