"""A person's recent sign-ins, those that were refused included."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponseBase

from idp.accounts.middleware import Request
from idp.accounts.views import facts
from idp.accounts.views.account import frame
from idp.models import Session, SignIn

MOST = 50


@frame.signed_in("GET")
def index(request: Request, session: Session) -> HttpResponseBase:
    """The newest first."""
    mine = SignIn.objects.filter(user_id=session.user.pk)[:MOST]
    rows = [_row(row) for row in mine]
    return frame.show(request, session, "activity", page="activity", sign_ins=rows)


def _row(row: SignIn) -> dict[str, Any]:
    success = row.result == "success"
    return {
        "when": row.at,
        "success": success,
        "application": row.application_name,
        "reason": "" if success else row.reason,
        "device": facts.device(row.user_agent),
        "address": row.client_address or "",
        "reference": row.reference,
    }
