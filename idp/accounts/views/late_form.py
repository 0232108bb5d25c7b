"""A form that came too late: its token no longer fits, so nothing is done, and it leads on.

Pages of people are shown again with a word about it, by a redirect; whatever comes from another
site gets no further than that. Elsewhere the page says what happened.
"""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template import loader

from idp.accounts import redirects, return_path

MARK = "late"
NOTICE = "That took a while, so nothing was changed. Please try once more."
LEADS_ON = ("/interaction/", "/login", "/logout", "/account")


def late_form(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's CSRF_FAILURE_VIEW."""
    path = request.path
    if path.startswith(LEADS_ON) and return_path.is_local(path):
        return redirects.see_other(f"{path}?{MARK}=1")
    facts = {
        "site_name": settings.IDP.site_name,
        "reference": getattr(request, "request_id", ""),
    }
    return HttpResponse(loader.render_to_string("403_csrf.html", facts), status=403)


def notice(request: HttpRequest, words: str = NOTICE) -> str:
    """What the page says when it is shown again because its form came too late."""
    return words if MARK in request.GET else ""
