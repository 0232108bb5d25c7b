"""JWT access tokens (RFC 9068): signed with ES256, no row; verified once, then remembered.

A token carries its grant's id in `jti` and the application's `sid`, so that it can be taken back by
either (see `revocation`). Its audience is what was asked for; UserInfo takes those that name us.
"""

from __future__ import annotations

import hashlib
import uuid
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings

from idp import directory, keys
from idp.models import Client
from idp.protocol import jose
from idp.protocol.errors import InvalidToken
from idp.protocol.vocabulary import ACCESS_TOKEN_SIGNING_ALG, JwtType
from idp.randomness import random_bytes
from idp.tokens import revocation

MOST_REMEMBERED = 4096
_NOISE_BYTES = 8


def issue(
    client: Client,
    *,
    subject: str,
    scope: Sequence[str],
    audience: Sequence[str],
    now: datetime,
    grant_id: uuid.UUID | None = None,
    person: Mapping[str, Any] | None = None,
    claims: Mapping[str, Any] | None = None,
) -> str:
    """Return a signed access token (RFC 9068 §2.2).

    `person`: auth_time, acr, sid where somebody signed in. `claims`: what mapping rows add; they
    never replace what the protocol says.
    """
    idp, issued_at = settings.IDP, int(now.timestamp())
    payload: dict[str, Any] = {
        **(claims or {}),
        "iss": idp.issuer,
        "sub": subject,
        "aud": audience[0] if len(audience) == 1 else list(audience),
        "client_id": client.client_id,
        "iat": issued_at,
        "exp": issued_at + int(idp.access_token_lifetime.total_seconds()),
        "jti": _new_jti(grant_id),
        "scope": " ".join(scope),
        **(person or {}),
    }
    return keys.signer(ACCESS_TOKEN_SIGNING_ALG).sign(payload, typ=JwtType.ACCESS_TOKEN)


def _new_jti(grant_id: uuid.UUID | None) -> str:
    if grant_id is None:
        return jose.encode(random_bytes(revocation.GRANT_BYTES + _NOISE_BYTES))
    return jose.encode(grant_id.bytes + random_bytes(_NOISE_BYTES))


def verify(token: str, *, now: datetime) -> dict[str, Any]:
    """Return the claims of a live access token of ours. Raises InvalidToken.

    Leaves the audience to the caller. The claims are shared: read them, never write to them.
    """
    claims = _verified(token, now=now)
    if claims["exp"] <= now.timestamp():
        raise InvalidToken("the access token has expired")
    client = directory.client(claims["client_id"])
    if client is None or not client.application.enabled:
        raise InvalidToken("the access token was revoked", detail="no such client, or disabled")
    if revocation.is_denied(claims):
        raise InvalidToken("the access token was revoked")
    return claims


def audience_of(claims: Mapping[str, Any]) -> tuple[str, ...]:
    """The audiences of a verified token."""
    found = claims["aud"]
    return (found,) if isinstance(found, str) else tuple(found)


def _verified(token: str, *, now: datetime) -> dict[str, Any]:
    """The claims under the signature; remembered until the keys change."""
    memory: OrderedDict[bytes, dict[str, Any]] = directory.cached("access-tokens", OrderedDict)
    digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
    claims = memory.get(digest)
    if claims is not None:
        return claims
    claims = _check(token, now=now)
    memory[digest] = claims
    while len(memory) > MOST_REMEMBERED:
        _forget_oldest(memory)
    return claims


def _forget_oldest(memory: OrderedDict[bytes, dict[str, Any]]) -> None:
    try:
        memory.popitem(last=False)
    except KeyError:
        return


def _check(token: str, *, now: datetime) -> dict[str, Any]:
    try:
        claims = jose.verify(
            token,
            keys.verification_keys(),
            typ=(JwtType.ACCESS_TOKEN,),
            algorithms=(ACCESS_TOKEN_SIGNING_ALG,),
            issuer=settings.IDP.issuer,
            audience=None,
            now=now,
        )
    except jose.InvalidJwt as error:
        raise InvalidToken("the access token is not valid", detail=str(error)) from None
    if not {"sub", "client_id", "iat", "jti", "scope"} <= claims.keys():
        raise InvalidToken("the access token is not valid", detail="a claim is missing")
    return claims
