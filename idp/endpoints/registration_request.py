"""What registering and managing a registration have in common: a bearer token, a JSON document."""

from __future__ import annotations

from typing import Any

from idp.protocol import strict_json
from idp.protocol.errors import (
    InvalidClientMetadata,
    InvalidRequest,
    InvalidToken,
    UnsupportedMediaType,
    bearer_challenge,
)
from idp.protocol.message import Request

REALM = "registration"
ACTION = "registration.refused"
MAX_BYTES = 64 * 1024
SCHEME = "bearer"


def bearer_token(request: Request) -> str | None:
    """Return the Bearer token of the header, None without a header (RFC 6750 §2.1)."""
    if len(request.authorization) > 1:
        raise InvalidRequest("more than one Authorization header")
    if not request.authorization:
        return None
    scheme, _, token = request.authorization[0].strip().partition(" ")
    return token.strip() if scheme.lower() == SCHEME else ""


def unauthorized(description: str, *, error: bool = True) -> InvalidToken:
    """Return the refusal of a token with its challenge; without `error` there was none (§3.1)."""
    refused = InvalidToken(description)
    challenge = bearer_challenge(realm=REALM, error=refused if error else None)
    return InvalidToken(description, headers=[("WWW-Authenticate", challenge)])


def document(request: Request) -> dict[str, Any]:
    """Return the JSON object of a registration (RFC 7591 §3.1, RFC 7592 §2.2)."""
    if request.content_type.partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedMediaType("the body must be application/json")
    try:
        return strict_json.load_object(request.body, max_bytes=MAX_BYTES)
    except strict_json.InvalidJson as error:
        raise InvalidClientMetadata(f"the body is not a JSON object: {error}") from None
