"""Client assertions of private_key_jwt (RFC 7521 §4.2, RFC 7523 §3, RFC 10070, OIDC Core §9).

A JWT by which a client says, under its own key, that it is the one who asks. Does not remember the
jti: who accepts an assertion must take each only once.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from idp.protocol import client_jwt
from idp.protocol.errors import InvalidClient
from idp.protocol.jose import InvalidJwt
from idp.protocol.jwk import ClientKeys

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TYPE = "client-authentication+jwt"
ALGORITHMS = client_jwt.ALGORITHMS
SKEW = client_jwt.SKEW

STRICT_LIFETIME = timedelta(minutes=5)
# Libraries in use default to lifetimes from one minute to one hour; each jti is kept as long.
LIFETIME = timedelta(hours=1)
MAX_JTI = 255

_UNIFORM = "client authentication failed"


class UnknownKey(InvalidClient):
    """No known key of the client fits: fetch its key set again, if that is possible, and retry."""


@dataclass(frozen=True, slots=True)
class Assertion:
    """What has to be remembered of an accepted assertion: its jti, until it expires."""

    jti: str
    exp: datetime


def claimed_client(assertion: str) -> str:
    """Return the client_id that an assertion claims, not verified (RFC 7523 §3 (2)(B)).

    Only to find the client whose keys `verify` needs. Raises InvalidClient.
    """
    try:
        _, claims = client_jwt.peek(assertion)
    except InvalidJwt as error:
        raise InvalidClient(_UNIFORM, detail=f"assertion: {error}") from None
    claimed = claims.get("sub")
    if not isinstance(claimed, str) or not claimed:
        raise InvalidClient(_UNIFORM, detail="assertion: sub is missing or no string")
    return claimed


def verify(
    assertion: str,
    *,
    client_id: str,
    keys: ClientKeys,
    algorithm: str | None,
    audiences: Collection[str],
    now: datetime,
    strict: bool = False,
    typ_required: bool = False,
) -> Assertion:
    """Verify a client assertion (RFC 7523 §3, OIDC Core §9, RFC 10070).

    `algorithm`: the registered token_endpoint_auth_signing_alg, None for any of ALGORITHMS.
    `audiences`: our names. `strict`: aud is one string, and exp within 5 minutes; else it may be a
    list of our names only, and exp within the hour. `typ_required`: typ must be TYPE.
    Raises InvalidClient, UnknownKey; only one who holds the client's key is told why.
    """
    try:
        claims = client_jwt.verify(
            assertion,
            keys,
            algorithms=ALGORITHMS if algorithm is None else (algorithm,),
            types=(TYPE,) if typ_required else ("", "jwt", TYPE),
        )
    except client_jwt.UnknownKey as error:
        raise UnknownKey(_UNIFORM, detail=f"assertion: {error}") from None
    except InvalidJwt as error:
        raise InvalidClient(_UNIFORM, detail=f"assertion: {error}") from None
    try:
        _check_parties(claims, client_id)
        _check_audience(claims.get("aud"), audiences, strict=strict)
        exp = _expiry(claims, now=now, longest=STRICT_LIFETIME if strict else LIFETIME)
        return Assertion(_jti(claims), exp)
    except InvalidJwt as error:
        raise InvalidClient(f"client assertion: {error}", detail=f"from {client_id}") from None


def _check_parties(claims: Mapping[str, Any], client_id: str) -> None:
    """Issuer and subject are the client itself (RFC 7523 §3 (1), (2)(B), OIDC Core §9)."""
    for name in ("iss", "sub"):
        if claims.get(name) != client_id:
            raise InvalidJwt(f"{name} is not the client_id")


def _check_audience(aud: object, audiences: Collection[str], *, strict: bool) -> None:
    """We, and nobody beside us, are the audience (RFC 7523 §3 (3), RFC 10070).

    A foreign name in the list would let its owner use the assertion here.
    """
    named = aud if isinstance(aud, list) and not strict else [aud]
    if not named or not all(isinstance(one, str) and one in audiences for one in named):
        raise InvalidJwt("aud must name this server alone: " + " or ".join(sorted(audiences)))


def _expiry(claims: Mapping[str, Any], *, now: datetime, longest: timedelta) -> datetime:
    """Return exp, which must be there and near (RFC 7523 §3 (4)-(6))."""
    exp = client_jwt.check_times(claims, now=now).exp
    if exp is None:
        raise InvalidJwt("exp is missing")
    if exp > (now + longest + client_jwt.SKEW).timestamp():
        raise InvalidJwt(f"its exp is more than {longest.total_seconds():.0f} seconds ahead")
    return datetime.fromtimestamp(exp, tz=UTC)


def _jti(claims: Mapping[str, Any]) -> str:
    """Return jti, which OIDC Core §9 requires (RFC 7523 §3 (7))."""
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 0 < len(jti) <= MAX_JTI or not jti.isprintable():
        raise InvalidJwt(f"jti is missing or no printable string of at most {MAX_JTI}")
    return jti
