"""Pages that go out without a Django request: the self-posting form, and what went wrong."""

from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings
from django.template.loader import render_to_string

from federation.saml.bindings import PostForm
from idp.accounts import context
from idp.models import Application
from idp.protocol.message import NO_STORE, Response

HTML = ("Content-Type", "text/html; charset=utf-8")
# Without any referrer a browser posts with `Origin: null`, which some service providers refuse.
REFERRER = ("Referrer-Policy", "origin")


def form_post(form: PostForm, *, application: Application) -> Response:
    """The page that posts a Response to the service provider (SAML Bindings §3.5.4)."""
    values = {"action": form.action, "fields": form.fields, "application": application}
    answer = page("idp/form_post.html", values)
    answer.headers.append(REFERRER)
    return answer


def page(template: str, values: Mapping[str, object], *, status: int = 200) -> Response:
    """Render one of our pages."""
    site = {"site_name": settings.IDP.site_name, "help_url": context.help_url()}
    body = render_to_string(template, {**site, **values}).encode()
    return Response(status, [HTML, *NO_STORE], body)
