"""What every protocol endpoint gets around it, on the short way and under Django alike.

Typed errors become responses, CORS and security headers are added, the request is counted.
The last resort is here: whatever escapes an endpoint is logged and answered without detail.
"""

from __future__ import annotations

import time

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError

from idp import directory, features, metrics
from idp.authorization import response as pages
from idp.protocol import errors, message
from idp.protocol.message import Request, Response

log = structlog.get_logger("gatehouse.endpoint")

MAX_BODY = 1024 * 1024
RETRY_AFTER = ("Retry-After", "10")
PAGES = (413, 500, 503)
PREFLIGHT = [
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Allow-Methods", "GET, POST"),
    ("Access-Control-Allow-Headers", "Authorization, Content-Type, Accept"),
    ("Access-Control-Max-Age", "7200"),
]
CORS = [
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Expose-Headers", "WWW-Authenticate, ETag, Retry-After"),
]
NOSNIFF = ("X-Content-Type-Options", "nosniff")
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)
FRAME_POLICY = "default-src 'none'; script-src 'self'; base-uri 'none'; frame-ancestors *"
PERMISSIONS = "camera=(), geolocation=(), microphone=(), payment=(), usb=()"
PAGE = (
    NOSNIFF,
    ("Content-Security-Policy", PAGE_POLICY),
    ("X-Frame-Options", "DENY"),
    ("Permissions-Policy", PERMISSIONS),
)
FRAMABLE_PAGE = (
    NOSNIFF,
    ("Content-Security-Policy", FRAME_POLICY),
    ("Permissions-Policy", PERMISSIONS),
)
DATA = (NOSNIFF, ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"))
HSTS = ("Strict-Transport-Security", "max-age=31536000; includeSubDomains")


def answer(handler: features.Handler, request: Request) -> Response:
    """Run one endpoint; never raises."""
    started = time.perf_counter()
    is_cors = features.is_cors(request.path)
    if is_cors and request.method == "OPTIONS":
        response = Response(204, list(PREFLIGHT))
    else:
        response = _run(handler, request)
        if is_cors:
            response.headers += CORS
    _secure(response, framable=features.is_framable(request.path))
    metrics.observe(request.path, response.status, time.perf_counter() - started)
    return response


def _run(handler: features.Handler, request: Request) -> Response:
    try:
        if len(request.body) > MAX_BODY:
            raise errors.PayloadTooLarge("the body is larger than 1 MiB")
        directory.poll()
        return handler(request)
    except errors.ProtocolError as error:
        return _failure(error, request)
    except (OperationalError, InterfaceError) as error:
        cause = type(error.__cause__ or error).__name__
        log.error("database_unavailable", path=request.path, error=cause)
        unavailable = errors.TemporarilyUnavailable("try again shortly", headers=[RETRY_AFTER])
        return _failure(unavailable, request)
    except Exception:
        log.exception("endpoint_failed", path=request.path, request_id=request.request_id)
        return _failure(errors.ServerError(f"reference {request.request_id}"), request)


def _failure(error: errors.ProtocolError, request: Request) -> Response:
    """The error as JSON; where people come with their browsers, as a page if there is one."""
    if error.status not in PAGES or not features.is_page(request.path):
        return message.error_response(error)
    values = {"reference": request.request_id}
    page = pages.page(f"{error.status}.html", values, status=error.status)
    page.headers += error.headers
    return page


def _secure(response: Response, *, framable: bool) -> None:
    headers = response.headers
    present = dict(headers)
    if present.get("Content-Type", "").startswith("text/html"):
        headers += FRAMABLE_PAGE if framable else PAGE
        if "Referrer-Policy" not in present:
            headers.append(("Referrer-Policy", "no-referrer"))
    else:
        headers += DATA
    if settings.IDP.only_https:
        headers.append(HSTS)
