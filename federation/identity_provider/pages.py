"""Pages that go out without a Django request: the self-posting form, and what went wrong."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from html import escape

from django.conf import settings
from django.template.loader import render_to_string
from django.utils.translation import get_language

from federation.saml.bindings import PostForm
from idp import directory
from idp.accounts import context
from idp.models import Application
from idp.protocol.message import NO_STORE, Response

HTML = ("Content-Type", "text/html; charset=utf-8")
# Without any referrer a browser posts with `Origin: null`, which some service providers refuse.
REFERRER = ("Referrer-Policy", "origin")


def form_post(form: PostForm, *, application: Application) -> Response:
    """The page that posts a Response to the service provider (SAML Bindings §3.5.4).

    Rendered once for each application and kept; what differs is escaped and put between the parts.
    """
    names = tuple(name for name, _ in form.fields)
    parts = directory.cached(
        ("saml-form", application.pk, names, get_language()),
        lambda: _form_parts(names, application=application),
    )
    filled = [parts[0]]
    for value, part in zip((form.action, *(v for _, v in form.fields)), parts[1:], strict=True):
        filled += (escape(value), part)
    return Response(200, [HTML, *NO_STORE, REFERRER], "".join(filled).encode())


def _form_parts(names: tuple[str, ...], *, application: Application) -> list[str]:
    """The page around the action and the values, in the order in which they stand in it."""
    mark = f"mark{secrets.token_hex(16)}"
    fields = tuple((name, mark) for name in names)
    values = {"action": mark, "fields": fields, "application": application}
    return _render("idp/form_post.html", values).split(mark)


def page(template: str, values: Mapping[str, object], *, status: int = 200) -> Response:
    """Render one of our pages."""
    return Response(status, [HTML, *NO_STORE], _render(template, values).encode())


def _render(template: str, values: Mapping[str, object]) -> str:
    site = {"site_name": settings.IDP.site_name, "help_url": context.help_url()}
    return render_to_string(template, {**site, **values})
