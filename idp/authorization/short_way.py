"""The short way: whoever is signed in, has agreed and may use the application is answered at once.

One read, and in the steady state no write: that the session and the application's part in it are in
use is noted at most once a minute.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from idp.accounts import session as sessions
from idp.authorization import consent, issuing
from idp.authorization.request import AuthorizationRequest
from idp.authorization.standing_session import StandingSession
from idp.protocol import authentication_context
from idp.protocol.errors import AccessDenied, ConsentRequired, LoginRequired

NOTED_EVERY = timedelta(minutes=1)


def attempt(
    request: AuthorizationRequest, session: StandingSession | None, *, now: datetime
) -> str | None:
    """Return the code, or None where the person must be asked something.

    With prompt=none nobody is asked: raises LoginRequired, ConsentRequired or AccessDenied instead
    (OIDC Core §3.1.2.6).
    """
    passive = request.requirement.passive
    if session is None or not is_proven(request, session, now=now):
        return _ask(LoginRequired("the person has to sign in"), passive=passive)
    if not session.allowed:
        return _ask(AccessDenied("the person may not use this application"), passive=passive)
    settled = consent.is_settled(
        request, scope=session.consented_scopes, claims=session.consented_claims
    )
    if not settled:
        return _ask(ConsentRequired("the person has to agree"), passive=passive)
    return _issue(request, session, now=now)


def is_proven(request: AuthorizationRequest, session: StandingSession, *, now: datetime) -> bool:
    """Whether this session is the sign-in that the request demands (OIDC Core §3.1.2.1)."""
    requirement = request.requirement
    if requirement.select_account or requirement.subject not in (None, session.subject):
        return False
    return authentication_context.satisfied(
        requirement,
        authenticated_at=session.authenticated_at,
        proven_since=None,
        acr=session.acr,
        now=now,
    )


def _ask(error: LoginRequired | AccessDenied | ConsentRequired, *, passive: bool) -> None:
    if passive:
        raise error


def _issue(request: AuthorizationRequest, session: StandingSession, *, now: datetime) -> str | None:
    sid = session.sid
    if sid is None or session.used_at is None or now - session.used_at >= NOTED_EVERY:
        application = request.client.application
        try:
            sid = sessions.participate(session.row(), application, now).id
        except sessions.SessionEnded:
            passive = request.requirement.passive
            return _ask(LoginRequired("the session has just ended"), passive=passive)
    if now - session.seen_at >= NOTED_EVERY:
        sessions.touch(session.row(), now=now)
    return issuing.issue(
        request,
        user_id=session.user_id,
        session_id=session.id,
        sid=sid,
        authenticated_at=session.authenticated_at,
        acr=session.acr,
        amr=session.amr,
        consented=session.consented_scopes,
        now=now,
    )
