"""Register clients (RFC 7591): for the command, the administration, and dynamic registration later.

From validated metadata to the two rows of an OAuth application, and back. A generated secret is
returned once. Tells nobody's password, checks no metadata: that is `protocol.client_metadata`.
"""

from __future__ import annotations

import secrets
from typing import Any

from django.db import transaction
from django.utils import timezone

from idp import audit
from idp.models import Application, Client, Resource, Revocation
from idp.protocol import uri
from idp.protocol.client_metadata import ClientMetadata
from idp.protocol.errors import InvalidClientMetadata
from idp.tokens import client_secret, revocation

Profile = Application.Profile
Kind = Application.Kind

# 24 hexadecimal digits: never the 32 of a person's identifier (RFC 9700 §4.15).
_ID_BYTES = 12
# Members without a column of their own are kept under their registered names.
_KEPT = ("client_uri", "logo_uri", "policy_uri", "tos_uri", "contacts", "application_type")


@transaction.atomic
def register(
    metadata: ClientMetadata, *, kind: str = "", actor: str = ""
) -> tuple[Client, str | None]:
    """Create the application with its client; returns the secret, None for a public client.

    `kind`: of Application.Kind, told from the metadata where it is left out. Raises
    InvalidClientMetadata for an API that is not registered.
    """
    resources = _resources(metadata)
    application = Application(kind=kind or _kind(metadata))
    _describe(application, metadata)
    application.save()
    client = Client(application=application, client_id=secrets.token_hex(_ID_BYTES))
    _configure(client, metadata)
    secret = _renew(client) if metadata.has_secret else None
    client.save()
    client.resources.set(resources)
    audit.record("application.created", application=application, actor=actor)
    return client, secret


@transaction.atomic
def update(client: Client, metadata: ClientMetadata, *, actor: str = "") -> Client:
    """Bring the rows into line with changed metadata, as `parse` and `check` have passed it.

    A client that proves itself otherwise loses its secret; one that comes to need one has none
    until `regenerate_secret`. Raises InvalidClientMetadata for an API that is not registered.
    """
    resources = _resources(metadata)
    _describe(client.application, metadata)
    client.application.save()
    _configure(client, metadata)
    if not metadata.has_secret:
        client.secret_hash, client.secret_created_at = b"", None
    client.save()
    client.resources.set(resources)
    audit.record("application.changed", application=client.application, actor=actor)
    return client


@transaction.atomic
def regenerate_secret(client: Client, *, actor: str = "") -> str:
    """Give the client a new secret and return it; the old one is dead at once.

    So are the access tokens that the client got in its own name or for people: whoever had the old
    secret may hold some.
    """
    if not client.has_secret:
        method = client.token_endpoint_auth_method
        raise InvalidClientMetadata(f"a client with the method {method} has no secret")
    secret = _renew(client)
    client.save(update_fields=["secret_hash", "secret_created_at"])
    revocation.deny(Revocation.Kind.CLIENT, [client.client_id], now=timezone.now())
    audit.record("client.secret_regenerated", application=client.application, actor=actor)
    return secret


def metadata_of(client: Client) -> ClientMetadata:
    """The metadata of a registered client (RFC 7591 §3.2.1)."""
    application = client.application
    kept = dict(client.metadata)
    members: dict[str, Any] = {name: kept.pop(name) for name in _KEPT if name in kept}
    members |= {name: getattr(client, name) for name in _COLUMNS}
    members |= {f"gatehouse_{name}": getattr(client, name) for name in _OWN_COLUMNS}
    members["client_name"] = application.name
    members["gatehouse_profile"] = application.profile
    members["gatehouse_first_party"] = application.first_party
    members["gatehouse_resources"] = [one.identifier for one in client.resources.all()]
    frozen: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in members.items()
    }
    return ClientMetadata(**frozen, extra=kept)


def document(client: Client) -> dict[str, Any]:
    """What a registration answers, without the secret (RFC 7591 §3.2.1)."""
    issued_at = int(client.application.created_at.timestamp())
    return {
        "client_id": client.client_id,
        "client_id_issued_at": issued_at,
        **metadata_of(client).as_document(),
    }


# Columns of the client under their registered names, and those whose name is ours.
_COLUMNS = (
    *("redirect_uris", "post_logout_redirect_uris", "grant_types", "response_types", "scope"),
    *("token_endpoint_auth_method", "token_endpoint_auth_signing_alg", "jwks", "jwks_uri"),
    *("subject_type", "sector_identifier_uri"),
    *("id_token_signed_response_alg", "userinfo_signed_response_alg"),
    *("id_token_encrypted_response_alg", "id_token_encrypted_response_enc"),
    *("userinfo_encrypted_response_alg", "userinfo_encrypted_response_enc"),
    *("request_object_signing_alg", "require_signed_request_object", "request_uris"),
    *("request_object_encryption_alg", "request_object_encryption_enc"),
    *("default_max_age", "require_auth_time", "default_acr_values", "initiate_login_uri"),
    *("backchannel_logout_uri", "backchannel_logout_session_required"),
    *("frontchannel_logout_uri", "frontchannel_logout_session_required"),
)
_OWN_COLUMNS = ("pkce", "id_token_scope_claims", "refresh_always")


def _describe(application: Application, metadata: ClientMetadata) -> None:
    """What administrators and people see of it."""
    application.name = (metadata.client_name or application.name or _host(metadata))[:120]
    application.profile = metadata.gatehouse_profile
    application.first_party = metadata.gatehouse_first_party
    application.launch_url = metadata.client_uri or application.launch_url
    if metadata.contacts:
        application.contact = metadata.contacts[0][:250]


def _configure(client: Client, metadata: ClientMetadata) -> None:
    for name in _COLUMNS:
        value = getattr(metadata, name)
        setattr(client, name, list(value) if isinstance(value, tuple) else value)
    for name in _OWN_COLUMNS:
        setattr(client, name, getattr(metadata, f"gatehouse_{name}"))
    kept = {name: getattr(metadata, name) for name in _KEPT}
    client.metadata = {
        **metadata.extra,
        **{
            name: list(value) if isinstance(value, tuple) else value
            for name, value in kept.items()
            if value
        },
    }


def _renew(client: Client) -> str:
    secret = client_secret.generate()
    client.secret_hash = client_secret.digest(secret)
    client.secret_created_at = timezone.now()
    return secret


def _resources(metadata: ClientMetadata) -> list[Resource]:
    found = {
        resource.identifier: resource
        for resource in Resource.objects.filter(identifier__in=metadata.gatehouse_resources)
    }
    for identifier in metadata.gatehouse_resources:
        if identifier not in found:
            raise InvalidClientMetadata(f"gatehouse_resources: {identifier[:200]} is no API here")
    return list(found.values())


def _kind(metadata: ClientMetadata) -> str:
    if metadata.gatehouse_profile == Profile.NATIVE:
        return Kind.NATIVE
    if metadata.gatehouse_profile == Profile.MACHINE:
        return Kind.MACHINE
    return Kind.SPA if metadata.is_public else Kind.WEB


def _host(metadata: ClientMetadata) -> str:
    """A name for an application that brought none."""
    for address in metadata.redirect_uris:
        parts = uri.split(address)
        return parts.host or parts.scheme
    return "Application"
