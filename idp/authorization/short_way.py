"""The short way: whoever is signed in, has agreed and may use the application is answered at once.

One read, and in the steady state no write: that the session and the application's part in it are in
use is noted at most once a minute, and so is the sign-in for administrators.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from idp import audit
from idp.accounts import requirement as requirements
from idp.accounts import session as sessions
from idp.authorization import consent, issuing
from idp.authorization.request import AuthorizationRequest
from idp.authorization.standing_session import StandingSession
from idp.protocol import authentication_context
from idp.protocol.errors import AccessDenied, ConsentRequired, LoginRequired
from idp.protocol.message import Request

NOTED_EVERY = timedelta(minutes=1)


def attempt(
    request: AuthorizationRequest, session: StandingSession | None, *, origin: Request
) -> dict[str, str] | None:
    """Return the members of the response, or None where the person must be asked something.

    `origin`: the request as received, with the one instant of it all. With prompt=none nobody is
    asked: raises LoginRequired, ConsentRequired or AccessDenied instead (OIDC Core §3.1.2.6).
    """
    try:
        standing = _demand_settled(request, session, now=origin.now)
        return _issue(request, standing, origin=origin)
    except (LoginRequired, AccessDenied, ConsentRequired):
        if request.requirement.passive:
            raise
        return None


def is_proven(request: AuthorizationRequest, session: StandingSession, *, now: datetime) -> bool:
    """Whether this session is the sign-in that the request demands (OIDC Core §3.1.2.1)."""
    requirement = request.requirement
    if requirement.select_account or not requirements.is_of(requirement, session.user_id):
        return False
    return authentication_context.satisfied(
        requirement,
        authenticated_at=session.authenticated_at,
        proven_since=None,
        acr=session.acr,
        now=now,
    )


def _demand_settled(
    request: AuthorizationRequest, session: StandingSession | None, *, now: datetime
) -> StandingSession:
    """Return the session if nothing has to be asked of its person; raises what has to be."""
    if session is None or not is_proven(request, session, now=now):
        raise LoginRequired("the person has to sign in")
    if not session.allowed:
        raise AccessDenied("the person may not use this application")
    if not consent.is_settled(
        request, scope=session.consented_scopes, claims=session.consented_claims
    ):
        raise ConsentRequired("the person has to agree")
    return session


def _issue(
    request: AuthorizationRequest, session: StandingSession, *, origin: Request
) -> dict[str, str]:
    return issuing.issue(
        request,
        user_id=session.user_id,
        session_id=session.id,
        sid=_note_use(request, session, origin=origin),
        authenticated_at=session.authenticated_at,
        acr=session.acr,
        amr=session.amr,
        consented=session.consented_scopes,
        now=origin.now,
        origin=origin,
    )


def _note_use(
    request: AuthorizationRequest, session: StandingSession, *, origin: Request
) -> uuid.UUID:
    """Note that session and application are in use; returns the application's `sid`."""
    now = origin.now
    if now - session.seen_at >= NOTED_EVERY:
        sessions.touch(session.row(), now=now)
    is_fresh = session.used_at is not None and now - session.used_at < NOTED_EVERY
    if session.sid is not None and is_fresh:
        return session.sid
    application = request.client.application
    try:
        sid = sessions.participate(session.row(), application, now).id
    except sessions.SessionEnded:
        raise LoginRequired("the session has just ended") from None
    audit.trace(
        protocol="oidc",
        result="success",
        request=origin,
        application=application,
        user_id=session.user_id,
        user_name=session.user_name,
        reason="signed in already",
        later=True,
    )
    return sid
