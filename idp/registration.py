"""Register clients (RFC 7591): for the command, the administration, and clients themselves.

From validated metadata to the two rows of an OAuth application, and back. A generated secret is
returned once, and the one before may live on for a while, so that it is changed without an outage.
Checks no metadata but what must be fetched: the rest is `protocol.client_metadata`.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from idp import audit, logo, outbound, subjects
from idp.models import Application, Client, InitialAccessToken, Resource, Revocation
from idp.protocol import subject, uri
from idp.protocol.client_metadata import ClientMetadata
from idp.protocol.errors import InvalidClientMetadata
from idp.tokens import client_secret, registration_token, revocation

Profile = Application.Profile
Kind = Application.Kind

CONFIGURATION_PATH = "/register/client"
FETCH_TIMEOUT = timedelta(seconds=5)
LONGEST_OVERLAP = timedelta(days=90)
# Why there is no logo though one is registered; kept with the metadata, never shown to the client.
LOGO_PROBLEM = "gatehouse_logo_problem"
NOT_READ = "it has not been read yet"

# 24 hexadecimal digits: never the 32 of a person's identifier (RFC 9700 §4.15).
_ID_BYTES = 12
# Members without a column of their own are kept under their registered names.
_KEPT = ("client_uri", "logo_uri", "policy_uri", "tos_uri", "contacts", "application_type")


@transaction.atomic
def register(
    metadata: ClientMetadata,
    *,
    kind: str = "",
    actor: str = "",
    origin: str = Application.Origin.ADMINISTRATOR,
    owner: str = "",
) -> tuple[Client, str | None]:
    """Create the application with its client; returns the secret, None for one that has none.

    `kind`: of Application.Kind, told from the metadata where it is left out. `origin`: of
    Application.Origin. Raises InvalidClientMetadata for an API that is not registered.
    """
    resources = _resources(metadata)
    application = Application(kind=kind or _kind(metadata), origin=origin, owner=owner)
    _describe(application, metadata)
    application.save()
    client = Client(application=application, client_id=secrets.token_hex(_ID_BYTES))
    _configure(client, metadata)
    secret = _renew(client) if metadata.has_secret else None
    client.save()
    client.resources.set(resources)
    audit.record("application.created", application=application, actor=actor)
    return client, secret


def take(client: Client) -> Client | None:
    """Both rows as they are now, for nobody else to change until the transaction ends.

    None if they are gone. Whoever writes them takes them first, before the version row moves with
    the first write: in any other order two writers may wait for each other.
    """
    application = Application.objects.select_for_update().filter(pk=client.pk).first()
    row = Client.objects.select_for_update().filter(pk=client.pk).first()
    if application is None or row is None:
        return None
    row.application = application
    return row


@transaction.atomic
def update(client: Client, metadata: ClientMetadata, *, actor: str = "") -> Client:
    """Bring the rows into line with changed metadata, as `parse` and `check` have passed it.

    A client that proves itself otherwise loses its secret; one that comes to need one has none
    until `regenerate_secret`. Raises InvalidClientMetadata for an API that is not registered.
    """
    resources = _resources(metadata)
    old_logo = client.metadata.get("logo_uri", "")
    if old_logo and old_logo != metadata.logo_uri:
        client.application.logo, client.application.logo_type = b"", ""
    _describe(client.application, metadata)
    client.application.kind = _kind(metadata)
    client.application.save()
    _configure(client, metadata)
    if not metadata.has_secret:
        forget_secrets(client)
    client.save()
    client.resources.set(resources)
    audit.record("application.changed", application=client.application, actor=actor)
    return client


@transaction.atomic
def regenerate_secret(
    client: Client, *, actor: str = "", keep_previous: timedelta = timedelta(0)
) -> str:
    """Give the client a new secret and return it.

    `keep_previous`: how long the present one goes on to work beside it. Without, it is dead at
    once, and so are the access tokens that the client got in its own name or for people: whoever
    had the old secret may hold some. Of two live secrets the older one always dies.
    """
    if not client.has_secret:
        method = client.token_endpoint_auth_method
        raise InvalidClientMetadata(f"a client with the method {method} has no secret")
    take(client)
    client.refresh_from_db(fields=_SECRET_COLUMNS)
    now = timezone.now()
    if keep_previous and client.secret_hash:
        client.previous_secret_hash = client.secret_hash
        client.previous_secret_created_at = client.secret_created_at
        client.previous_secret_expires_at = now + min(keep_previous, LONGEST_OVERLAP)
        client.previous_secret_used_at = None
    else:
        _forget_previous(client)
        revocation.deny(Revocation.Kind.CLIENT, [client.client_id], now=now)
    secret = _renew(client)
    client.save(update_fields=_SECRET_COLUMNS)
    audit.record(
        "client.secret_regenerated",
        application=client.application,
        actor=actor,
        details={"previous_until": _iso(client.previous_secret_expires_at)},
    )
    return secret


@transaction.atomic
def end_previous_secret(client: Client, *, actor: str = "") -> bool:
    """End the older of two secrets now; False where there is but one."""
    take(client)
    client.refresh_from_db(fields=_SECRET_COLUMNS)
    if not client.previous_secret_hash:
        return False
    _forget_previous(client)
    client.save(update_fields=_SECRET_COLUMNS)
    audit.record("client.secret_ended", application=client.application, actor=actor)
    return True


def forget_secrets(client: Client) -> None:
    """Leave the client without any secret; the caller saves it."""
    client.secret_hash, client.secret_created_at = b"", None
    _forget_previous(client)


def _forget_previous(client: Client) -> None:
    client.previous_secret_hash = b""
    client.previous_secret_created_at = None
    client.previous_secret_expires_at = None
    client.previous_secret_used_at = None


def _iso(instant: datetime | None) -> str:
    return instant.isoformat() if instant else ""


def make_initial_access_token(
    name: str,
    *,
    owner: str = "",
    most_uses: int | None = None,
    expires_at: datetime | None = None,
    actor: str = "",
) -> tuple[InitialAccessToken, str]:
    """Make a token that lets its holder register clients (RFC 7591 §3); it is returned once."""
    token = registration_token.generate(registration_token.INITIAL)
    row = InitialAccessToken.objects.create(
        name=name[:120],
        token_hash=registration_token.digest(token),
        owner=owner[:150],
        created_by=actor[:150],
        expires_at=expires_at,
        most_uses=most_uses,
    )
    audit.record("initial_access_token.created", actor=actor, details={"name": row.name})
    return row, token


def revoke_initial_access_token(row: InitialAccessToken, *, actor: str = "") -> bool:
    """Let the token register nothing more; False if it was revoked before."""
    live = InitialAccessToken.objects.filter(pk=row.pk, revoked_at=None)
    if not live.update(revoked_at=timezone.now()):
        return False
    audit.record("initial_access_token.revoked", actor=actor, details={"name": row.name})
    return True


def give_registration_token(client: Client) -> str:
    """Give the client a new registration access token and return it (RFC 7592 §2); saves nothing.

    The one before is dead as soon as the row is saved.
    """
    token = registration_token.generate(registration_token.REGISTRATION)
    client.registration_token_hash = registration_token.digest(token)
    return token


def address(client: Client) -> str:
    """The registration_client_uri: where the client manages its registration (RFC 7592 §3)."""
    return f"{settings.IDP.url(CONFIGURATION_PATH)}?{urlencode({'client_id': client.client_id})}"


@transaction.atomic
def renew_registration_token(client: Client, *, actor: str = "") -> str | None:
    """Give the client another registration access token, and return it once (RFC 7592 §2).

    None if the client is gone: it has just removed itself, perhaps.
    """
    row = take(client)
    if row is None:
        return None
    token = give_registration_token(row)
    row.save(update_fields=["registration_token_hash"])
    audit.record("client.registration_token_renewed", application=row.application, actor=actor)
    return token


@transaction.atomic
def end_registration_token(client: Client, *, actor: str = "") -> bool:
    """Let nobody manage the registration from outside any more; False if nobody could."""
    row = take(client)
    if row is None or not row.registration_token_hash:
        return False
    row.registration_token_hash = b""
    row.save(update_fields=["registration_token_hash"])
    audit.record("client.registration_token_ended", application=row.application, actor=actor)
    return True


@transaction.atomic
def remove(client: Client, **facts: Any) -> None:
    """Remove the application with everything of it; its tokens die at once.

    Rows of its grants stay until they expire: without the client nobody can use them. Facts: of
    `audit.record`, who and why.
    """
    row = take(client)
    if row is None:
        return
    revocation.deny(Revocation.Kind.CLIENT, [row.client_id], now=timezone.now())
    audit.record("application.deleted", application=row.application, **facts)
    row.application.delete()


# ----- what has to be fetched -----


def check_sector(metadata: ClientMetadata) -> None:
    """Check the sector of pairwise subjects (OIDC Core §8.1, OIDC Registration §5).

    Reads the sector_identifier_uri, which must list every redirect URI: never call it inside a
    transaction. Raises InvalidClientMetadata.
    """
    address = metadata.sector_identifier_uri
    if metadata.subject_type == subjects.PAIRWISE:
        subject.sector_of(metadata.redirect_uris, address)
    if not address:
        return
    try:
        answer = outbound.get(
            address,
            accept="application/json",
            limit=subject.MAX_DOCUMENT_BYTES,
            timeout=FETCH_TIMEOUT,
        )
    except outbound.OutboundError as error:
        raise InvalidClientMetadata(f"sector_identifier_uri: {error}") from None
    if answer.status != 200:
        raise InvalidClientMetadata(
            f"sector_identifier_uri: it answers with status {answer.status}"
        )
    subject.check_sector(answer.body, metadata.redirect_uris)


def read_logo(client: Client) -> bool:
    """Read the registered logo, once, and keep it; False where that failed.

    A logo that cannot be read is no reason to refuse an application: administrators see why, and a
    job tries again. Never call it inside a transaction.
    """
    address = client.metadata.get("logo_uri", "")
    if not address:
        return False
    try:
        found, problem = logo.fetch(address), ""
    except logo.NoLogo as error:
        found, problem = (b"", ""), str(error)[:300]
    return _keep_logo(client, *found, address=address, problem=problem)


@transaction.atomic
def _keep_logo(client: Client, data: bytes, media_type: str, *, address: str, problem: str) -> bool:
    """Write what came of it, unless the client is gone or names another logo by now."""
    row = take(client)
    if row is None or row.metadata.get("logo_uri") != address:
        return False
    row.metadata.pop(LOGO_PROBLEM, None)
    if problem:
        row.metadata[LOGO_PROBLEM] = problem
    else:
        row.application.logo, row.application.logo_type = data, media_type
        row.application.save(update_fields=["logo", "logo_type", "updated_at"])
    row.save(update_fields=["metadata"])
    client.application, client.metadata = row.application, row.metadata
    return not problem


def metadata_of(client: Client) -> ClientMetadata:
    """The metadata of a registered client (RFC 7591 §3.2.1)."""
    application = client.application
    kept = {name: value for name, value in client.metadata.items() if name != LOGO_PROBLEM}
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
_OWN_COLUMNS = ("pkce", "id_token_scope_claims", "refresh_always", "response_modes")


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
        value = getattr(metadata, f"gatehouse_{name}")
        setattr(client, name, list(value) if isinstance(value, tuple) else value)
    kept = {name: getattr(metadata, name) for name in _KEPT}
    problem = _logo_problem(client, metadata)
    client.metadata = {
        **metadata.extra,
        **{
            name: list(value) if isinstance(value, tuple) else value
            for name, value in kept.items()
            if value
        },
        **({LOGO_PROBLEM: problem} if problem else {}),
    }


def _logo_problem(client: Client, metadata: ClientMetadata) -> str:
    """What is the matter with the registered logo: nothing, if it was read or taken away here."""
    if metadata.logo_uri == client.metadata.get("logo_uri", ""):
        return str(client.metadata.get(LOGO_PROBLEM, ""))
    return NOT_READ if metadata.logo_uri else ""


_SECRET_COLUMNS = [
    *("secret_hash", "secret_created_at", "previous_secret_hash", "previous_secret_created_at"),
    *("previous_secret_expires_at", "previous_secret_used_at"),
]


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
