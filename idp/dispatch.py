"""The WSGI application: protocol paths take the short way, everything else goes to Django.

An exact path is looked up among the features' routes and answered by its typed function, without
Django's handler and middleware. What those would have done is here and in `endpoints.wrapper`:
known host, bounded body, client address, request identifier, live database connections.
"""

from __future__ import annotations

import io
import os
import threading
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import lru_cache
from http import HTTPStatus
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "idp.settings")

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http.request import split_domain_port, validate_host

from idp import client_address, features
from idp.randomness import random_bytes

Environ = dict[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], Any]

django_application = get_wsgi_application()

from idp.endpoints import wrapper  # noqa: E402 (the applications have to be loaded first)
from idp.models import statement  # noqa: E402 (the applications have to be loaded first)
from idp.protocol.message import Request, Response  # noqa: E402 (the applications have to be loaded first)

IDLE_SECONDS = 1.0
PROBES = ("/livez", "/readyz", "/metrics")
BODILESS = ("GET", "HEAD", "OPTIONS")
SERVER_VARIABLES = frozenset(
    {
        "REQUEST_METHOD",
        "SCRIPT_NAME",
        "PATH_INFO",
        "QUERY_STRING",
        "CONTENT_TYPE",
        "CONTENT_LENGTH",
        "SERVER_NAME",
        "SERVER_PORT",
        "SERVER_PROTOCOL",
        "REMOTE_ADDR",
        "REMOTE_PORT",
    }
)
STATUS_LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}
_used = threading.local()


def application(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Answer one request (PEP 3333)."""
    handler = features.routes().get(environ["PATH_INFO"])
    if handler is None:
        return _through_django(environ, start_response)
    if not is_known_host(environ.get("HTTP_HOST", "")):
        return _plain(start_response, 400, b"Unknown host.\n")
    _check_connections()
    request = typed_request(environ)
    return _send(wrapper.answer(handler, request), request, environ, start_response)


def typed_request(environ: Environ) -> Request:
    """The typed request in a WSGI environment; a HEAD is a GET whose body is not sent."""
    method = environ["REQUEST_METHOD"]
    authorization = environ.get("HTTP_AUTHORIZATION")
    return Request(
        method="GET" if method == "HEAD" else method,
        path=environ["PATH_INFO"],
        now=datetime.now(UTC),
        query=environ.get("QUERY_STRING", ""),
        body=b"" if method in BODILESS else _body(environ),
        content_type=environ.get("CONTENT_TYPE", ""),
        authorization=(authorization,) if authorization else (),
        cookies=_cookies(environ.get("HTTP_COOKIE", "")),
        origin=environ.get("HTTP_ORIGIN"),
        client_address=client_address.of(environ),
        user_agent=environ.get("HTTP_USER_AGENT", ""),
        request_id=random_bytes(8).hex(),
        accept_language=environ.get("HTTP_ACCEPT_LANGUAGE", ""),
        if_none_match=environ.get("HTTP_IF_NONE_MATCH", ""),
    )


def _body(environ: Environ) -> bytes:
    """At most one byte more than is allowed, so that the endpoint can refuse with 413.

    A chunked body has no CONTENT_LENGTH, in HTTP/2 none needs it (RFC 9113 §8.1.1): such a body
    is read to the same bound.
    """
    length = environ.get("CONTENT_LENGTH") or ""
    most = wrapper.MAX_BODY + 1
    if length.isdecimal():
        most = min(most, int(length))
    read = environ["wsgi.input"].read
    parts: list[bytes] = []
    while most > 0 and (part := read(most)):
        parts.append(part)
        most -= len(part)
    return b"".join(parts)


def _cookies(header: str) -> dict[str, str]:
    """Cookies by name; of a repeated name the first, which is the more specific one (RFC 6265)."""
    cookies: dict[str, str] = {}
    for part in header.split(";"):
        name, separator, value = part.strip().partition("=")
        if separator:
            cookies.setdefault(name, value)
    return cookies


@lru_cache(maxsize=256)
def is_known_host(host: str) -> bool:
    """Whether a Host header names one of ours (`GATEHOUSE_ISSUER`, `GATEHOUSE_EXTRA_HOSTS`)."""
    domain, _ = split_domain_port(host)
    return bool(domain) and validate_host(domain, settings.ALLOWED_HOSTS)


def _check_connections() -> None:
    """Look after connections that failed or stood idle; Django's signals do not come by here."""
    now = time.monotonic()
    idle = now - getattr(_used, "at", 0.0) > IDLE_SECONDS
    _used.at = now
    connection = statement.connection()
    if (idle or connection.errors_occurred) and not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()


def _send(
    response: Response, request: Request, environ: Environ, start_response: StartResponse
) -> Iterable[bytes]:
    headers = response.headers
    headers.append(("X-Request-Id", request.request_id))
    if response.status not in (204, 304):
        headers.append(("Content-Length", str(len(response.body))))
    start_response(STATUS_LINES[response.status], headers)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [response.body]


def _plain(start_response: StartResponse, status: int, body: bytes) -> Iterable[bytes]:
    headers = [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", str(len(body))),
        ("X-Content-Type-Options", "nosniff"),
        ("Cache-Control", "no-store"),
    ]
    start_response(STATUS_LINES[status], headers)
    return [body]


def _through_django(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
    """Django sees the request alone: the server puts the process environment beside it."""
    path = environ["PATH_INFO"]
    if path not in PROBES and not is_known_host(environ.get("HTTP_HOST", "")):
        return _plain(start_response, 400, b"Unknown host.\n")
    if path in PROBES:
        environ["HTTP_HOST"] = settings.IDP.host
    clean = {
        key: value
        for key, value in environ.items()
        if key in SERVER_VARIABLES or key.startswith(("HTTP_", "wsgi."))
    }
    if environ["REQUEST_METHOD"] not in BODILESS and not clean.get("CONTENT_LENGTH"):
        body = _body(environ)
        if len(body) > wrapper.MAX_BODY:
            return _plain(start_response, 413, b"The body is larger than 1 MiB.\n")
        clean["CONTENT_LENGTH"] = str(len(body))
        clean["wsgi.input"] = io.BytesIO(body)
    clean["wsgi.url_scheme"] = "https" if settings.IDP.https else "http"
    return django_application(clean, start_response)  # type: ignore[arg-type]
