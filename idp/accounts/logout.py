"""Sign-out: of this browser, asked first unless somebody proved whose session it is.

`question()` is for the end_session endpoint when its hint does not name the live session (OIDC
RP-Initiated Logout §2, §6): the person decides, then goes on to the proven address, if there is
one. Applications are not told yet; what they hold dies with the session.
"""

from __future__ import annotations

from datetime import datetime

from idp import audit
from idp.accounts import interaction
from idp.accounts import session as sessions
from idp.accounts.interaction import BrowserRequest, Opened
from idp.models import Application, Session
from idp.protocol.authentication_context import AuthenticationRequirement

KIND = "logout"
CONFIRM_PATH = "/logout/confirm/"
SIGNED_OUT_PATH = "/logout/done"


def question(
    *,
    application: Application | None,
    redirect_to: str,
    origin: BrowserRequest,
    now: datetime,
) -> Opened:
    """Ask the person whether to sign out; 303 to the path, with the cookies.

    `application`: who asks, if known. `redirect_to`: where to go afterwards with its state, a
    registered address that has been proven, or empty.
    """
    return interaction.open(
        KIND,
        application=application,
        requirement=AuthenticationRequirement(),
        request={"redirect_to": redirect_to},
        origin=origin,
        now=now,
        path=CONFIRM_PATH,
    )


def applications(session: Session) -> list[Application]:
    """Whoever got a token or assertion in this session, last used first."""
    participants = session.participants.select_related("application").order_by("-last_at")
    found = participants.defer("application__logo")
    return [participant.application for participant in found]


def sign_out(session: Session, *, now: datetime, request: audit.Origin) -> bool:
    """End this session because its person said so."""
    return sessions.end(session, reason="signed out", now=now, request=request)
