"""What every page of an interaction begins with: is it this browser's, and can it go on?"""

from __future__ import annotations

from collections.abc import Collection

from django.http import HttpResponse
from django.shortcuts import render

from idp.accounts import cookies, interaction, redirects
from idp.accounts.interaction import Problem
from idp.accounts.middleware import Request
from idp.accounts.views import facts
from idp.models import Interaction

RETURNED = "cookie"


class Stopped(Exception):
    """The interaction cannot go on; `response` is the way on."""

    def __init__(self, response: HttpResponse) -> None:
        self.response = response
        super().__init__()


def enter(request: Request, handle: str, *, of_kinds: Collection[str]) -> Interaction:
    """The interaction of this handle in this browser; raises Stopped."""
    browser = cookies.read(request.COOKIES, "browser")
    row, problem = interaction.find(handle, browser=browser, of_kinds=of_kinds, now=facts.now())
    if row is not None and problem is None:
        return row
    if request.method == "POST":
        raise Stopped(redirects.see_other(request.path))
    if problem == Problem.NO_COOKIE and row is not None:
        raise Stopped(_without_cookie(request, row))
    if problem == Problem.FINISHED and row is not None:
        raise Stopped(finished(request, row))
    raise Stopped(_expired(request, row))


def _without_cookie(request: Request, row: Interaction) -> HttpResponse:
    """An interaction that came from another site's form gets its cookie now, and comes back once.

    Any other had one when it began: this is a browser without cookies, or not its own.
    """
    if row.browser_hash or RETURNED in request.GET:
        return cookies_off(request, row)
    response = redirects.see_other(f"{request.path}?{RETURNED}=1")
    cookies.attach(response, cookies.header("browser", cookies.new_token()))
    return response


def cookies_off(request: Request, row: Interaction | None) -> HttpResponse:
    """Why it does not go on without cookies, and where to begin again."""
    application = row.application if row is not None else None
    return render(
        request,
        "idp/cookies_off.html",
        {
            "application": facts.application(application),
            "restart_url": facts.launch_url(application) or "/",
        },
        status=400,
    )


def finished(request: Request, row: Interaction) -> HttpResponse:
    """A second tab, or the back button: it has been answered."""
    signed_in = request.idp_session is not None and not row.refused
    way_on = facts.launch_url(row.application)
    if row.application is None:
        way_on = _restart(row)
    state = {"signed_in": signed_in, "refused": bool(row.refused)}
    return _way_on(request, row, continue_url=way_on, state=state, status=200)


def _expired(request: Request, row: Interaction | None) -> HttpResponse:
    way_on = _restart(row) if row is not None else ""
    return _way_on(request, row, continue_url=way_on, state={}, status=410)


def _restart(row: Interaction) -> str:
    restart = interaction.kind_of(row).restart if row.kind in interaction.kinds() else None
    return restart(row) if restart else facts.launch_url(row.application)


def _way_on(
    request: Request,
    row: Interaction | None,
    *,
    continue_url: str,
    state: dict[str, bool],
    status: int,
) -> HttpResponse:
    known = row.application if row is not None and continue_url else None
    return render(
        request,
        "idp/expired.html",
        {
            "application": facts.application(known),
            "continue_url": continue_url or "/",
            **state,
        },
        status=status,
    )
