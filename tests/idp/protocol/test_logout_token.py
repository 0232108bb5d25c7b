"""The claims of a logout token."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from idp.protocol import jose, logout_token
from idp.protocol.vocabulary import JwtType

S = "OIDC Back-Channel Logout"
NOW = datetime(2026, 11, 1, 12, 0, 0, 999999, tzinfo=UTC)
COMMON = {
    "iss": "https://id.example.org",
    "aud": "client-1",
    "iat": int(NOW.timestamp()),
    "exp": int(NOW.timestamp()) + 120,
    "jti": "1",
    "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
}


def claims(**names: str) -> dict[str, object]:
    return logout_token.claims(
        issuer="https://id.example.org", client_id="client-1", jti="1", now=NOW, **names
    )


@pytest.mark.standard(S, "2.4", "iss, aud, iat, exp, jti, events, sub or sid, and no nonce")
def test_claims() -> None:
    assert claims(subject="alice", sid="s") == {**COMMON, "sub": "alice", "sid": "s"}
    assert claims(subject="alice") == {**COMMON, "sub": "alice"}
    assert claims(sid="s") == {**COMMON, "sid": "s"}


@pytest.mark.standard(S, "2.4", "a subject or a session, at least one")
def test_names_somebody() -> None:
    with pytest.raises(ValueError, match="needs a subject or a session"):
        claims()


@pytest.mark.standard(S, "2.4", "explicitly typed")
def test_type() -> None:
    key = jose.generate("ES256")
    token = jose.Signer("k", "ES256", key).sign(claims(sid="s"), typ=JwtType.LOGOUT_TOKEN)
    assert b'"typ":"logout+jwt"' in jose.decode(token.split(".")[0])
