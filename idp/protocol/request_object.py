"""Request objects: an authorization request in a JWT of the client's (OIDC Core §6, RFC 9101).

Signed always, and encrypted to us besides where a way to decrypt is given. Returns the parameters
of the request as a whole; what they mean is for the checks that every request passes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson

from idp.protocol import client_jwt
from idp.protocol.errors import InvalidRequestObject
from idp.protocol.jose import InvalidJwt
from idp.protocol.jwk import ClientKeys
from idp.protocol.parameters import MAX_PARAMETERS, Parameters

TYPE = "oauth-authz-req+jwt"
ALGORITHMS = client_jwt.ALGORITHMS
LIFETIME = timedelta(hours=1)

_TYPES = ("", "jwt", TYPE)
# Claims about the JWT itself, no parameters of the request (RFC 7519 §4.1).
_JWT_CLAIMS = frozenset({"iss", "aud", "exp", "nbf", "iat", "jti"})
_REFERENCES = frozenset({"request", "request_uri"})
_JSON = frozenset({"claims", "registration", "authorization_details"})


class UnknownKey(InvalidRequestObject):
    """No known key of the client fits: fetch its key set again, if that is possible, and retry."""


def read(
    request_object: str,
    *,
    client_id: str,
    keys: ClientKeys,
    algorithm: str | None,
    issuer: str,
    now: datetime,
    outer: Parameters,
    supplement: bool = True,
    decrypt: Callable[[str], bytes] | None = None,
) -> Parameters:
    """Return the parameters of the request that a request object makes (RFC 9101 §6, OIDC §6.1).

    `algorithm`: the registered request_object_signing_alg, None for any of ALGORITHMS.
    `outer`: the parameters beside it. They supplement those inside, which win (OIDC Core §6.1);
    with `supplement` false only what is inside counts (RFC 9101 §6.3).
    `decrypt`: returns the plaintext of a compact JWE or raises InvalidJwt; None: no encryption.
    Raises InvalidRequestObject, UnknownKey.
    """
    claims = _verified(_signed(request_object, decrypt), keys, algorithm)
    try:
        _check_parties(claims, client_id=client_id, issuer=issuer)
        _check_times(claims, now=now)
    except InvalidJwt as error:
        raise InvalidRequestObject(f"the request object: {error}") from None
    inner = Parameters(_pairs({"client_id": client_id, **claims}))
    _check_response_type(inner, outer)
    if not supplement:
        return inner
    names = claims.keys() | _REFERENCES | {"client_id"}
    beside = [(name, value) for name, value in outer.pairs() if name not in names]
    return Parameters([*inner.pairs(), *beside])


def _signed(text: str, decrypt: Callable[[str], bytes] | None) -> str:
    """Return the JWS; of a JWE the one inside, which must be signed (RFC 9101 §6.1, §6.2)."""
    if text.count(".") != 4:
        return text
    if decrypt is None:
        raise InvalidRequestObject("encrypted request objects are not supported")
    try:
        inside = decrypt(text)
    except InvalidJwt as error:
        raise InvalidRequestObject(
            "the request object cannot be decrypted", detail=str(error)
        ) from None
    if inside.count(b".") != 2 or not inside.isascii():
        raise InvalidRequestObject("an encrypted request object must hold a signed one")
    return inside.decode("ascii")


def _verified(text: str, keys: ClientKeys, algorithm: str | None) -> dict[str, Any]:
    """Return the claims after the signature of the client (RFC 9101 §6.2)."""
    algorithms = ALGORITHMS if algorithm is None else (algorithm,)
    try:
        return client_jwt.verify(text, keys, algorithms=algorithms, types=_TYPES)
    except client_jwt.UnknownKey as error:
        raise UnknownKey(
            "the request object is signed with no key of the client", detail=str(error)
        ) from None
    except InvalidJwt as error:
        raise InvalidRequestObject(
            "the request object must be a JWT, signed with a key of the client by its algorithm",
            detail=str(error),
        ) from None


def _check_parties(claims: Mapping[str, Any], *, client_id: str, issuer: str) -> None:
    """Check iss, client_id, aud and sub (RFC 9101 §4, §5, §10.8).

    Absent iss and aud are accepted: OIDC Core §6.1 has only a SHOULD for them.
    """
    for name in ("iss", "client_id"):
        if claims.get(name, client_id) != client_id:
            raise InvalidJwt(f"{name} is not the client_id")
    aud = claims.get("aud", issuer)
    if issuer not in (aud if isinstance(aud, list) else [aud]):
        raise InvalidJwt(f"aud does not name {issuer}")
    if "sub" in claims:
        # With one it could be taken for a client assertion (RFC 9101 §10.8).
        raise InvalidJwt("sub has no place in it")
    for name in sorted(_REFERENCES & claims.keys()):
        raise InvalidJwt(f"{name} has no place in it")


def _check_times(claims: Mapping[str, Any], *, now: datetime) -> None:
    """Check that it is valid now, and not for ever (RFC 7519 §4.1.4).

    FAPI 2.0 Message Signing §5.3.1 has the same hour.
    """
    times = client_jwt.check_times(claims, now=now)
    if times.exp is None:
        return
    latest = (now + client_jwt.SKEW).timestamp()
    start = next((one for one in (times.nbf, times.iat) if one is not None), latest)
    if times.exp > start + LIFETIME.total_seconds():
        raise InvalidJwt("its exp is more than an hour after nbf or iat")


def _pairs(claims: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Return names and values as in a query (RFC 9101 §4, OIDC Core §6.1)."""
    if len(claims) > MAX_PARAMETERS:
        raise InvalidRequestObject(f"the request object has more than {MAX_PARAMETERS} members")
    for name, value in claims.items():
        if name in _JWT_CLAIMS:
            continue
        for one in value if name == "resource" and isinstance(value, list) else [value]:
            text = _text(name, one)
            if "\x00" in name or "\x00" in text:
                raise InvalidRequestObject("the request object holds a NUL character")
            yield name, text


def _text(name: str, value: object) -> str:
    if isinstance(value, str):
        return value
    if name == "max_age" and isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if name in _JSON and isinstance(value, dict | list):
        return orjson.dumps(value).decode()
    raise InvalidRequestObject(f"{name[:100]} in the request object must be a string")


def _check_response_type(inner: Parameters, outer: Parameters) -> None:
    """It may come inside and outside, and is the same then (OIDC Core §6.1)."""
    inside, outside = inner.one("response_type"), outer.one("response_type")
    if inside and outside and inside != outside:
        raise InvalidRequestObject("response_type differs inside and outside the request object")
