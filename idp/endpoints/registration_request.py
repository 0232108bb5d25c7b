"""What registering and managing a registration have in common.

A bearer token, a JSON document, a limit, and what has to be read from elsewhere: one at a time in
each process, for a thread that waits for somebody else's server serves nobody, and strangers choose
the server.
"""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

from idp import registration, throttling
from idp.models import Client
from idp.protocol import strict_json
from idp.protocol.client_metadata import ClientMetadata
from idp.protocol.errors import (
    InvalidClientMetadata,
    InvalidRequest,
    InvalidToken,
    TemporarilyUnavailable,
    UnsupportedMediaType,
    bearer_challenge,
)
from idp.protocol.message import Request

REALM = "registration"
ACTION = "registration.refused"
MAX_BYTES = 64 * 1024
SCHEME = "bearer"
PER = timedelta(hours=1)
FETCHES_AT_ONCE = 1

_fetching = threading.BoundedSemaphore(FETCHES_AT_ONCE)


class TooMany(TemporarilyUnavailable):
    """More registrations or changes than are allowed in an hour (RFC 6585 §4)."""

    status = 429


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


def limit(request: Request, *about: str, most: int, what: str) -> None:
    """Count one of at most `most` in an hour. Raises TooMany, which says when to come again."""
    bucket = throttling.key(REALM, *about)
    wait = throttling.take(bucket, limit=most, per=PER, now=request.now)
    if wait is not None:
        seconds = str(int(wait.total_seconds()) + 1)
        raise TooMany(f"too many {what}; try later", headers=[("Retry-After", seconds)])


def check_sector(metadata: ClientMetadata) -> None:
    """Check the sector (OIDC Registration §5). TemporarilyUnavailable while another is read."""
    if not metadata.sector_identifier_uri:
        registration.check_sector(metadata)
        return
    if not _fetching.acquire(blocking=False):
        raise TemporarilyUnavailable(
            "another sector_identifier_uri is being read; try again", headers=[("Retry-After", "5")]
        )
    try:
        registration.check_sector(metadata)
    finally:
        _fetching.release()


def read_logo(client: Client) -> None:
    """Read a logo that has not been read; while another is, it is left to the job."""
    if registration.LOGO_PROBLEM not in client.metadata or not _fetching.acquire(blocking=False):
        return
    try:
        registration.read_logo(client)
    finally:
        _fetching.release()
