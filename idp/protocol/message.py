"""The small typed request and response of every protocol endpoint (RFC 6749 §3, §5).

An adapter (WSGI short way or Django view) builds the request and sends the response; endpoints see
neither. Host and scheme are not here on purpose: the issuer comes from configuration alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

import orjson

from idp.protocol import errors

Header = tuple[str, str]

NO_STORE: tuple[Header, ...] = (("Cache-Control", "no-store"), ("Pragma", "no-cache"))

_HEADER_SAFE = re.compile(r"[!-~]+")

_JSON: tuple[Header, ...] = (("Content-Type", "application/json"), *NO_STORE)
_NO_COOKIES: Mapping[str, str] = MappingProxyType({})


class Request(NamedTuple):
    """One request, as received (RFC 9110 §6).

    `query` is the raw, undecoded query string; `authorization` holds every Authorization header, so
    that a repeated one can be refused; `now` is aware UTC and the same for the whole request.
    """

    method: str
    path: str
    now: datetime
    query: str = ""
    body: bytes = b""
    content_type: str = ""
    authorization: tuple[str, ...] = ()
    cookies: Mapping[str, str] = _NO_COOKIES
    origin: str | None = None
    client_address: str = ""
    user_agent: str = ""
    request_id: str = ""
    accept_language: str = ""
    if_none_match: str = ""


@dataclass(slots=True)
class Response:
    """One response; the adapter adds Content-Length and the headers that all responses carry."""

    status: int = 200
    headers: list[Header] = field(default_factory=list)
    body: bytes = b""


def json_response(
    payload: Mapping[str, Any], *, status: int = 200, headers: Sequence[Header] = ()
) -> Response:
    """Return a JSON response that no cache may keep (RFC 6749 §5.1)."""
    return Response(status, [*_JSON, *headers], orjson.dumps(payload))


def error_response(error: errors.ProtocolError) -> Response:
    """Return the JSON form of a protocol error, without its detail (RFC 6749 §5.2)."""
    return json_response(error.as_dict(), status=error.status, headers=error.headers)


def redirect(location: str, *, status: int = 303) -> Response:
    """Return a redirect that leaks no referrer; 303 after POST, never 307 (RFC 9700 §4.12).

    Raises ServerError for a location with characters that have no place in a header.
    """
    if _HEADER_SAFE.fullmatch(location) is None:
        raise errors.ServerError("no redirect possible", detail=f"location {location[:200]!r}")
    headers = [("Location", location), *NO_STORE, ("Referrer-Policy", "no-referrer")]
    return Response(status, headers)
