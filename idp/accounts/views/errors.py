"""The pages for what went wrong before or outside every other page."""

from __future__ import annotations

import sys

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template import loader

from idp.accounts import context, password


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400, or 413 for a body larger than is accepted (RFC 9110 §15.5.14)."""
    status = 413 if isinstance(exception, RequestDataTooBig) else 400
    return _page(request, status)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, 403)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _page(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    """500, with the request's identifier as its reference: it stands in the log.

    503 while the database is away: nothing is broken here.
    """
    if isinstance(sys.exception(), OperationalError | InterfaceError):
        return busy(request)
    return _page(request, 500)


def busy(request: HttpRequest) -> HttpResponse:
    """503: too many passwords are being checked at once, or nothing can be done just now."""
    response = _page(request, 503)
    response.headers["Retry-After"] = str(password.RETRY_AFTER_SECONDS)
    return response


def _page(request: HttpRequest, status: int) -> HttpResponse:
    """A page without context processors: those may be what broke."""
    facts = {
        "site_name": settings.IDP.site_name,
        "help_url": context.help_url(),
        "reference": getattr(request, "request_id", ""),
    }
    return HttpResponse(loader.render_to_string(f"{status}.html", facts), status=status)
