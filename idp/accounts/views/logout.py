"""Sign-out: asked by GET, done by POST, shown afterwards."""

from __future__ import annotations

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from idp.accounts import cookies, interaction, logout, notice, redirects
from idp.accounts.logout import SIGNED_OUT_PATH
from idp.accounts.middleware import Request
from idp.accounts.views import entry, facts, late_form
from idp.models import Application, Session

MOST_NAMED = 20


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
def done(request: Request) -> HttpResponseBase:
    """The signed-out page."""
    if request.idp_session is not None:
        return redirects.see_other("/")
    left = notice.read(request, SIGNED_OUT_PATH, now=facts.now())
    named = [{"name": name} for name in left.get("applications", ())]
    response = render(request, "idp/signed_out.html", {"applications": named})
    notice.clear(request, response)
    return response


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
    named = [row.name for row in logout.applications(session)][:MOST_NAMED]
    now = facts.now()
    logout.sign_out(session, now=now, request=request)
    response = redirects.see_other(redirect_to or SIGNED_OUT_PATH)
    if not redirect_to:
        notice.leave(response, SIGNED_OUT_PATH, now=now, applications=named)
    return _gone(response)


def _gone(response: HttpResponse) -> HttpResponse:
    cookies.attach(response, cookies.cleared("session"))
    return response
