"""Where a person is signed in, the way to sign out there, and what came of earlier sign-outs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpResponseBase

from idp.accounts import redirects
from idp.accounts import session as sessions
from idp.accounts.logout_channels import ledger
from idp.accounts.middleware import Request
from idp.accounts.views import facts
from idp.accounts.views.account import frame
from idp.models import Session
from idp.models.user import parse_subject

PATH = "/account/sessions"
REASON = "signed out from the account page"
ENDED_WITHIN = timedelta(days=30)
MOST_ENDED = 20


@frame.signed_in("GET", "POST")
def index(request: Request, session: Session) -> HttpResponseBase:
    """List the sessions, or end one, or all others."""
    if request.method == "POST":
        return _end(request, session)
    now = facts.now()
    live = sessions.live(session.user, now=now)
    rows = [_row(row, session) for row in live.prefetch_related("participants__application")]
    rows.sort(key=lambda row: not row["current"])
    return frame.show(
        request, session, "sessions", page="sessions", sessions=rows, ended=_ended(session, now=now)
    )


def _end(request: Request, session: Session) -> HttpResponseBase:
    now = facts.now()
    if "others" in request.POST:
        sessions.end_all(session.user, reason=REASON, now=now, except_for=session, request=request)
        messages.success(request, "You are signed out everywhere else.")
        return redirects.see_other(PATH)
    key = parse_subject(request.POST.get("session", ""))
    if key == session.pk:
        return redirects.see_other("/logout")
    own = Session.objects.filter(user=session.user).select_related("user")
    chosen = own.filter(pk=key).first() if key is not None else None
    if chosen is not None and sessions.end(chosen, reason=REASON, now=now, request=request):
        messages.success(request, "That device is signed out.")
    return redirects.see_other(PATH)


def _row(row: Session, current: Session) -> dict[str, Any]:
    named = sorted({taking_part.application.name for taking_part in row.participants.all()})
    return {
        "id": row.pk.hex,
        "device": facts.device(row.user_agent),
        "address": row.client_address or "",
        "started": row.created_at,
        "seen": row.seen_at,
        "current": row.pk == current.pk,
        "applications": named,
    }


def _ended(session: Session, *, now: datetime) -> list[dict[str, Any]]:
    """The last sessions that are over, and what each application was told."""
    over = Session.objects.filter(user=session.user, ended_at__gt=now - ENDED_WITHIN)
    rows = list(over.order_by("-ended_at")[:MOST_ENDED])
    entries = ledger.of(row.pk for row in rows)
    return [
        {
            "device": facts.device(row.user_agent),
            "address": row.client_address or "",
            "ended": row.ended_at,
            "reason": row.end_reason,
            "entries": entries[row.pk],
        }
        for row in rows
    ]
