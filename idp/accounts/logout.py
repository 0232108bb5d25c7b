"""Sign-out: of this browser, asked first unless somebody proved whose session it is.

`question()` is for the end_session endpoint when its hint does not name the live session (OIDC
RP-Initiated Logout §2, §6): the person decides, then goes on to the proven address, if there is
one. What applications hold dies with the session; they are told without anybody waiting for them,
and those that listen in the browser on a page in between (`logout_channels`).
"""

from __future__ import annotations

from datetime import datetime

from idp import audit
from idp.accounts import cookies, interaction, notice, session_state
from idp.accounts import session as sessions
from idp.accounts.interaction import BrowserRequest, Opened
from idp.accounts.logout_channels import frontchannel, journey
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


def has_listeners(session: Session) -> bool:
    """Whether an application in this session is to be told in the browser."""
    return frontchannel.is_wanted(session) or journey.is_wanted(session)


def way_on(session: Session, *, redirect_to: str, now: datetime) -> str:
    """Where the browser goes after the sign-out: past the applications that listen in it, if any.

    `redirect_to`: a proven address, or empty for the signed-out page.
    """
    if has_listeners(session):
        return frontchannel.address(session.pk, redirect_to=redirect_to, now=now)
    return redirect_to or SIGNED_OUT_PATH


def cookies_after(session: Session, *, redirect_to: str, now: datetime) -> list[str]:
    """The Set-Cookie values of the answer: signed out, and what the signed-out page will show."""
    left = () if redirect_to else notice.headers(SIGNED_OUT_PATH, now=now, session=session.pk.hex)
    return [*cookies_gone(), *left]


def cookies_gone() -> list[str]:
    """The Set-Cookie values for a browser in which nobody is signed in any more."""
    return [cookies.cleared("session"), session_state.changed()]
