"""The answer to the client: in query, fragment or form, always with iss (RFC 9207 §2)."""

from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings
from django.template.loader import render_to_string

from idp.accounts import context
from idp.authorization.request import ReplyTo
from idp.models import Application
from idp.protocol import response_mode
from idp.protocol.errors import ProtocolError
from idp.protocol.message import NO_STORE, Response, redirect

HTML = ("Content-Type", "text/html; charset=utf-8")


def success(reply_to: ReplyTo, members: Mapping[str, str], *, application: Application) -> Response:
    """Send what was issued (RFC 6749 §4.1.2, OIDC Core §3.2.2.5, §3.3.2.5)."""
    return _send(reply_to, members, application=application)


def failure(reply_to: ReplyTo, error: ProtocolError, *, application: Application) -> Response:
    """Send an error to the address that has been proven (RFC 6749 §4.1.2.1)."""
    return _send(reply_to, error.as_dict(), application=application)


def _send(reply_to: ReplyTo, members: Mapping[str, str], *, application: Application) -> Response:
    parameters = {**members, "state": reply_to.state, "iss": settings.IDP.issuer}
    if reply_to.mode == response_mode.FRAGMENT:
        return redirect(response_mode.fragment(reply_to.redirect_uri, parameters))
    if reply_to.mode != response_mode.FORM_POST:
        return redirect(response_mode.query(reply_to.redirect_uri, parameters))
    form = response_mode.form_post(reply_to.redirect_uri, parameters)
    return page(
        "idp/form_post.html",
        {"action": form.action, "fields": form.fields, "application": application},
    )


def page(template: str, values: Mapping[str, object], *, status: int = 200) -> Response:
    """Render one of our pages without a Django request."""
    site = {"site_name": settings.IDP.site_name, "help_url": context.help_url()}
    body = render_to_string(template, {**site, **values}).encode()
    return Response(status, [HTML, *NO_STORE], body)
