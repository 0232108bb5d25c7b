"""Client metadata: what a client may register (RFC 7591 §2, OIDC Registration §2).

`parse` gives every member a type, a default and a place, and refuses what contradicts itself or
asks for what this server does not do. Members of our own begin with `gatehouse_`. Stores nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from idp.protocol import redirect_uri, resource_indicator, response_type, vocabulary
from idp.protocol import scope as scopes
from idp.protocol import uri as uris
from idp.protocol.errors import (
    InvalidClientMetadata,
    InvalidRedirectUri,
    InvalidScope,
    InvalidSoftwareStatement,
    InvalidTarget,
)
from idp.protocol.metadata_members import Members
from idp.protocol.vocabulary import GrantType

MAX_AGE_SECONDS = 10 * 365 * 24 * 3600

_TEXTS = ("software_id", "software_version")
_LOCALISED = ("client_name", "client_uri", "logo_uri", "policy_uri", "tos_uri")
_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8}){0,5}")

# Protections that a client would rely on: silence would be a promise that is not kept.
_DEMANDS = (
    "authorization_encrypted_response_alg",
    "authorization_signed_response_alg",
    "dpop_bound_access_tokens",
    "introspection_encrypted_response_alg",
    "introspection_signed_response_alg",
    "require_pushed_authorization_requests",
    "tls_client_certificate_bound_access_tokens",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientMetadata:
    """The registered metadata of one client, complete and consistent; see `parse`.

    `scope` is one string as on the wire; empty means that the client may ask for what is its own.
    `extra` holds localised names and what describes the software, as they came.
    """

    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    token_endpoint_auth_method: str = "client_secret_basic"  # noqa: S105 - a method's name
    grant_types: tuple[str, ...] = (GrantType.AUTHORIZATION_CODE,)
    response_types: tuple[str, ...] = ("code",)
    application_type: str = "web"
    client_name: str = ""
    client_uri: str = ""
    logo_uri: str = ""
    policy_uri: str = ""
    tos_uri: str = ""
    contacts: tuple[str, ...] = ()
    scope: str = ""
    jwks: Mapping[str, Any] = field(default_factory=dict)
    jwks_uri: str = ""
    token_endpoint_auth_signing_alg: str = ""
    subject_type: str = "public"
    sector_identifier_uri: str = ""
    id_token_signed_response_alg: str = vocabulary.DEFAULT_ID_TOKEN_SIGNING_ALG
    id_token_encrypted_response_alg: str = ""
    id_token_encrypted_response_enc: str = ""
    userinfo_signed_response_alg: str = ""
    userinfo_encrypted_response_alg: str = ""
    userinfo_encrypted_response_enc: str = ""
    request_object_signing_alg: str = ""
    request_object_encryption_alg: str = ""
    request_object_encryption_enc: str = ""
    require_signed_request_object: bool = False
    request_uris: tuple[str, ...] = ()
    initiate_login_uri: str = ""
    backchannel_logout_uri: str = ""
    backchannel_logout_session_required: bool = False
    frontchannel_logout_uri: str = ""
    frontchannel_logout_session_required: bool = False
    default_max_age: int | None = None
    require_auth_time: bool = False
    default_acr_values: tuple[str, ...] = ()
    gatehouse_profile: str = "default"
    gatehouse_pkce: str = "default"
    gatehouse_id_token_scope_claims: bool = False
    gatehouse_refresh_always: bool = False
    gatehouse_first_party: bool = False
    gatehouse_resources: tuple[str, ...] = ()
    gatehouse_response_modes: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def has_secret(self) -> bool:
        """Whether the client proves itself with a secret (RFC 7591 §3.2.1)."""
        return self.token_endpoint_auth_method in vocabulary.SECRET_METHODS

    @property
    def is_public(self) -> bool:
        """Whether the client cannot keep a secret, and so gets none (RFC 6749 §2.1)."""
        return self.token_endpoint_auth_method == vocabulary.PUBLIC_METHOD

    def as_document(self) -> dict[str, Any]:
        """Return all registered values as a JSON object, without empty ones (RFC 7591 §3.2.1)."""
        document: dict[str, Any] = {}
        for member in fields(self):
            value = getattr(self, member.name)
            if member.name == "extra" or value in ("", (), None, {}):
                continue
            document[member.name] = list(value) if isinstance(value, tuple) else value
        return {**document, **self.extra}


def parse(document: Mapping[str, Any]) -> ClientMetadata:
    """Return the metadata of a registration with its defaults (RFC 7591 §2, §3.2.1).

    Unknown members are ignored (RFC 7591 §2), unless they begin with `gatehouse_`.
    Raises InvalidClientMetadata, InvalidRedirectUri, InvalidSoftwareStatement.
    """
    members = Members(document)
    _refuse_unkept(members)
    grant_types = _grant_types(members)
    application_type = members.choice(
        "application_type", vocabulary.APPLICATION_TYPES, default=_application_type(members)
    )
    metadata = ClientMetadata(
        redirect_uris=members.texts("redirect_uris"),
        post_logout_redirect_uris=members.texts("post_logout_redirect_uris"),
        token_endpoint_auth_method=members.choice(
            "token_endpoint_auth_method",
            vocabulary.TOKEN_ENDPOINT_AUTH_METHODS,
            default="client_secret_basic",
        ),
        grant_types=grant_types,
        response_types=_response_types(members, grant_types),
        application_type=application_type,
        client_name=members.text("client_name"),
        client_uri=members.address("client_uri"),
        logo_uri=members.address("logo_uri"),
        policy_uri=members.address("policy_uri"),
        tos_uri=members.address("tos_uri"),
        contacts=members.texts("contacts"),
        scope=_scope(members),
        jwks=members.jwks("jwks"),
        jwks_uri=members.address("jwks_uri"),
        subject_type=members.choice("subject_type", vocabulary.SUBJECT_TYPES, default="public"),
        sector_identifier_uri=members.address("sector_identifier_uri"),
        **_algorithms(members),
        require_signed_request_object=members.flag("require_signed_request_object"),
        request_uris=members.addresses("request_uris", fragments=True),
        initiate_login_uri=members.address("initiate_login_uri"),
        backchannel_logout_uri=members.address("backchannel_logout_uri"),
        backchannel_logout_session_required=members.flag("backchannel_logout_session_required"),
        frontchannel_logout_uri=members.address("frontchannel_logout_uri"),
        frontchannel_logout_session_required=members.flag("frontchannel_logout_session_required"),
        default_max_age=members.seconds("default_max_age", maximum=MAX_AGE_SECONDS),
        require_auth_time=members.flag("require_auth_time"),
        default_acr_values=members.texts("default_acr_values"),
        gatehouse_profile=members.choice(
            "gatehouse_profile",
            vocabulary.PROFILES,
            default=_profile(grant_types, application_type),
        ),
        gatehouse_pkce=members.choice(
            "gatehouse_pkce", vocabulary.PKCE_POLICIES, default="default"
        ),
        gatehouse_id_token_scope_claims=members.flag("gatehouse_id_token_scope_claims"),
        gatehouse_refresh_always=members.flag("gatehouse_refresh_always"),
        gatehouse_first_party=members.flag("gatehouse_first_party"),
        gatehouse_resources=_resources(members),
        gatehouse_response_modes=members.choices(
            "gatehouse_response_modes", vocabulary.RESPONSE_MODES, default=()
        ),
        extra=_extra(members),
    )
    check(metadata)
    return metadata


def check(metadata: ClientMetadata) -> None:
    """Raise unless the metadata is consistent (RFC 7591 §2.1, OIDC Registration §2).

    Called by `parse`; call it again on what an administrator has edited.
    Raises InvalidClientMetadata, InvalidRedirectUri.
    """
    _check_grants(metadata)
    _check_profile(metadata)
    _check_keys(metadata)
    modes = set(metadata.gatehouse_response_modes)
    if modes == {"query"} and any(map(response_type.brings_tokens, metadata.response_types)):
        raise InvalidClientMetadata("gatehouse_response_modes query is not for tokens")
    if metadata.is_public and metadata.gatehouse_pkce == "optional":
        raise InvalidClientMetadata("gatehouse_pkce optional is for confidential clients only")
    for uri in metadata.redirect_uris:
        redirect_uri.validate(uri, application_type=metadata.application_type)
    for uri in metadata.post_logout_redirect_uris:
        redirect_uri.validate_post_logout(uri, application_type=metadata.application_type)
    _check_frontchannel(metadata)


def _check_frontchannel(metadata: ClientMetadata) -> None:
    """Refuse a frame of somebody else's (OIDC Front-Channel Logout §2)."""
    address = metadata.frontchannel_logout_uri
    own = {uris.split(one).origin for one in metadata.redirect_uris}
    if address and uris.split(address).origin not in own:
        raise InvalidClientMetadata(
            "frontchannel_logout_uri must have scheme, host and port of a redirect URI"
        )


def refuse_foreign_hosts(metadata: ClientMetadata) -> None:
    """Raise InvalidClientMetadata for faces that are not on the client's hosts (RFC 7591 §5).

    For registrations by strangers, who might borrow somebody's logo or home page. Policy and terms
    may be elsewhere, for they are shown with their host.
    """
    own = {uris.split(one).host for one in metadata.redirect_uris}
    for name in ("client_uri", "logo_uri"):
        address = getattr(metadata, name)
        if address and uris.split(address).host not in own:
            raise InvalidClientMetadata(f"{name} must be on the host of a redirect URI")


def _refuse_unkept(members: Members) -> None:
    """Refuse what would be ignored to the client's harm (RFC 7591 §2, §2.3)."""
    if "software_statement" in members:
        raise InvalidSoftwareStatement("software statements are not supported")
    for name in _DEMANDS:
        if name in members and members.demanded(name):
            raise InvalidClientMetadata(f"{name} is not supported")
    own = {member.name for member in fields(ClientMetadata)}
    for name in members:
        if name.startswith("gatehouse_") and name not in own:
            raise InvalidClientMetadata(f"{name[:60]} is not a member we know")


def _grant_types(members: Members) -> tuple[str, ...]:
    default: tuple[str, ...] = (GrantType.AUTHORIZATION_CODE,)
    if members.text("gatehouse_profile") == "machine":
        default = (GrantType.CLIENT_CREDENTIALS,)
    elif "response_types" in members and "grant_types" not in members:
        default = _grants_of(_response_types(members, ()))
    elif members.flag("gatehouse_refresh_always") or _asks_for_offline_access(members):
        default = (GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN)
    return members.choices("grant_types", vocabulary.GRANT_TYPES, default=default)


def _response_types(members: Members, grant_types: tuple[str, ...]) -> tuple[str, ...]:
    """Return the response types, each in its one spelling; those of the grants if left out."""
    name = "response_types"
    if name not in members:
        return (vocabulary.CODE,) if GrantType.AUTHORIZATION_CODE in grant_types else ()
    spelled = [response_type.canonical(one) or one for one in members.texts(name)]
    return Members({name: list(dict.fromkeys(spelled))}).choices(
        name, vocabulary.RESPONSE_TYPES, default=()
    )


def _grants_of(response_types: tuple[str, ...]) -> tuple[str, ...]:
    """Return the grants that response types need (RFC 7591 §2.1, OIDC Registration §2)."""
    code = any(vocabulary.CODE in response_type.words(one) for one in response_types)
    front = any(map(response_type.brings_tokens, response_types))
    grants = (GrantType.AUTHORIZATION_CODE,) if code else ()
    return (*grants, GrantType.IMPLICIT) if front else grants


def _asks_for_offline_access(members: Members) -> bool:
    """Tell whether the registered scope is in vain without refresh tokens (OIDC Core §11)."""
    scope = members.long_text("scope", maximum=scopes.MAX_CHARACTERS)
    return scopes.OFFLINE_ACCESS in scope.split(" ")


def _application_type(members: Members) -> str:
    return "native" if members.text("gatehouse_profile") == "native" else "web"


def _profile(grant_types: tuple[str, ...], application_type: str) -> str:
    if application_type == "native":
        return "native"
    return "machine" if grant_types == (GrantType.CLIENT_CREDENTIALS,) else "default"


def _scope(members: Members) -> str:
    try:
        return scopes.join(scopes.parse(members.long_text("scope", maximum=scopes.MAX_CHARACTERS)))
    except InvalidScope as error:
        raise InvalidClientMetadata(error.description) from None


def _resources(members: Members) -> tuple[str, ...]:
    try:
        return resource_indicator.parse(members.texts("gatehouse_resources"))
    except InvalidTarget as error:
        raise InvalidClientMetadata(f"gatehouse_resources: {error.description}") from None


def _algorithms(members: Members) -> dict[str, str]:
    """Return every chosen algorithm; empty where the client leaves it out (OIDC Reg §2)."""
    signing = vocabulary.CLIENT_SIGNING_ALGS
    chosen = {
        "token_endpoint_auth_signing_alg": members.choice(
            "token_endpoint_auth_signing_alg", signing, default=""
        ),
        "id_token_signed_response_alg": members.choice(
            "id_token_signed_response_alg",
            vocabulary.ID_TOKEN_SIGNING_ALGS,
            default=vocabulary.DEFAULT_ID_TOKEN_SIGNING_ALG,
        ),
        "userinfo_signed_response_alg": members.choice(
            "userinfo_signed_response_alg", vocabulary.USERINFO_SIGNING_ALGS, default=""
        )
        if members.demanded("userinfo_signed_response_alg")
        else "",
        "request_object_signing_alg": members.choice(
            "request_object_signing_alg", signing, default=""
        ),
    }
    for prefix in ("id_token_encrypted_response", "userinfo_encrypted_response"):
        chosen |= _encryption(members, prefix)
    return chosen | _encryption(members, "request_object_encryption")


def _encryption(members: Members, prefix: str) -> dict[str, str]:
    """Return `alg` and `enc` of one kind of JWE; enc never stands alone (OIDC Reg §2)."""
    alg = members.choice(f"{prefix}_alg", vocabulary.KEY_ENCRYPTION_ALGS, default="")
    enc = members.choice(
        f"{prefix}_enc",
        vocabulary.CONTENT_ENCRYPTION_ALGS,
        default=vocabulary.DEFAULT_CONTENT_ENCRYPTION_ALG if alg else "",
    )
    if enc and not alg:
        raise InvalidClientMetadata(f"{prefix}_enc needs {prefix}_alg")
    return {f"{prefix}_alg": alg, f"{prefix}_enc": enc}


def _extra(members: Members) -> dict[str, Any]:
    """Return the members that are only kept, type-checked (RFC 7591 §2.2, §3.2.1).

    What follows a # and is no language tag (RFC 5646 §2.1) makes a member that nobody knows.
    """
    extra: dict[str, Any] = {}
    extra |= {name: members.text(name) for name in _TEXTS if name in members}
    for name in members:
        base, _, language = name.partition("#")
        if base in _LOCALISED and _LANGUAGE.fullmatch(language):
            extra[name] = members.text(name) if base == "client_name" else members.address(name)
    return extra


def _check_grants(metadata: ClientMetadata) -> None:
    """Check grants against response types, redirect URIs and authentication (RFC 7591 §2.1)."""
    code = GrantType.AUTHORIZATION_CODE in metadata.grant_types
    if not metadata.grant_types:
        raise InvalidClientMetadata("grant_types names no grant")
    needed = _grants_of(metadata.response_types)
    if code != (GrantType.AUTHORIZATION_CODE in needed):
        raise InvalidClientMetadata("authorization_code and response type code go together")
    if (GrantType.IMPLICIT in metadata.grant_types) != (GrantType.IMPLICIT in needed):
        raise InvalidClientMetadata(
            "implicit and response types with token or id_token go together"
        )
    if needed and not metadata.redirect_uris:
        raise InvalidRedirectUri("people's sign-ins need at least one redirect URI")
    if GrantType.REFRESH_TOKEN in metadata.grant_types and not code:
        raise InvalidClientMetadata("refresh_token needs authorization_code")
    if metadata.gatehouse_refresh_always and GrantType.REFRESH_TOKEN not in metadata.grant_types:
        raise InvalidClientMetadata("gatehouse_refresh_always needs the grant refresh_token")
    if GrantType.CLIENT_CREDENTIALS in metadata.grant_types and metadata.is_public:
        raise InvalidClientMetadata("client_credentials needs a client that proves who it is")


def _check_profile(metadata: ClientMetadata) -> None:
    """Check the profile against application type and grants (RFC 8252 §7, RFC 6749 §4.4)."""
    if (metadata.gatehouse_profile == "native") != (metadata.application_type == "native"):
        raise InvalidClientMetadata(
            "gatehouse_profile native and application_type native go together"
        )
    machine = metadata.gatehouse_profile == "machine"
    if machine and metadata.grant_types != (GrantType.CLIENT_CREDENTIALS,):
        raise InvalidClientMetadata("gatehouse_profile machine is for client_credentials alone")
    if GrantType.IMPLICIT in metadata.grant_types and metadata.gatehouse_profile != "compatibility":
        raise InvalidClientMetadata(
            "response types with token or id_token need the gatehouse_profile compatibility"
        )


def _check_keys(metadata: ClientMetadata) -> None:
    """Check that there are keys wherever they are needed (RFC 7591 §2, OIDC Registration §2)."""
    if metadata.jwks and metadata.jwks_uri:
        raise InvalidClientMetadata("jwks and jwks_uri exclude each other")
    if metadata.jwks.get("keys") or metadata.jwks_uri:
        return
    if metadata.token_endpoint_auth_method == vocabulary.PRIVATE_KEY_JWT:
        raise InvalidClientMetadata("private_key_jwt needs jwks or jwks_uri")
    for name in ("id_token_encrypted_response_alg", "userinfo_encrypted_response_alg"):
        if getattr(metadata, name):
            raise InvalidClientMetadata(f"{name} needs jwks or jwks_uri")
    if metadata.require_signed_request_object:
        raise InvalidClientMetadata("require_signed_request_object needs jwks or jwks_uri")
