"""Sign-out: asked by GET, done by POST, told to applications in the browser, shown afterwards."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from idp.accounts import cookies, interaction, logout, notice, redirects
from idp.accounts.logout import SIGNED_OUT_PATH
from idp.accounts.logout_channels import frontchannel, ledger
from idp.accounts.middleware import Request
from idp.accounts.views import entry, facts, late_form
from idp.models import Application, Session


@require_http_methods(["GET", "POST"])
def plain(request: Request) -> HttpResponseBase:
    """`/logout`: the person's own wish."""
    session = request.idp_session
    if session is None:
        return _gone(redirects.see_other(SIGNED_OUT_PATH))
    if request.method == "POST":
        return _sign_out(request, session, redirect_to="")
    return _ask(request, session, application=None)


@require_http_methods(["GET", "POST"])
def confirm(request: Request, handle: str) -> HttpResponseBase:
    """An application's wish that the person has to confirm (OIDC RP-Initiated Logout §2)."""
    try:
        row = entry.enter(request, handle, of_kinds={logout.KIND})
    except entry.Stopped as stopped:
        return stopped.response
    session = request.idp_session
    if session is not None and request.method == "GET":
        return _ask(request, session, application=row.application)
    redirect_to = str(row.request.get("redirect_to", ""))
    if not interaction.claim(row, None, now=facts.now()):
        return redirects.see_other(SIGNED_OUT_PATH)
    if session is None:
        return _gone(redirects.see_other(redirect_to or SIGNED_OUT_PATH))
    return _sign_out(request, session, redirect_to=redirect_to)


@require_http_methods(["GET"])
def applications(request: Request) -> HttpResponseBase:
    """Frames of the applications that listen in the browser (OIDC Front-Channel Logout §3)."""
    now = facts.now()
    ticket = frontchannel.read(request.GET.get("ticket", ""), now=now)
    if ticket is None:
        return redirects.see_other(SIGNED_OUT_PATH)
    frames = frontchannel.show(ticket, now=now)
    way_on = ticket.redirect_to or SIGNED_OUT_PATH
    if not frames:
        return redirects.see_other(way_on)
    context = {"frames": frames, "continue_url": way_on}
    response: Any = render(request, "idp/logout_applications.html", context)
    response.csp_sources = {"frame-src": frontchannel.sources(frames)}
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@require_http_methods(["GET"])
def done(request: Request) -> HttpResponseBase:
    """The signed-out page; it can be looked at again while applications are still being told."""
    if request.idp_session is not None:
        return redirects.see_other("/")
    left = notice.read(request, SIGNED_OUT_PATH, now=facts.now())
    entries = _entries(left.get("session", ""))
    context = {"applications": entries, "pending": ledger.is_pending(entries)}
    response = render(request, "idp/signed_out.html", context)
    if not context["pending"]:
        notice.clear(request, response)
    return response


def _entries(session_id: str) -> list[ledger.Entry]:
    """What became of the session that has just ended here."""
    if not session_id:
        return []
    key = uuid.UUID(hex=session_id)
    return ledger.of([key])[key]


def _ask(request: Request, session: Session, *, application: Application | None) -> HttpResponse:
    context = {
        "person": facts.person(session.user),
        "applications": [{"name": row.name} for row in logout.applications(session)],
        "application": facts.application(application),
        "stay_url": facts.launch_url(application) or "/",
        "action": request.path,
        "notice": late_form.notice(request),
    }
    return render(request, "idp/logout_confirm.html", context)


def _sign_out(request: Request, session: Session, *, redirect_to: str) -> HttpResponse:
    now = facts.now()
    logout.sign_out(session, now=now, request=request)
    response = redirects.see_other(logout.way_on(session, redirect_to=redirect_to, now=now))
    cookies.attach(response, *logout.cookies_after(session, redirect_to=redirect_to, now=now))
    return response


def _gone(response: HttpResponse) -> HttpResponse:
    cookies.attach(response, *logout.cookies_gone())
    return response
