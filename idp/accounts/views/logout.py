"""Sign-out: asked by GET, done by POST, told to applications in the browser, shown afterwards."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from idp.accounts import cookies, interaction, logout, notice, redirects
from idp.accounts.logout import SIGNED_OUT_PATH
from idp.accounts.logout_channels import frontchannel, journey, ledger
from idp.accounts.middleware import Request
from idp.accounts.views import entry, facts, late_form
from idp.models import Application, Session

LEAVE_PATH = "/logout/applications/leave"
PAUSE = 1_500


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
    """Whoever is told in the browser: some in frames, some by going there, one after the other.

    OIDC Front-Channel Logout §3, SAML Profiles §4.4.3.
    """
    now = facts.now()
    sealed = request.GET.get("ticket", "")
    ticket = frontchannel.read(sealed, now=now)
    if ticket is None:
        return redirects.see_other(SIGNED_OUT_PATH)
    way_on = ticket.redirect_to or SIGNED_OUT_PATH
    stops = journey.stops(ticket.session_id)
    ahead = [stop for stop in stops if stop.state == "ahead"]
    # Frames are loaded once: whoever comes back from a stop has seen them.
    begun = len(ahead) < len(stops)
    frames = [] if begun else frontchannel.show(ticket, now=now)
    failed = any(stop.state not in ("ahead", "acknowledged") for stop in stops)
    if not (frames or ahead or failed):
        return redirects.see_other(way_on)
    context = {
        "frames": frames,
        "stops": stops,
        "next": ahead[0] if ahead else None,
        "continue_url": _leave_url(sealed, ahead[0]) if ahead else way_on,
        "skip_url": way_on if ahead else "",
        # What went wrong is not hurried past.
        "goes_on": bool(ahead) or not failed,
        # Whoever is never led back has to know the way.
        "pause": PAUSE if ahead and not begun else 0,
    }
    response: Any = render(request, "idp/logout_applications.html", context)
    response.csp_sources = {"frame-src": frontchannel.sources(frames)}
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _leave_url(sealed: str, stop: journey.Stop) -> str:
    return f"{LEAVE_PATH}?{urlencode({'ticket': sealed, 'to': stop.sid.hex})}"


@require_http_methods(["GET"])
def leave(request: Request) -> HttpResponseBase:
    """Go to one application that needs the whole window; it sends the browser back."""
    now = facts.now()
    sealed = request.GET.get("ticket", "")
    ticket = frontchannel.read(sealed, now=now)
    if ticket is None:
        return redirects.see_other(SIGNED_OUT_PATH)
    way_back = f"{frontchannel.PATH}?{urlencode({'ticket': sealed})}"
    answer = journey.depart(
        ticket.session_id,
        _identifier(request.GET.get("to", "")),
        way_back=way_back,
        origin=_Origin(str(request.method), request.COOKIES),
        now=now,
    )
    return redirects.to_django(answer) if answer else redirects.see_other(way_back)


class _Origin(NamedTuple):
    method: str
    cookies: Mapping[str, str]


def _identifier(value: str) -> uuid.UUID:
    """The identifier in an address; one of nothing where it is none."""
    try:
        return uuid.UUID(hex=value)
    except ValueError:
        return uuid.UUID(int=0)


@require_http_methods(["GET"])
def done(request: Request) -> HttpResponseBase:
    """The signed-out page; it can be looked at again while applications are still being told."""
    if request.idp_session is not None:
        return redirects.see_other("/")
    now = facts.now()
    left = notice.read(request, SIGNED_OUT_PATH, now=now)
    session_id = uuid.UUID(hex=left["session"]) if left.get("session") else None
    entries = ledger.of([session_id])[session_id] if session_id else []
    rest_url = _rest_url(session_id, now=now) if session_id else ""
    pending = ledger.is_pending(entries)
    context = {"applications": entries, "pending": pending, "rest_url": rest_url}
    response = render(request, "idp/signed_out.html", context)
    if not (pending or rest_url):
        notice.clear(request, response)
    return response


def _rest_url(session_id: uuid.UUID, *, now: datetime) -> str:
    """The way past applications that the person has not been led to; empty if there are none.

    Browsers skip a page that nobody has touched when one goes back: who is stuck in an application
    ends here.
    """
    if all(stop.state != "ahead" for stop in journey.stops(session_id)):
        return ""
    return frontchannel.address(session_id, redirect_to="", now=now)


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
