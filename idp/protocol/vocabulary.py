"""The registered values that this server knows, one tuple or enumeration per parameter.

From the IANA "OAuth Parameters" registries (RFC 6749 §11, RFC 7591 §4, RFC 8414 §7) and OIDC Core.
A value that is not here is not supported. Says nothing about what a client or a setting allows.
"""

from __future__ import annotations

from enum import StrEnum


class GrantType(StrEnum):
    """Values of grant_type (RFC 6749 §4.1.3, §4.4.2, §6); `implicit` is only registered."""

    AUTHORIZATION_CODE = "authorization_code"
    REFRESH_TOKEN = "refresh_token"  # noqa: S105 - the registered name
    CLIENT_CREDENTIALS = "client_credentials"
    IMPLICIT = "implicit"


GRANT_TYPES = tuple(str(one) for one in GrantType)

# The response type of every profile, and those of clients with the profile `compatibility` alone
# (OAuth Multiple Response Types §3, §5): tokens in the front channel.
CODE = "code"
FRONT_CHANNEL_RESPONSE_TYPES = (
    "id_token",
    "id_token token",
    "code id_token",
    "code token",
    "code id_token token",
)
RESPONSE_TYPES = (CODE, *FRONT_CHANNEL_RESPONSE_TYPES)
RESPONSE_MODES = ("query", "fragment", "form_post")

TOKEN_ENDPOINT_AUTH_METHODS = (
    "none",
    "client_secret_basic",
    "client_secret_post",
    "private_key_jwt",
)
PUBLIC_METHOD = "none"
SECRET_METHODS = ("client_secret_basic", "client_secret_post")
PRIVATE_KEY_JWT = "private_key_jwt"

CODE_CHALLENGE_METHODS = ("S256",)

PROMPTS = ("none", "login", "consent", "select_account")
DISPLAYS = ("page", "popup", "touch", "wap")
CLAIM_TYPES = ("normal",)
SUBJECT_TYPES = ("public", "pairwise")
APPLICATION_TYPES = ("web", "native")

BEARER = "Bearer"
TOKEN_TYPE_HINTS = ("access_token", "refresh_token")


class JwtType(StrEnum):
    """The explicit `typ` of each kind of JWT that we mint (RFC 8725 §3.11)."""

    ACCESS_TOKEN = "at+jwt"  # noqa: S105 - RFC 9068 §2.1
    ID_TOKEN = "JWT"  # noqa: S105 - RFC 7519 §5.1
    LOGOUT_TOKEN = "logout+jwt"  # noqa: S105 - OIDC Back-Channel Logout §2.4


# A signed UserInfo answer: libraries refuse any other typ; it has no exp, so it is no ID token.
PLAIN_JWT = "JWT"

ACCESS_TOKEN_SIGNING_ALG = "ES256"  # noqa: S105 - an algorithm's name
ID_TOKEN_SIGNING_ALGS = ("RS256", "PS256", "ES256", "EdDSA")
USERINFO_SIGNING_ALGS = ID_TOKEN_SIGNING_ALGS
# What clients may sign with: request objects and client assertions (RFC 7518 §3.1, RFC 9864 §2.2).
CLIENT_SIGNING_ALGS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA", "Ed25519"),
)
# JWE to and from clients (RFC 7518 §4.1, §5.1).
KEY_ENCRYPTION_ALGS = (
    *("RSA-OAEP", "RSA-OAEP-256"),
    *("ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW"),
)
CONTENT_ENCRYPTION_ALGS = ("A128CBC-HS256", "A256CBC-HS512", "A128GCM", "A256GCM")
DEFAULT_CONTENT_ENCRYPTION_ALG = "A128CBC-HS256"
DEFAULT_ID_TOKEN_SIGNING_ALG = "RS256"  # noqa: S105 - an algorithm's name

PROFILES = ("default", "native", "machine", "compatibility")
PKCE_POLICIES = ("required", "default", "optional")

# What an authorization or logout response may carry: a redirect URI that brings one of these itself
# would let its owner answer in our place (RFC 9207 §2.4, CVE-2026-18217).
RESPONSE_PARAMETERS = (
    "access_token",
    "code",
    "error",
    "error_description",
    "error_uri",
    "expires_in",
    "id_token",
    "iss",
    "RelayState",
    "response",
    "SAMLRequest",
    "SAMLResponse",
    "session_state",
    "state",
    "token_type",
)
