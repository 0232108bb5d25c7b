"""JWTs that clients sign with their registered keys (RFC 7515 §5.2, RFC 7519 §7.2, RFC 8725 §3).

Asymmetric algorithms only: no `none`, no HMAC. Only the client's own key set counts; a key or a
key's address in the header is refused. What the claims must say is the caller's to check.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from idp.protocol import jose, jwk
from idp.protocol.jose import InvalidJwt
from idp.protocol.jwk import ClientKeys

ALGORITHMS = jwk.SIGNING_ALGORITHMS

# How far a client's clock may run ahead of ours.
SKEW = timedelta(seconds=30)

# Members that would bring a key along, or change how the rest is read (RFC 7515 §4.1, RFC 7797 §3).
_REFUSED_MEMBERS = frozenset({"jwk", "jku", "x5u", "x5c", "crit", "b64", "zip", "enc"})


class UnknownKey(InvalidJwt):
    """No key of the client fits; a key set that was fetched may be out of date."""


class Header(NamedTuple):
    """The header members that count; `typ` in its short, lower-case form, "" if absent."""

    alg: str
    kid: str | None
    typ: str


class Times(NamedTuple):
    """The instants in a JWT, seconds since 1970; None where absent."""

    exp: float | None
    nbf: float | None
    iat: float | None


def verify(
    token: str, keys: ClientKeys, *, algorithms: Collection[str], types: Collection[str]
) -> dict[str, Any]:
    """Return the claims of a compact JWS after its signature (RFC 7515 §5.2).

    `algorithms`: the accepted ones, of ALGORITHMS. `types`: the accepted values of typ, in short,
    lower-case form; "" accepts a token without one.
    Raises InvalidJwt; UnknownKey where fetching the client's keys again may help.
    """
    header_segment, payload, signature = jose.split(token)
    header = _read_header(header_segment)
    if header.alg not in algorithms or header.alg not in ALGORITHMS:
        raise InvalidJwt(f"algorithm {header.alg[:20]!r} not accepted")
    if header.typ not in types:
        raise InvalidJwt(f"typ {header.typ[:40]!r} not accepted")
    candidates = keys.verification(header.kid, header.alg)
    if not candidates:
        raise UnknownKey("no key, or without kid no single key, fits")
    signed = f"{header_segment}.{payload}".encode("ascii")
    given = jose.decode(signature)
    if not any(key.accepts(given, signed, algorithm=header.alg) for key in candidates):
        raise InvalidJwt("signature does not verify")
    return jose.json_object(jose.decode(payload))


def peek(token: str) -> tuple[Header, dict[str, Any]]:
    """Return header and claims without believing either: only to find the client and its keys."""
    header_segment, payload, _ = jose.split(token)
    return _read_header(header_segment), jose.json_object(jose.decode(payload))


def check_times(claims: Mapping[str, Any], *, now: datetime) -> Times:
    """Return exp, nbf and iat; expired or not yet valid raises InvalidJwt (RFC 7519 §4.1.4-4.1.6).

    A clock up to SKEW ahead of ours is forgiven, an expiry never.
    """
    times = Times(*(jose.numeric_date(claims, name) for name in Times._fields))
    instant = now.timestamp()
    if times.exp is not None and times.exp <= instant:
        raise InvalidJwt("it has expired (exp)")
    for name, value in (("nbf", times.nbf), ("iat", times.iat)):
        if value is not None and value > instant + SKEW.total_seconds():
            raise InvalidJwt(f"its {name} lies in the future")
    return times


def _read_header(segment: str) -> Header:
    """Read alg, kid and typ; ignore what is not understood, as RFC 7515 §4 says."""
    members = jose.json_object(jose.decode(segment))
    if refused := _REFUSED_MEMBERS & members.keys():
        raise InvalidJwt(f"header member {min(refused)!r} not accepted")
    alg, kid, typ = members.get("alg"), members.get("kid"), members.get("typ", "")
    if not (isinstance(alg, str) and isinstance(kid, str | None) and isinstance(typ, str)):
        raise InvalidJwt("alg missing, or alg, kid or typ not a string")
    return Header(alg, kid or None, jose.media_type(typ))
