"""Encryption to a client's key, and decryption with ours (RFC 7516 §5, §7.1, RFC 7518 §4, §5).

Key management by RSA-OAEP or ECDH-ES, contents by AES-GCM or AES-CBC with HMAC. No compression, no
shared or direct keys, no passwords, no RSAES-PKCS1-v1_5. The library is imported where it is used,
for most processes never encrypt. What cannot be decrypted gives one error,
whatever the reason, so that nobody learns from the difference (RFC 7516 §11.5).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from idp.protocol import jose, jwk
from idp.protocol.jose import InvalidJwt
from idp.protocol.jwk import ClientKey

if TYPE_CHECKING:
    from joserfc import jwe
    from joserfc.jwk import ECKey, OKPKey, RSAKey

KEY_ALGORITHMS = jwk.KEY_ALGORITHMS
CONTENT_ALGORITHMS = ("A128CBC-HS256", "A128GCM", "A256GCM", "A256CBC-HS512")
DEFAULT_CONTENT_ALGORITHM = "A128CBC-HS256"

MAX_TOKEN_BYTES = 24 * 1024
MAX_HEADER_BYTES = 1024

_HEADER_MEMBERS = frozenset({"alg", "enc", "kid", "typ", "cty", "epk", "apu", "apv"})
_TAG_BYTES = {"A128CBC-HS256": 16, "A128GCM": 16, "A256GCM": 16, "A256CBC-HS512": 32}

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True, slots=True)
class DecryptionKey:
    """A private key of ours, for one kid: RSA for RSA-OAEP, P-256 for ECDH-ES."""

    kid: str
    key: PrivateKey

    def __post_init__(self) -> None:
        """Raises ValueError for a weak key or another curve (RFC 8725 §3.5)."""
        if not any(self.decrypts(algorithm) for algorithm in KEY_ALGORITHMS):
            raise ValueError("the key is no RSA key of 2048 bits and no P-256 key")

    def decrypts(self, algorithm: str) -> bool:
        """Tell whether the key is of the kind for the key management `algorithm`."""
        if isinstance(self.key, rsa.RSAPrivateKey):
            return algorithm.startswith("RSA-OAEP") and self.key.key_size >= jose.RSA_BITS
        return algorithm.startswith("ECDH-ES") and isinstance(self.key.curve, ec.SECP256R1)

    def public_jwk(self) -> dict[str, str]:
        """Return the public half as our key set shows it (RFC 7517 §4)."""
        return {**jose.key_members(self.key.public_key()), "use": "enc", "kid": self.kid}


def encrypt(payload: bytes, *, key: ClientKey, alg: str, enc: str, cty: str = "JWT") -> str:
    """Return `payload` as a compact JWE for the client that holds `key` (RFC 7516 §5.1).

    `cty`: "JWT" for a signed token inside (RFC 7519 §5.2), "" for bare claims. Raises ValueError
    where key and algorithms do not go together, which registration has made sure of.
    """
    if enc not in CONTENT_ALGORITHMS or not key.encrypts(alg):
        raise ValueError(f"no encryption by {alg!r} and {enc!r} with this key")
    from joserfc import jwe

    header = {"alg": alg, "enc": enc, "cty": cty, "kid": key.kid}
    header = {name: value for name, value in header.items() if value}
    return jwe.encrypt_compact(header, payload, _library_key(key.key), registry=_registry(alg, enc))


def decrypt(token: str, keys: Mapping[str, DecryptionKey]) -> bytes:
    """Return the plaintext of a compact JWE (RFC 7516 §5.2). Raises InvalidJwt.

    `keys`: ours, by kid; without a kid in the header the only one of its kind is taken.
    """
    from joserfc import jwe
    from joserfc.errors import JoseError

    header = _read(token)
    key = _key_for(header, keys)
    try:
        found = jwe.decrypt_compact(
            token, _library_key(key.key), registry=_registry(header["alg"], header["enc"])
        )
    except (JoseError, ValueError):
        raise InvalidJwt("does not decrypt") from None
    return cast("bytes", found.plaintext)


def _read(token: str) -> dict[str, Any]:
    """Return the header, after everything that can be checked without a key (RFC 7516 §5.2)."""
    if len(token) > MAX_TOKEN_BYTES or not token.isascii():
        raise InvalidJwt("too long or not ASCII")
    segments = token.split(".")
    if len(segments) != 5 or len(segments[0]) > MAX_HEADER_BYTES:
        raise InvalidJwt("not five segments, or a header that is too long")
    header = jose.json_object(jose.decode(segments[0]))
    if unknown := header.keys() - _HEADER_MEMBERS:
        raise InvalidJwt(f"header member {min(unknown)[:40]!r} not accepted")
    if not all(isinstance(value, str) for name, value in header.items() if name != "epk"):
        raise InvalidJwt("a header member is not a string")
    if header.get("alg") not in KEY_ALGORITHMS or header.get("enc") not in CONTENT_ALGORITHMS:
        raise InvalidJwt("alg or enc not accepted")
    for name in ("apu", "apv"):
        jose.decode(header.get(name, ""))
    parts = [jose.decode(segment) for segment in segments[1:]]
    if len(parts[-1]) != _TAG_BYTES[header["enc"]]:
        raise InvalidJwt("does not decrypt")
    return header


def _key_for(header: Mapping[str, Any], keys: Mapping[str, DecryptionKey]) -> DecryptionKey:
    """Return the key that the header names (RFC 7516 §4.1.6), on the curve of its epk."""
    fitting = [key for key in keys.values() if key.decrypts(header["alg"])]
    if "kid" in header:
        fitting = [key for key in fitting if key.kid == header["kid"]]
    if len(fitting) != 1:
        raise InvalidJwt("no key, or without kid no single key, fits")
    if isinstance(fitting[0].key, ec.EllipticCurvePrivateKey):
        _check_ephemeral_key(header.get("epk"))
    return fitting[0]


def _check_ephemeral_key(epk: object) -> None:
    """Refuse a point that is not on P-256, which could ask for bits of our key (RFC 7518 §4.6.1).

    An attacker may choose it freely (RFC 8725 §2.5, §3.4).
    """
    try:
        point = jwk.public_key(epk if isinstance(epk, dict) else {})
    except jwk.InvalidKeySet:
        point = None
    if not isinstance(point, ec.EllipticCurvePublicKey) or point.curve.name != "secp256r1":
        raise InvalidJwt("epk is no public key on our key's curve")


def _registry(alg: str, enc: str) -> jwe.JWERegistry:
    from joserfc import jwe

    return jwe.JWERegistry(algorithms=[alg, enc])


def _library_key(key: jwk.PublicKey | PrivateKey) -> RSAKey | ECKey | OKPKey:
    from joserfc.jwk import ECKey, OKPKey, RSAKey

    if isinstance(key, rsa.RSAPublicKey | rsa.RSAPrivateKey):
        return RSAKey.import_key(key)
    if isinstance(key, ec.EllipticCurvePublicKey | ec.EllipticCurvePrivateKey):
        return ECKey.import_key(key)
    return OKPKey.import_key(key)
