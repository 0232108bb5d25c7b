"""The page at `/`, the address for password managers, and the logos of applications."""

from __future__ import annotations

import hashlib

from django.http import Http404, HttpResponse, HttpResponseBase, HttpResponseNotModified
from django.shortcuts import render
from django.views.decorators.http import require_safe

from idp.accounts import redirects
from idp.accounts.middleware import Request
from idp.accounts.views import facts
from idp.models import Application
from idp.models.user import parse_subject

LOGO_KINDS = ("image/png", "image/jpeg", "image/gif", "image/webp")
LOGO_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Disposition": "inline",
}
YEAR_SECONDS = 365 * 24 * 3600
HOUR_SECONDS = 3600


@require_safe
def home(request: Request) -> HttpResponseBase:
    """Who is signed in here, and the ways on."""
    session = request.idp_session
    person = facts.person(session.user) if session is not None else None
    is_admin = session is not None and session.user.is_staff
    return render(request, "idp/home.html", {"person": person, "is_admin": is_admin})


@require_safe
def change_password(request: Request) -> HttpResponseBase:
    """`/.well-known/change-password` (W3C, A Well-Known URL for Changing Passwords)."""
    return redirects.see_other("/account/password")


@require_safe
def logo(request: Request, identifier: str) -> HttpResponseBase:
    """An application's logo: an image and nothing else, kept for long under its version."""
    key = parse_subject(identifier)
    row = Application.objects.filter(pk=key).first() if key is not None else None
    if row is None or row.logo_type not in LOGO_KINDS or not row.logo:
        raise Http404
    content = bytes(row.logo)
    version = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    response: HttpResponse
    if request.META.get("HTTP_IF_NONE_MATCH") == version:
        response = HttpResponseNotModified()
    else:
        response = HttpResponse(content, content_type=row.logo_type)
    for name, value in LOGO_HEADERS.items():
        response.headers[name] = value
    response.headers["ETag"] = version
    current = row.logo_url.partition("?v=")[2]
    if current and request.GET.get("v") == current:
        response.headers["Cache-Control"] = f"public, max-age={YEAR_SECONDS}, immutable"
    else:
        response.headers["Cache-Control"] = f"public, max-age={HOUR_SECONDS}"
    return response
