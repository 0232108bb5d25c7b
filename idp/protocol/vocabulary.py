"""The registered values that this server knows, one tuple or enumeration per parameter.

From the IANA "OAuth Parameters" registries (RFC 6749 §11, RFC 7591 §4, RFC 8414 §7) and OIDC Core.
A value that is not here is not supported. Says nothing about what a client or a setting allows.
"""

from __future__ import annotations

from enum import StrEnum


class GrantType(StrEnum):
    """Values of grant_type (RFC 6749 §4.1.3, §4.4.2, §6)."""

    AUTHORIZATION_CODE = "authorization_code"
    REFRESH_TOKEN = "refresh_token"  # noqa: S105 - the registered name
    CLIENT_CREDENTIALS = "client_credentials"


GRANT_TYPES = tuple(str(one) for one in GrantType)

RESPONSE_TYPES = ("code",)
RESPONSE_MODES = ("query", "form_post")

TOKEN_ENDPOINT_AUTH_METHODS = ("none", "client_secret_basic", "client_secret_post")
PUBLIC_METHOD = "none"

CODE_CHALLENGE_METHODS = ("S256",)

PROMPTS = ("none", "login", "consent", "select_account")
DISPLAYS = ("page", "popup", "touch", "wap")
CLAIM_TYPES = ("normal",)
SUBJECT_TYPES = ("public",)
APPLICATION_TYPES = ("web", "native")

BEARER = "Bearer"
TOKEN_TYPE_HINTS = ("access_token", "refresh_token")


class JwtType(StrEnum):
    """The explicit `typ` of each kind of JWT that we mint (RFC 8725 §3.11)."""

    ACCESS_TOKEN = "at+jwt"  # noqa: S105 - RFC 9068 §2.1
    ID_TOKEN = "JWT"  # noqa: S105 - RFC 7519 §5.1


ACCESS_TOKEN_SIGNING_ALG = "ES256"  # noqa: S105 - an algorithm's name
ID_TOKEN_SIGNING_ALGS = ("RS256", "ES256")
DEFAULT_ID_TOKEN_SIGNING_ALG = "RS256"  # noqa: S105 - an algorithm's name

PROFILES = ("default", "native", "machine")
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
