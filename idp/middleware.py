"""Security headers on everything that Django answers.

`settings.SECURE_CSP` has the shape of Django 6's setting, so that the next long-term release
replaces this file. Two kinds of pages differ: those that lead on to another site after a form was
sent carry no `form-action`, because Chromium applies it to the redirect that follows; and those
that open in a popup of an application carry no opener policy. A view whose page needs more sources
than all the others sets `response.csp_sources`, as in {"frame-src": [...]}.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from idp import features
from idp.endpoints.wrapper import HSTS, PERMISSIONS

LEADS_ON = ("/interaction/", "/login", "/logout", "/authorize", "/end_session", "/saml/")


class SecurityHeaders:
    """Sets what a view has not set itself."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        leads_on = request.path.startswith(LEADS_ON)
        sources = getattr(response, "csp_sources", None)
        if sources:
            policy = _serialise({**_policy(leads_on=leads_on), **sources})
            response.headers.setdefault("Content-Security-Policy", policy)
        if not features.is_framable(request.path):
            response.headers.setdefault("X-Frame-Options", "DENY")
        for name, value in _headers(leads_on=leads_on, only_https=settings.IDP.only_https):
            response.headers.setdefault(name, value)
        if not request.path.startswith(settings.STATIC_URL):
            response.headers.setdefault("Cache-Control", "no-store")
        return response


@lru_cache(maxsize=4)
def _headers(*, leads_on: bool, only_https: bool) -> tuple[tuple[str, str], ...]:
    headers = [
        ("Content-Security-Policy", _serialise(_policy(leads_on=leads_on))),
        ("Permissions-Policy", PERMISSIONS),
        ("Referrer-Policy", "same-origin"),
        ("X-Content-Type-Options", "nosniff"),
    ]
    if not leads_on:
        headers.append(("Cross-Origin-Opener-Policy", "same-origin"))
    if only_https:
        headers.append(HSTS)
    return tuple(headers)


def _policy(*, leads_on: bool) -> dict[str, list[str]]:
    policy = dict(settings.SECURE_CSP)
    if leads_on:
        del policy["form-action"]
    return policy


def _serialise(policy: Mapping[str, Sequence[str]]) -> str:
    return "; ".join(f"{name} {' '.join(sources)}" for name, sources in policy.items())
