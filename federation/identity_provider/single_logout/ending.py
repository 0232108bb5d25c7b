"""The sessions that a LogoutRequest means end: with all that was issued, and everybody told."""

from __future__ import annotations

from federation.identity_provider.single_logout.matching import Match
from idp.accounts import session as sessions
from idp.accounts.logout_channels.outbox import Asked
from idp.protocol.message import Request

REASON = "signed out by application"


def end(match: Match, asked: Asked, request: Request) -> None:
    """End what still lives (SAML Profiles §4.4.3.4: before anybody is answered)."""
    for session in match.live:
        sessions.end(session, reason=REASON, now=request.now, request=request, asked=asked)
