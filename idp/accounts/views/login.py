"""The login page: name and password on one page, or the password alone to confirm who it is."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from idp.accounts import (
    attempts,
    cookies,
    interaction,
    local,
    login,
    notice,
    password,
    redirects,
    requirement,
    return_path,
)
from idp.accounts.interaction import Refusal
from idp.accounts.middleware import Request
from idp.accounts.session import NotActive
from idp.accounts.stages import Step
from idp.accounts.views import facts, late_form
from idp.accounts.views.interaction import back, decide, of_interaction
from idp.models import Interaction, User

WRONG = "That name and password do not fit together. Please check both and try again."
INCOMPLETE = "Please type your name and your password."
BUSY = "Very many people are signing in right now. Please try again in a moment."
LATE = "That took a while, please sign in again."
LONGEST_NAME = 300


@require_http_methods(["GET"])
def plain(request: Request) -> HttpResponseBase:
    """`/login?next=`: a sign-in to this service itself."""
    target = return_path.validated(request.GET.get("next"))
    session = request.idp_session
    if session is not None and local.is_fresh_enough(session, target, now=facts.now()):
        return redirects.see_other(target)
    opened = local.open_login(request, target)
    response = redirects.see_other(opened.path)
    cookies.attach(response, *opened.cookies)
    return response


@require_http_methods(["GET", "POST"])
@of_interaction
def step(request: Request, row: Interaction, handle: str) -> HttpResponseBase:
    """Show the form, or look at what was typed; leads back to the dispatcher."""
    if request.method == "GET":
        if decide(row, request).step != Step.LOGIN:
            return back(handle)
        return _show(request, row)
    if "cancel" in request.POST and row.kind != local.KIND:
        interaction.refuse(row, Refusal.CANCELLED)
        return back(handle)
    if "switch" in request.POST:
        interaction.switch(row, now=facts.now())
        return back(handle)
    return _try(request, row, handle)


def _try(request: Request, row: Interaction, handle: str) -> HttpResponseBase:
    """Look at name and password; on success back to the dispatcher, else to the form."""
    name = request.POST.get("username", "")
    secret = request.POST.get("password", "")
    person = _confirming(request, row)
    if person is not None and name and name != person.username:
        return back(handle)
    if not secret or not (name.strip() or person):
        return _again(request, name, error=INCOMPLETE)
    now = facts.now()
    try:
        user = login.prove(name, secret, row=row, confirming=person, request=request, now=now)
        response = back(handle)
        login.sign_in(user, row=row, request=request, response=response, now=now)
    except login.Refused as refusal:
        wait = attempts.in_words(refusal.wait) if refusal.wait else ""
        return _again(request, name, error="" if wait else WRONG, wait=wait)
    except NotActive:
        return _again(request, name, error=WRONG)
    except password.Busy:
        return _busy(request, row, name)
    return response


def _again(request: Request, name: str, **facts_of_refusal: str) -> HttpResponseBase:
    response = redirects.see_other(request.path)
    kept = {"username": name[:LONGEST_NAME], **facts_of_refusal}
    notice.leave(response, request.path, now=facts.now(), **kept)
    return response


def _busy(request: Request, row: Interaction, name: str) -> HttpResponseBase:
    """503, with the form ready to be sent again."""
    context = {**_context(request, row), "username": name[:LONGEST_NAME], "error": BUSY}
    response = render(request, "idp/login.html", context, status=503)
    response.headers["Retry-After"] = str(password.RETRY_AFTER_SECONDS)
    return response


def _show(request: Request, row: Interaction) -> HttpResponseBase:
    left = notice.read(request, request.path, now=facts.now())
    context = _context(request, row)
    if left.get("username"):
        context["username"] = left["username"]
    context["error"] = left.get("error", "")
    context["wait"] = left.get("wait", "")
    context["notice"] = late_form.notice(request, LATE)
    response = render(request, "idp/login.html", context)
    notice.clear(request, response)
    return response


def _context(request: Request, row: Interaction) -> dict[str, Any]:
    person = _confirming(request, row)
    wanted = requirement.load(row.requirement)
    username = wanted.login_hint[:LONGEST_NAME]
    if not username and request.idp_session is not None and wanted.select_account:
        username = request.idp_session.user.username
    return {
        "application": facts.application(row.application),
        "person": facts.person(person) if person is not None else None,
        "username": username,
        "can_cancel": row.kind != local.KIND,
        "action": request.path,
    }


def _confirming(request: Request, row: Interaction) -> User | None:
    """The signed-in person who only has to prove that it is still them.

    Nobody where no proof is due: an old form from another tab signs in whom it names.
    """
    wanted = requirement.load(row.requirement)
    session = request.idp_session
    if session is None or row.switched_at is not None or wanted.select_account:
        return None
    if not requirement.is_expected(wanted, session) or decide(row, request).step != Step.LOGIN:
        return None
    return session.user
