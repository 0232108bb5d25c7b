"""The sessions that a LogoutRequest means end: with all that was issued, and everybody told."""

from __future__ import annotations

from federation.identity_provider.service_providers import KnownServiceProvider
from federation.identity_provider.single_logout import matching
from federation.identity_provider.single_logout.matching import Match
from federation.saml.logout import LogoutRequest
from idp.accounts import session as sessions
from idp.accounts.logout_channels.outbox import Asked
from idp.protocol.message import Request

REASON = "signed out by application"


def end(
    known: KnownServiceProvider, wanted: LogoutRequest, asked: Asked, request: Request
) -> Match:
    """End what still lives (SAML Profiles §4.4.3.4: before anybody is answered).

    Returns the sessions that were meant: all of them, or the first MOST_SESSIONS.
    """
    first = match = matching.find(known, wanted)
    while match.live:
        for session in match.live:
            sessions.end(session, reason=REASON, now=request.now, request=request, asked=asked)
        if match.is_whole:
            break
        match = matching.find(known, wanted)
    return first
