"""The registered protocol errors as typed exceptions (RFC 6749 §4.1.2.1, §5.2 and extensions).

Raised anywhere below an endpoint, rendered in one place per channel. `description` goes to the
other side's developer, `detail` only to our log and trace, never to the wire.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

Header = tuple[str, str]

MAX_DESCRIPTION = 400

_NEAREST = {ord('"'): "'", ord("\\"): "/", ord("\t"): " ", ord("\r"): " ", ord("\n"): " "}


def sanitise_description(text: str) -> str:
    """Return `text` in the characters of error_description, 400 of them at most (RFC 6749 §A.8).

    Allowed are %x20-21 / %x23-5B / %x5D-7E. Quotes and backslashes become their nearest allowed
    character, anything else a question mark, so a description may quote input safely.
    """
    near = text[: MAX_DESCRIPTION * 2].translate(_NEAREST)
    return "".join(c if " " <= c <= "~" else "?" for c in near)[:MAX_DESCRIPTION]


class ProtocolError(Exception):
    """An error with a code of the IANA "OAuth Extensions Error" registry (RFC 6749 §11.4)."""

    error: ClassVar[str] = "server_error"
    status: ClassVar[int] = 400

    def __init__(
        self, description: str = "", *, detail: str = "", headers: Sequence[Header] = ()
    ) -> None:
        """`description`: for the client's developer, sanitised here. `detail`: for our log only."""
        self.description = sanitise_description(description)
        self.detail = detail
        self.headers: tuple[Header, ...] = tuple(headers)
        super().__init__(self.error, self.description, detail)

    def __str__(self) -> str:
        """Return code, description and detail, for the log."""
        parts = (self.error, self.description, self.detail)
        return ": ".join(part for part in parts if part)

    def as_dict(self) -> dict[str, str]:
        """Return the members `error` and, if there is one, `error_description` (RFC 6749 §5.2)."""
        if not self.description:
            return {"error": self.error}
        return {"error": self.error, "error_description": self.description}


class InvalidRequest(ProtocolError):
    """A parameter is missing, repeated, malformed or in the wrong place (RFC 6749 §5.2)."""

    error = "invalid_request"


class PayloadTooLarge(InvalidRequest):
    """The body is larger than we read (RFC 9110 §15.5.14)."""

    status = 413


class UnsupportedMediaType(InvalidRequest):
    """The body has not the content type of this endpoint (RFC 9110 §15.5.16)."""

    status = 415


class MethodNotAllowed(InvalidRequest):
    """The endpoint does not take this method; `allow` names those it takes (RFC 9110 §15.5.6)."""

    status = 405

    def __init__(
        self,
        description: str = "",
        *,
        allow: Sequence[str] = (),
        detail: str = "",
        headers: Sequence[Header] = (),
    ) -> None:
        """`allow`: the methods for the Allow header, which a 405 must carry."""
        allowed = (("Allow", ", ".join(allow)),) if allow else ()
        text = description or ("use " + " or ".join(allow) if allow else "")
        super().__init__(text, detail=detail, headers=(*headers, *allowed))


class InvalidClient(ProtocolError):
    """Client authentication failed (RFC 6749 §5.2)."""

    error = "invalid_client"
    status = 401


class InvalidGrant(ProtocolError):
    """The code or refresh token is invalid, expired, revoked, another client's (RFC 6749 §5.2)."""

    error = "invalid_grant"


class UnauthorizedClient(ProtocolError):
    """The client is not registered for this grant or response type (RFC 6749 §4.1.2.1, §5.2)."""

    error = "unauthorized_client"


class UnsupportedGrantType(ProtocolError):
    """The server does not know this grant type (RFC 6749 §5.2)."""

    error = "unsupported_grant_type"


class UnsupportedResponseType(ProtocolError):
    """The server does not know this response type (RFC 6749 §4.1.2.1)."""

    error = "unsupported_response_type"


class InvalidScope(ProtocolError):
    """A scope is malformed, unknown or more than was granted (RFC 6749 §4.1.2.1, §5.2)."""

    error = "invalid_scope"


class InvalidTarget(ProtocolError):
    """A requested resource is malformed, unknown or not allowed (RFC 8707 §2)."""

    error = "invalid_target"


class AccessDenied(ProtocolError):
    """The person or the server said no (RFC 6749 §4.1.2.1)."""

    error = "access_denied"


class LoginRequired(ProtocolError):
    """prompt=none, but somebody has to sign in (OIDC Core §3.1.2.6)."""

    error = "login_required"


class ConsentRequired(ProtocolError):
    """prompt=none, but consent has to be asked for (OIDC Core §3.1.2.6)."""

    error = "consent_required"


class InteractionRequired(ProtocolError):
    """prompt=none, but another page has to be shown (OIDC Core §3.1.2.6)."""

    error = "interaction_required"


class AccountSelectionRequired(ProtocolError):
    """prompt=none, but an account has to be chosen (OIDC Core §3.1.2.6)."""

    error = "account_selection_required"


class InvalidRequestObject(ProtocolError):
    """The request parameter holds no valid request object (OIDC Core §3.1.2.6, RFC 9101 §7)."""

    error = "invalid_request_object"


class InvalidRequestUri(ProtocolError):
    """The request_uri leads to no valid request (OIDC Core §3.1.2.6, RFC 9101 §7)."""

    error = "invalid_request_uri"


class RequestNotSupported(ProtocolError):
    """The request parameter is not supported (OIDC Core §3.1.2.6)."""

    error = "request_not_supported"


class RequestUriNotSupported(ProtocolError):
    """The request_uri parameter is not supported (OIDC Core §3.1.2.6)."""

    error = "request_uri_not_supported"


class RegistrationNotSupported(ProtocolError):
    """The registration parameter is not supported (OIDC Core §3.1.2.6)."""

    error = "registration_not_supported"


class UnmetAuthenticationRequirements(ProtocolError):
    """An essential acr cannot be met (OIDC Unmet Authentication Requirements §2)."""

    error = "unmet_authentication_requirements"


class InvalidToken(ProtocolError):
    """The access token is missing its validity: expired, revoked, malformed (RFC 6750 §3.1)."""

    error = "invalid_token"
    status = 401


class InsufficientScope(ProtocolError):
    """The access token does not carry the scope this resource needs (RFC 6750 §3.1)."""

    error = "insufficient_scope"
    status = 403


class InvalidRedirectUri(ProtocolError):
    """A redirect URI cannot be registered (RFC 7591 §3.2.2)."""

    error = "invalid_redirect_uri"


class InvalidClientMetadata(ProtocolError):
    """A member of the client metadata is invalid or contradicts another (RFC 7591 §3.2.2)."""

    error = "invalid_client_metadata"


class InvalidSoftwareStatement(ProtocolError):
    """The software statement cannot be accepted (RFC 7591 §3.2.2)."""

    error = "invalid_software_statement"


class UnapprovedSoftwareStatement(ProtocolError):
    """The software statement is not one for this server (RFC 7591 §3.2.2)."""

    error = "unapproved_software_statement"


class ServerError(ProtocolError):
    """Something of ours failed (RFC 6749 §4.1.2.1)."""

    error = "server_error"
    status = 500


class TemporarilyUnavailable(ProtocolError):
    """We are overloaded or in maintenance (RFC 6749 §4.1.2.1)."""

    error = "temporarily_unavailable"
    status = 503


def bearer_challenge(*, realm: str, error: ProtocolError | None = None, scope: str = "") -> str:
    """Return the value of a WWW-Authenticate header for the Bearer scheme (RFC 6750 §3).

    `error`: left out where the request carried no token at all, as §3.1 says.
    `scope`: the space-separated scopes that the resource needs.
    """
    parts = [("realm", realm)]
    if error is not None:
        parts += error.as_dict().items()
    if scope:
        parts.append(("scope", scope))
    return "Bearer " + ", ".join(f'{name}="{sanitise_description(v)}"' for name, v in parts)
