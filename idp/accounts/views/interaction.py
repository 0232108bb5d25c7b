"""The dispatcher's address: every step leads back here, and from here on to the next.

It answers with a redirect to the step that is due, or with what the kind answers: once.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.http import HttpResponseBase
from django.views.decorators.http import require_http_methods

from idp.accounts import interaction, redirects, stages
from idp.accounts.middleware import Request
from idp.accounts.stages import Step
from idp.accounts.views import entry, facts
from idp.models import Interaction

PATH = "/interaction/"


def of_interaction(
    view: Callable[[Request, Interaction, str], HttpResponseBase],
) -> Callable[[Request, str], HttpResponseBase]:
    """Give a view its interaction instead of the handle, or answer in its place."""

    @wraps(view)
    def wrapped(request: Request, handle: str) -> HttpResponseBase:
        try:
            row = entry.enter(request, handle, of_kinds=interaction.kinds())
        except entry.Stopped as stopped:
            return stopped.response
        return view(request, row, handle)

    return wrapped


def back(handle: str) -> HttpResponseBase:
    """To the dispatcher."""
    return redirects.see_other(f"{PATH}{handle}")


def decide(row: Interaction, request: Request) -> stages.Decision:
    return stages.decide(row, request.idp_session, now=facts.now())


@require_http_methods(["GET"])
@of_interaction
def dispatch(request: Request, row: Interaction, handle: str) -> HttpResponseBase:
    """Lead on to the next step, or answer whoever began."""
    decision = decide(row, request)
    if decision.step not in (Step.FINISH, Step.REFUSE):
        return redirects.see_other(f"{PATH}{handle}/{decision.step}")
    session = request.idp_session if decision.step == Step.FINISH else None
    if not interaction.claim(row, session, now=facts.now()):
        return _lost(request, row, handle)
    kind = interaction.kind_of(row)
    if session is None:
        return redirects.to_django(kind.refuse(row, decision.reason, request))
    return redirects.to_django(kind.finish(row, session, request))


def _lost(request: Request, row: Interaction, handle: str) -> HttpResponseBase:
    """Somebody was faster: another tab has been answered, or the session has ended."""
    row.refresh_from_db(fields=["finished_at", "refused"])
    if row.finished_at is not None:
        return entry.finished(request, row)
    return back(handle)
