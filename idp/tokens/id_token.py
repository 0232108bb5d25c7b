"""ID tokens (OIDC Core §2): what a client learns of a sign-in, and hints made of old ones."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings

from idp import keys
from idp.models import Client
from idp.protocol import jose
from idp.protocol.errors import InvalidRequest
from idp.protocol.vocabulary import ID_TOKEN_SIGNING_ALGS, JwtType
from idp.tokens import encryption


def issue(
    client: Client,
    *,
    subject: str,
    session: Mapping[str, Any],
    access_token: str,
    now: datetime,
    code: str = "",
    nonce: str = "",
    claims: Mapping[str, Any] | None = None,
) -> str:
    """Return an ID token (OIDC Core §2, §3.1.3.6), signed and, if registered, encrypted (§10.2).

    `access_token`, `code`: what it is issued together with, or empty; their hashes bind them to it
    (§3.2.2.10, §3.3.2.11). `session`: auth_time, acr, amr, sid. `claims`: what is released about
    the person; they never replace what the protocol says.
    """
    algorithm = client.id_token_signed_response_alg
    idp, issued_at = settings.IDP, int(now.timestamp())
    payload: dict[str, Any] = {
        **(claims or {}),
        "iss": idp.issuer,
        "sub": subject,
        "aud": client.client_id,
        "iat": issued_at,
        "exp": issued_at + int(idp.id_token_lifetime.total_seconds()),
        **session,
    }
    if access_token:
        payload["at_hash"] = jose.at_hash(access_token, algorithm)
    if code:
        payload["c_hash"] = jose.at_hash(code, algorithm)
    if nonce:
        payload["nonce"] = nonce
    signed = keys.signer(algorithm).sign(payload, typ=JwtType.ID_TOKEN)
    if not client.id_token_encrypted_response_alg:
        return signed
    return encryption.to_client(
        client,
        signed.encode(),
        alg=client.id_token_encrypted_response_alg,
        enc=client.id_token_encrypted_response_enc,
    )


def read_hint(token: str, *, client_id: str | None, now: datetime) -> dict[str, Any]:
    """Return the claims of an ID token of ours that a client hands back as a hint.

    OIDC Core §3.1.2.1, RP-Initiated Logout §2: it may have expired, and proves nothing about who is
    at the browser. `client_id`: whom it must have been issued to, None for any client.
    Raises InvalidRequest for anything else that we signed, an access token among it.
    """
    try:
        claims = jose.verify(
            token,
            keys.verification_keys(),
            typ=(JwtType.ID_TOKEN, ""),
            algorithms=ID_TOKEN_SIGNING_ALGS,
            issuer=settings.IDP.issuer,
            audience=client_id,
            now=now,
            allow_expired=True,
        )
    except jose.InvalidJwt as error:
        raise InvalidRequest("id_token_hint is not valid", detail=str(error)) from None
    if not isinstance(claims.get("sub"), str):
        raise InvalidRequest("id_token_hint is not valid", detail="no sub")
    return claims
