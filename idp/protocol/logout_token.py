"""The claims of a logout token (OIDC Back-Channel Logout §2.4). Signs and sends nothing."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

EVENT = "http://schemas.openid.net/event/backchannel-logout"
LIFETIME = timedelta(minutes=2)


def claims(
    *, issuer: str, client_id: str, jti: str, now: datetime, subject: str = "", sid: str = ""
) -> dict[str, Any]:
    """Return the claims that tell a client of a logout, never with a nonce (§2.4).

    `subject` alone ends all sessions of that person at the client, `sid` this one; at least one of
    them is needed. `jti`: new for each token. To be signed as `vocabulary.JwtType.LOGOUT_TOKEN`.
    """
    if not (subject or sid):
        raise ValueError("a logout token needs a subject or a session")
    issued_at = int(now.timestamp())
    members: dict[str, Any] = {
        "iss": issuer,
        "aud": client_id,
        "iat": issued_at,
        "exp": issued_at + int(LIFETIME.total_seconds()),
        "jti": jti,
        "events": {EVENT: {}},
    }
    if subject:
        members["sub"] = subject
    if sid:
        members["sid"] = sid
    return members
