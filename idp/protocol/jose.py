"""The only door to JOSE: keys, signing, verifying compact JWTs (RFC 7515, 7517, 7518, 7519, 8725).

Here is what we sign and verify ourselves; beside it `jwk` and `client_jwt` for what clients sign,
and `jwe` for encryption. Algorithms RS256, PS256, ES256 and EdDSA (Ed25519); anything else does not
exist here. Keys come from our own stores by kid; a key or a key's address inside a token is
refused, never followed. Keeps no keys and fetches nothing.
"""

from __future__ import annotations

import binascii
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA256

from idp.protocol import strict_json

ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")

MAX_TOKEN_BYTES = 16 * 1024
RSA_BITS = 2048

_HEADER_MEMBERS = frozenset({"alg", "typ", "kid"})
_ECDSA = ec.ECDSA(SHA256())
_PKCS1 = padding.PKCS1v15()
_PSS = padding.PSS(mgf=padding.MGF1(SHA256()), salt_length=32)
_SHA256 = SHA256()
_COORDINATE = 32
_REQUIRED_MEMBERS = {
    "RSA": ("e", "kty", "n"),
    "EC": ("crv", "kty", "x", "y"),
    "OKP": ("crv", "kty", "x"),
}
_TO_STANDARD = bytes.maketrans(b"-_", b"+/")
_TO_URL = bytes.maketrans(b"+/", b"-_")

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey


class InvalidJwt(Exception):
    """A token that must not be believed; the message is for our log, never for the wire."""


class Header(NamedTuple):
    """The JOSE header members we accept (RFC 7515 §4.1)."""

    alg: str
    kid: str
    typ: str


def encode(raw: bytes) -> str:
    """Return base64url without padding (RFC 7515 §2)."""
    return _base64url(raw).decode("ascii")


def _base64url(raw: bytes) -> bytes:
    return binascii.b2a_base64(raw, newline=False).rstrip(b"=").translate(_TO_URL)


def decode(segment: str) -> bytes:
    """Read base64url strictly: no padding, no other alphabet, no spare bits (RFC 7515 §2, §C).

    Raises InvalidJwt, so that one value has one spelling only.
    """
    try:
        text = segment.encode("ascii").translate(_TO_STANDARD)
        raw = binascii.a2b_base64(text + b"=" * (-len(text) % 4))
    except ValueError:
        raise InvalidJwt("not base64url") from None
    if encode(raw) != segment:
        raise InvalidJwt("not canonical base64url")
    return raw


# --- keys ---


def generate(algorithm: str) -> PrivateKey:
    """Return a new private key for `algorithm` (RFC 7518 §3.1, §4.1, RFC 8037 §3.1)."""
    match algorithm:
        case "RS256" | "PS256" | "RSA-OAEP-256":
            return rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
        case "ES256" | "ECDH-ES":
            return ec.generate_private_key(ec.SECP256R1())
        case "EdDSA":
            return ed25519.Ed25519PrivateKey.generate()
    raise ValueError(f"unknown algorithm {algorithm!r}")


def to_pem(key: PrivateKey) -> bytes:
    """Return the private key as PKCS #8 PEM, not encrypted: the caller seals it (RFC 5958 §2)."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def from_pem(pem: bytes) -> PrivateKey:
    """Read a PKCS #8 PEM private key (RFC 5958 §2). Raises ValueError for other kinds of key."""
    key = serialization.load_pem_private_key(pem, password=None)
    if isinstance(key, PrivateKey):
        return key
    raise ValueError("neither an RSA, an EC nor an Ed25519 key")


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """Return the SHA-256 JWK thumbprint, base64url (RFC 7638 §3, RFC 8037 §2)."""
    members = _REQUIRED_MEMBERS.get(jwk.get("kty", ""))
    if members is None:
        raise ValueError("unknown kty")
    canonical = orjson.dumps({name: jwk[name] for name in members})
    return encode(hashlib.sha256(canonical).digest())


def public_jwk(key: PrivateKey | PublicKey, *, algorithm: str) -> dict[str, str]:
    """Return the public JWK with kid (its thumbprint), use and alg (RFC 7517 §4)."""
    public = key.public_key() if isinstance(key, PrivateKey) else key
    _demand_fitting_key(public, algorithm)
    members = key_members(public)
    return {**members, "use": "sig", "alg": algorithm, "kid": thumbprint(members)}


def key_members(key: PublicKey) -> dict[str, str]:
    """Return the JWK members that make up a public key of ours (RFC 7518 §6, RFC 8037 §2)."""
    if isinstance(key, rsa.RSAPublicKey):
        rsa_numbers = key.public_numbers()
        return {"kty": "RSA", "n": _unsigned(rsa_numbers.n), "e": _unsigned(rsa_numbers.e)}
    if isinstance(key, ec.EllipticCurvePublicKey):
        point = key.public_numbers()
        x, y = (encode(number.to_bytes(_COORDINATE, "big")) for number in (point.x, point.y))
        return {"kty": "EC", "crv": "P-256", "x": x, "y": y}
    return {"kty": "OKP", "crv": "Ed25519", "x": encode(key.public_bytes_raw())}


def _unsigned(number: int) -> str:
    return encode(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def _demand_fitting_key(key: object, algorithm: str) -> None:
    """Refuse a key of another type than the algorithm's, or a weak one (RFC 8725 §3.1, §3.5)."""
    match algorithm:
        case "RS256" | "PS256":
            rsa_key = rsa.RSAPublicKey | rsa.RSAPrivateKey
            fits = isinstance(key, rsa_key) and key.key_size >= RSA_BITS
        case "ES256":
            ec_key = ec.EllipticCurvePublicKey | ec.EllipticCurvePrivateKey
            fits = isinstance(key, ec_key) and isinstance(key.curve, ec.SECP256R1)
        case "EdDSA":
            fits = isinstance(key, ed25519.Ed25519PublicKey | ed25519.Ed25519PrivateKey)
        case _:
            fits = False
    if not fits:
        raise ValueError(f"the key does not fit {algorithm!r}")


# --- signing ---


class Signer:
    """A private key that signs JWTs under one kid and one algorithm; kept (RFC 7515 §5.1)."""

    __slots__ = ("_headers", "_sign", "algorithm", "key", "kid")

    def __init__(self, kid: str, algorithm: str, key: PrivateKey) -> None:
        """Raises ValueError when the key is not one for `algorithm` (RFC 8725 §3.1)."""
        _demand_fitting_key(key, algorithm)
        self.kid = kid
        self.algorithm = algorithm
        self.key = key
        self._sign = _signing_function(key, algorithm)
        self._headers: dict[str, bytes] = {}

    def sign(self, claims: Mapping[str, Any], *, typ: str) -> str:
        """Return the claims as a compact JWT of type `typ` (RFC 7519 §7.1, RFC 8725 §3.11)."""
        header = self._headers.get(typ) or self._header(typ)
        signed = b"%b.%b" % (header, _base64url(orjson.dumps(claims)))
        return (b"%b.%b" % (signed, _base64url(self._sign(signed)))).decode("ascii")

    def verification_key(self) -> VerificationKey:
        """Return the public half."""
        return VerificationKey(self.kid, self.algorithm, self.key.public_key())

    def _header(self, typ: str) -> bytes:
        members = {"alg": self.algorithm, "typ": typ, "kid": self.kid}
        encoded = encode(orjson.dumps(members)).encode("ascii")
        self._headers[typ] = encoded
        return encoded


def _signing_function(key: PrivateKey, algorithm: str) -> Callable[[bytes], bytes]:
    if isinstance(key, ec.EllipticCurvePrivateKey):

        def sign_es256(data: bytes) -> bytes:
            r, s = decode_dss_signature(key.sign(data, _ECDSA))
            return r.to_bytes(_COORDINATE, "big") + s.to_bytes(_COORDINATE, "big")

        return sign_es256
    if isinstance(key, rsa.RSAPrivateKey):
        scheme = _PSS if algorithm == "PS256" else _PKCS1
        return lambda data: key.sign(data, scheme, _SHA256)
    return key.sign


# --- verifying ---


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A public key, tied to the one algorithm it may verify (RFC 8725 §3.1)."""

    kid: str
    algorithm: str
    key: PublicKey

    def __post_init__(self) -> None:
        """Raises ValueError when the key is not one for the algorithm."""
        _demand_fitting_key(self.key, self.algorithm)

    def accepts(self, signature: bytes, signed: bytes) -> bool:
        """Tell whether `signature` is this key's over `signed` (RFC 7518 §3.3, §3.4, §3.5)."""
        try:
            self._check(signature, signed)
        except InvalidSignature:
            return False
        return True

    def _check(self, signature: bytes, signed: bytes) -> None:
        if isinstance(self.key, ec.EllipticCurvePublicKey):
            if len(signature) != 2 * _COORDINATE:
                raise InvalidSignature
            r = int.from_bytes(signature[:_COORDINATE], "big")
            s = int.from_bytes(signature[_COORDINATE:], "big")
            self.key.verify(encode_dss_signature(r, s), signed, _ECDSA)
        elif isinstance(self.key, rsa.RSAPublicKey):
            scheme = _PSS if self.algorithm == "PS256" else _PKCS1
            self.key.verify(signature, signed, scheme, _SHA256)
        else:
            self.key.verify(signature, signed)


def verify(
    token: str,
    keys: Mapping[str, VerificationKey],
    *,
    typ: Sequence[str],
    algorithms: Sequence[str],
    issuer: str,
    audience: str | None,
    now: datetime,
    leeway: timedelta = timedelta(0),
    allow_expired: bool = False,
) -> dict[str, Any]:
    """Return the claims of a compact JWT after every check (RFC 7519 §7.2, RFC 8725 §3).

    `keys`: by kid, from our own store. `typ`: the accepted types; "" accepts a token without one.
    `audience`: must be among `aud`; None leaves the audience to the caller.
    `allow_expired`: for id_token_hint (OIDC Core §3.1.2.1); everything else is still checked.
    Raises InvalidJwt.
    """
    signed, header, payload, signature = _split(token)
    key = _key_for(header, keys, algorithms)
    if header.typ not in {media_type(one) for one in typ}:
        raise InvalidJwt("another typ")
    if not key.accepts(signature, signed):
        raise InvalidJwt("signature does not verify")
    claims = json_object(payload)
    _check_parties(claims, issuer=issuer, audience=audience)
    _check_times(claims, now=now, leeway=leeway, allow_expired=allow_expired)
    return claims


def _split(token: str) -> tuple[bytes, Header, bytes, bytes]:
    segments = split(token)
    header = _read_header(segments[0])
    signed = token[: len(segments[0]) + 1 + len(segments[1])].encode("ascii")
    return signed, header, decode(segments[1]), decode(segments[2])


def split(token: str) -> list[str]:
    """Return the three segments of a compact JWS, not decoded (RFC 7515 §7.1).

    Raises InvalidJwt, for one that is too long before anything is read.
    """
    if len(token) > MAX_TOKEN_BYTES or not token.isascii():
        raise InvalidJwt("too long or not ASCII")
    segments = token.split(".")
    if len(segments) != 3:
        raise InvalidJwt("not three segments")
    return segments


@lru_cache(maxsize=64)
def _read_header(segment: str) -> Header:
    """Read a JOSE header: alg, kid, typ and nothing else (RFC 7515 §4.1.11, RFC 8725 §3.10)."""
    members = json_object(decode(segment))
    if unknown := members.keys() - _HEADER_MEMBERS:
        raise InvalidJwt(f"header member {min(unknown)[:40]!r} not accepted")
    alg, kid, typ = members.get("alg"), members.get("kid"), members.get("typ", "")
    if not (isinstance(alg, str) and isinstance(kid, str) and isinstance(typ, str)):
        raise InvalidJwt("alg, kid or typ missing or not a string")
    return Header(alg, kid, media_type(typ))


def media_type(typ: str) -> str:
    """Return a typ in its short, lower-case form (RFC 7515 §4.1.9)."""
    return typ.lower().removeprefix("application/")


def _key_for(
    header: Header, keys: Mapping[str, VerificationKey], algorithms: Sequence[str]
) -> VerificationKey:
    key = keys.get(header.kid)
    if key is None:
        raise InvalidJwt("unknown kid")
    if header.alg not in algorithms or header.alg != key.algorithm:
        raise InvalidJwt("algorithm not accepted for this key")
    return key


def json_object(raw: bytes) -> dict[str, Any]:
    """Parse the JSON object of a header or payload (RFC 7519 §7.2). Raises InvalidJwt."""
    try:
        return strict_json.load_object(raw, max_bytes=MAX_TOKEN_BYTES)
    except strict_json.InvalidJson as error:
        raise InvalidJwt(f"JSON: {error}") from None


def _check_parties(claims: Mapping[str, Any], *, issuer: str, audience: str | None) -> None:
    """Check iss and aud (RFC 7519 §4.1.1, §4.1.3, RFC 8725 §3.8, §3.9)."""
    if claims.get("iss") != issuer:
        raise InvalidJwt("another issuer")
    found = claims.get("aud")
    audiences = found if isinstance(found, list) else [found]
    if not audiences or not all(isinstance(one, str) for one in audiences):
        raise InvalidJwt("aud missing or malformed")
    if audience is not None and audience not in audiences:
        raise InvalidJwt("another audience")


def _check_times(
    claims: Mapping[str, Any], *, now: datetime, leeway: timedelta, allow_expired: bool
) -> None:
    """Check exp, which must be there, nbf and iat (RFC 7519 §4.1.4-4.1.6)."""
    instant, slack = now.timestamp(), leeway.total_seconds()
    expiry = numeric_date(claims, "exp")
    if expiry is None:
        raise InvalidJwt("exp missing")
    if expiry + slack <= instant and not allow_expired:
        raise InvalidJwt("expired")
    for name in ("nbf", "iat"):
        value = numeric_date(claims, name)
        if value is not None and value - slack > instant:
            raise InvalidJwt(f"{name} lies in the future")


def numeric_date(claims: Mapping[str, Any], name: str) -> float | None:
    """Return a NumericDate in seconds, None if the claim is absent (RFC 7519 §2).

    Raises InvalidJwt for anything that is no number, null included.
    """
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        if name not in claims:
            return None
        raise InvalidJwt(f"{name} is not a number")
    return value


def at_hash(value: str, algorithm: str) -> str:
    """Return the left half of a value's hash: at_hash, c_hash (OIDC Core §3.1.3.6, §3.3.2.11).

    SHA-256 for the 256-bit algorithms, SHA-512 for EdDSA with Ed25519.
    """
    if algorithm not in ALGORITHMS:
        raise ValueError(f"unknown algorithm {algorithm!r}")
    hashed = hashlib.sha512 if algorithm == "EdDSA" else hashlib.sha256
    digest = hashed(value.encode("ascii")).digest()
    return encode(digest[: len(digest) // 2])
