"""What a client that registers itself may ask for, and what it gets (RFC 7591 §2, §3, §5).

The one function `apply` stands before every registration and every change of one, so that nobody
widens by an update what they could not have registered. Statements of trusted issuers win over what
the client says itself (§2.3). Writes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from idp import client_keys, directory, outbound
from idp.models import RegistrationPolicy, Resource, StatementIssuer
from idp.protocol import client_jwt, client_metadata, jose, uri, vocabulary
from idp.protocol import scope as scopes
from idp.protocol.client_metadata import ClientMetadata
from idp.protocol.errors import (
    InvalidClientMetadata,
    InvalidRedirectUri,
    InvalidSoftwareStatement,
    UnapprovedSoftwareStatement,
)
from idp.protocol.jwk import ClientKeys
from idp.protocol.vocabulary import GrantType

STATEMENT = "software_statement"
OWN_MEMBERS = "gatehouse_"
# What a JWT says about itself (RFC 7519 §4.1), no metadata of the client.
_JWT_CLAIMS = frozenset({"iss", "sub", "aud", "exp", "nbf", "iat", "jti"})
# Addresses that we shall ask, or send people to, on a stranger's word.
_OUTGOING = ("jwks_uri", "sector_identifier_uri", "backchannel_logout_uri", "logo_uri")


def current() -> RegistrationPolicy:
    """The policy; off until an administrator says otherwise."""
    return directory.cached("registration-policy", _load)


def _load() -> RegistrationPolicy:
    return RegistrationPolicy.objects.filter(pk=1).first() or RegistrationPolicy()


def is_on() -> bool:
    """Whether anybody may register a client."""
    return current().mode != RegistrationPolicy.Mode.OFF


@dataclass(frozen=True, slots=True)
class Draft:
    """What a client has asked for, and the claims of its software statement."""

    document: Mapping[str, Any]
    statement: str = ""

    @property
    def is_native(self) -> bool:
        """Whether it says that it runs on people's devices (OIDC Registration §2)."""
        return self.document.get("application_type") == "native"


def apply(
    document: Mapping[str, Any], policy: RegistrationPolicy, *, now: datetime
) -> ClientMetadata:
    """Return the metadata that this policy gives to what was asked for.

    Raises InvalidClientMetadata, InvalidRedirectUri, InvalidSoftwareStatement,
    UnapprovedSoftwareStatement.
    """
    for name in document:
        if name.startswith(OWN_MEMBERS):
            raise InvalidClientMetadata(f"{name[:60]} is for this server to decide")
    draft = _with_statement(document, policy, now=now)
    metadata = client_metadata.parse({**draft.document, **_given(draft, policy)})
    _check(metadata, policy)
    extra = dict(metadata.extra)
    if draft.statement:
        extra[STATEMENT] = draft.statement
    return replace(metadata, **_scope(metadata, policy), extra=extra)


def _given(draft: Draft, policy: RegistrationPolicy) -> dict[str, Any]:
    """The members of ours that the policy decides, not the client."""
    grants = draft.document.get("grant_types")
    pkce = policy.pkce
    if draft.document.get("token_endpoint_auth_method") == vocabulary.PUBLIC_METHOD:
        pkce = "default" if pkce == "optional" else pkce
    profile: str = policy.profile
    if draft.is_native:
        profile = "native"
    elif grants == [GrantType.CLIENT_CREDENTIALS]:
        profile = "machine"
    return {"gatehouse_profile": profile, "gatehouse_pkce": pkce}


def _check(metadata: ClientMetadata, policy: RegistrationPolicy) -> None:
    """Refuse what the policy does not allow to strangers."""
    if GrantType.CLIENT_CREDENTIALS in metadata.grant_types and not policy.machines:
        raise InvalidClientMetadata(
            "client_credentials is not for clients that register themselves"
        )
    for address in (*metadata.redirect_uris, *metadata.post_logout_redirect_uris):
        if not (metadata.application_type == "native" and _is_on_the_device(address)):
            _check_host(address, policy)
    client_metadata.refuse_foreign_hosts(metadata)
    for name in _OUTGOING:
        _check_outgoing(name, getattr(metadata, name))
    for address in metadata.request_uris:
        _check_outgoing("request_uris", address)
    for name in ("initiate_login_uri", "frontchannel_logout_uri"):
        address = getattr(metadata, name)
        if address and not address.startswith("https://"):
            raise InvalidClientMetadata(f"{name} must be https")


def _is_on_the_device(address: str) -> bool:
    """Whether it leads to no other machine: an own scheme, a loopback host (RFC 8252 §7)."""
    parts = uri.split(address)
    return parts.scheme != "https" or parts.host in uri.LOOPBACK_HOSTS


def _check_host(address: str, policy: RegistrationPolicy) -> None:
    """What is on the web is where the policy allows (OIDC Registration §2, RFC 8252 §7.2)."""
    parts = uri.split(address)
    host = (parts.host or "").lower()
    if parts.scheme != "https" or host in uri.LOOPBACK_HOSTS:
        raise InvalidRedirectUri(
            f"{address[:200]} must be https to a host other than this machine;"
            " application_type native may use loopback"
        )
    try:
        outbound.check(address)
    except outbound.OutboundError as error:
        raise InvalidRedirectUri(f"{address[:200]}: {error}") from None
    allowed = policy.allowed_hosts
    if allowed and not any(fnmatchcase(host, pattern.lower()) for pattern in allowed):
        raise InvalidRedirectUri(f"the host {host} is not one that may register here")


def _check_outgoing(name: str, address: str) -> None:
    if not address:
        return
    try:
        outbound.check(address)
    except outbound.OutboundError as error:
        raise InvalidClientMetadata(f"{name}: {error}") from None


def _scope(metadata: ClientMetadata, policy: RegistrationPolicy) -> dict[str, Any]:
    """The scopes it may ask for, of those that the policy allows, and the APIs behind them.

    RFC 7591 §2: what is asked beyond that is left out, and the answer says what is registered.
    """
    allowed = tuple(policy.scope.split()) or scopes.OPENID_SCOPES
    wanted = tuple(metadata.scope.split()) or allowed
    granted = tuple(one for one in wanted if one in allowed)
    if not granted:
        raise InvalidClientMetadata("no scope is left that a client may register itself for")
    beyond = set(granted) - set(scopes.OPENID_SCOPES)
    apis = Resource.objects.filter(scopes__name__in=beyond).distinct() if beyond else ()
    return {
        "scope": scopes.join(granted),
        "gatehouse_resources": tuple(one.identifier for one in apis),
    }


# ----- software statements -----


def _with_statement(
    document: Mapping[str, Any], policy: RegistrationPolicy, *, now: datetime
) -> Draft:
    """Put the claims of a software statement in place of what the client says (RFC 7591 §2.3)."""
    statement = document.get(STATEMENT)
    own = {name: value for name, value in document.items() if name != STATEMENT}
    if statement is None:
        if policy.statement_required:
            raise InvalidClientMetadata("a software_statement is required here")
        return Draft(own)
    if not isinstance(statement, str):
        raise InvalidSoftwareStatement("software_statement must be a string, a JWT")
    claims = _verified(statement, now=now)
    stated = {name: value for name, value in claims.items() if name not in _JWT_CLAIMS}
    for name in stated:
        if name.startswith(OWN_MEMBERS):
            raise InvalidSoftwareStatement(f"{name[:60]} is for this server to decide")
    return Draft({**own, **stated}, statement)


def _issuer(iss: object) -> StatementIssuer | None:
    """The trusted issuer of that name; what cannot be a name is asked of no database."""
    if not (isinstance(iss, str) and iss.isprintable()):
        return None
    return StatementIssuer.objects.filter(issuer=iss, enabled=True).first()


def _verified(statement: str, *, now: datetime) -> dict[str, Any]:
    """Return the claims after the signature of an issuer that we trust (RFC 7591 §3.1.1)."""
    try:
        _, claimed = client_jwt.peek(statement)
    except jose.InvalidJwt as error:
        raise InvalidSoftwareStatement("it is no JWT", detail=str(error)) from None
    trusted = _issuer(claimed.get("iss"))
    if trusted is None:
        raise UnapprovedSoftwareStatement("its issuer is not one that is trusted here")

    def attempt(keys: ClientKeys) -> dict[str, Any]:
        return client_jwt.verify(
            statement, keys, algorithms=client_jwt.ALGORITHMS, types=("", "jwt")
        )

    try:
        claims = client_keys.retried(trusted, attempt, unknown=client_jwt.UnknownKey)
        client_jwt.check_times(claims, now=now)
    except client_keys.NoKeys as error:
        raise InvalidSoftwareStatement(
            "the keys of its issuer are not known", detail=str(error)
        ) from None
    except jose.InvalidJwt as error:
        raise InvalidSoftwareStatement("it does not verify", detail=str(error)) from None
    return claims
