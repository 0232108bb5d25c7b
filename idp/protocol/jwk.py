"""The public key set of a client, read strictly (RFC 7517 §4, §5, RFC 7518 §6, RFC 8037 §2).

Keys of kinds that we do not know are ignored, as §5 says; a private or a weak key spoils the set.
Certificates and addresses inside a key (x5c, x5u) are never read. Fetches and keeps nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, x25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from idp.protocol import jose, strict_json

MAX_KEYS = 20
MAX_BYTES = 64 * 1024
MAX_KID = 255
RSA_BITS = range(2048, 8193)
RSA_EXPONENTS = range(65537, 2**32)

PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})

SIGNING_ALGORITHMS = (
    *("RS256", "PS256", "ES256", "EdDSA", "Ed25519"),
    *("RS384", "RS512", "PS384", "PS512", "ES384", "ES512"),
)
KEY_ALGORITHMS = ("RSA-OAEP", "RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW")

PublicKey = (
    rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | x25519.X25519PublicKey
)

_MAX_ENCODED = 1400  # characters of an RSA modulus of 8192 bits, and a few more

_HASHES: Mapping[str, hashes.HashAlgorithm] = {
    "256": hashes.SHA256(),
    "384": hashes.SHA384(),
    "512": hashes.SHA512(),
}
_CURVES: Mapping[str, ec.EllipticCurve] = {
    "P-256": ec.SECP256R1(),
    "P-384": ec.SECP384R1(),
    "P-521": ec.SECP521R1(),
}
_CURVE_OF = {"ES256": "secp256r1", "ES384": "secp384r1", "ES512": "secp521r1"}
# Either name means an Ed25519 key here (RFC 9864 §2.2).
_EDDSA = frozenset({"EdDSA", "Ed25519"})
_ENCRYPTING = frozenset({"encrypt", "wrapKey", "deriveKey", "deriveBits"})


class InvalidKeySet(ValueError):
    """Not a set of public keys we accept; the message is one reason, for the client's developer."""


@dataclass(frozen=True, slots=True)
class ClientKey:
    """One public key and what it may be used for (RFC 7517 §4.2-4.5); "" where nothing is said."""

    key: PublicKey
    kid: str = ""
    algorithm: str = ""
    use: str = ""
    operations: frozenset[str] = frozenset()

    def verifies(self, algorithm: str) -> bool:
        """Tell whether signatures of `algorithm` are checked with this key (RFC 8725 §3.1)."""
        meant = self.use in ("", "sig") and (not self.operations or "verify" in self.operations)
        return meant and self._is_for(algorithm) and _fits_signature(self.key, algorithm)

    def encrypts(self, algorithm: str) -> bool:
        """Tell whether this key encrypts by the key management `algorithm` (RFC 7518 §4.1)."""
        meant = self.use in ("", "enc") and (not self.operations or self.operations & _ENCRYPTING)
        return bool(meant) and self._is_for(algorithm) and _fits_encryption(self.key, algorithm)

    def accepts(self, signature: bytes, signed: bytes, *, algorithm: str) -> bool:
        """Tell whether `signature` is this key's over `signed` (RFC 7518 §3, RFC 8037 §3.1)."""
        if not self.verifies(algorithm):
            return False
        try:
            _check(self.key, signature, signed, algorithm)
        except InvalidSignature:
            return False
        return True

    def _is_for(self, algorithm: str) -> bool:
        return self.algorithm in ("", algorithm) or {self.algorithm, algorithm} <= _EDDSA


@dataclass(frozen=True, slots=True)
class ClientKeys:
    """The keys of a client that we can use, in the order of the document."""

    keys: tuple[ClientKey, ...] = ()

    def has_kid(self, kid: str) -> bool:
        """Tell whether a key is called `kid`; if not, a fetched set may be out of date."""
        return any(key.kid == kid for key in self.keys)

    def verification(self, kid: str | None, algorithm: str) -> tuple[ClientKey, ...]:
        """Return the keys that may have signed: those called `kid` that fit `algorithm`.

        Without `kid` the only key that fits; if several do, none, for OIDC Core §10.1 demands a
        kid then.
        """
        fitting = tuple(key for key in self.keys if key.verifies(algorithm))
        if kid is not None:
            return tuple(key for key in fitting if key.kid == kid)
        return fitting if len(fitting) == 1 else ()

    def encryption(self, algorithm: str) -> ClientKey | None:
        """Return the key to encrypt to: one meant for it, else one that may be (OIDC Core §10.2).

        Of several equally fit ones the first.
        """
        fitting = [key for key in self.keys if key.encrypts(algorithm)]
        return max(fitting, key=lambda key: (key.use == "enc", key.algorithm != ""), default=None)


def load_set(raw: bytes, *, max_keys: int = MAX_KEYS) -> ClientKeys:
    """Parse a fetched JWK set document (RFC 7517 §5). Raises InvalidKeySet."""
    try:
        document = strict_json.load_object(raw, max_bytes=MAX_BYTES)
    except strict_json.InvalidJson as error:
        raise InvalidKeySet(f"is not a JSON object: {error}") from None
    return parse_set(document, max_keys=max_keys)


def parse_set(document: Mapping[str, Any], *, max_keys: int = MAX_KEYS) -> ClientKeys:
    """Return the public keys of a JWK set (RFC 7517 §5). Raises InvalidKeySet.

    Keys of unknown kty, crv, alg or use are ignored, and so are members that we do not know.
    """
    members = document.get("keys")
    if not isinstance(members, list):
        raise InvalidKeySet("has no list of keys")
    if len(members) > max_keys:
        raise InvalidKeySet(f"has more than {max_keys} keys")
    keys = [_read(member) for member in members]
    named = [kid for kid, _ in keys if kid]
    if len(named) != len(set(named)):
        raise InvalidKeySet("has two keys of the same kid")
    return ClientKeys(tuple(key for _, key in keys if key is not None))


def _read(jwk: object) -> tuple[str, ClientKey | None]:
    """Return the kid and the key, None in place of one to ignore (RFC 7517 §4)."""
    if not isinstance(jwk, dict):
        raise InvalidKeySet("holds something that is no JWK")
    kid, algorithm, use = (_text(jwk, name) for name in ("kid", "alg", "use"))
    kty = _text(jwk, "kty")
    if not kty:
        raise InvalidKeySet("has a key without kty")
    if kty == "oct" or PRIVATE_MEMBERS & jwk.keys():
        raise InvalidKeySet("holds a private key; send public keys only")
    operations = jwk.get("key_ops", [])
    if not isinstance(operations, list) or not all(isinstance(one, str) for one in operations):
        raise InvalidKeySet("has key_ops that are no list of strings")
    key = public_key(jwk)
    if key is None:
        return kid, None
    return kid, ClientKey(key, kid, algorithm, use, frozenset(operations))


def _text(jwk: Mapping[str, Any], name: str) -> str:
    value = jwk.get(name, "")
    if not isinstance(value, str) or len(value) > MAX_KID or not value.isprintable():
        raise InvalidKeySet(f"has a {name} that is no printable string of at most {MAX_KID}")
    return value


def public_key(jwk: Mapping[str, Any]) -> PublicKey | None:
    """Return the public key in a JWK, None for a kind that we do not know (RFC 7518 §6).

    Raises InvalidKeySet for a weak one, or one whose numbers are no key. Reads no other member.
    """
    try:
        match jwk.get("kty"), jwk.get("crv"):
            case "RSA", _:
                return _rsa_key(jwk)
            case "EC", "P-256" | "P-384" | "P-521":
                return _ec_key(jwk)
            case "OKP", "Ed25519":
                return ed25519.Ed25519PublicKey.from_public_bytes(_octets(jwk, "x", size=32))
            case "OKP", "X25519":
                return _x25519_key(jwk)
    except InvalidKeySet:
        raise
    except ValueError:
        raise InvalidKeySet("has a key whose numbers are no key of its kind") from None
    return None


def _rsa_key(jwk: Mapping[str, Any]) -> rsa.RSAPublicKey:
    """Return an RSA key of 2048 to 8192 bits with a sound exponent (RFC 7518 §3.3, §6.3.1)."""
    n, e = (_number(jwk, name) for name in ("n", "e"))
    if n.bit_length() not in RSA_BITS:
        raise InvalidKeySet(f"has an RSA key of {n.bit_length()} bits; 2048 to 8192 are accepted")
    if e not in RSA_EXPONENTS or e % 2 == 0:
        raise InvalidKeySet("has an RSA key with an even, small or huge exponent; use 65537")
    if n % 2 == 0:
        raise InvalidKeySet("has an RSA key with an even modulus")
    return rsa.RSAPublicNumbers(e, n).public_key()


def _number(jwk: Mapping[str, Any], name: str) -> int:
    """Read a Base64urlUInt: big-endian, without leading zeros (RFC 7518 §2)."""
    raw = _octets(jwk, name)
    if not raw or raw[0] == 0:
        raise InvalidKeySet(f"has a key whose {name} is empty or begins with a zero octet")
    return int.from_bytes(raw, "big")


def _ec_key(jwk: Mapping[str, Any]) -> ec.EllipticCurvePublicKey:
    """Return a point that lies on its curve, its coordinates in full length (RFC 7518 §6.2.1)."""
    curve = _CURVES[jwk["crv"]]
    size = (curve.key_size + 7) // 8
    x, y = (int.from_bytes(_octets(jwk, name, size=size), "big") for name in ("x", "y"))
    return ec.EllipticCurvePublicNumbers(x, y, curve).public_key()


def _x25519_key(jwk: Mapping[str, Any]) -> x25519.X25519PublicKey:
    """Return a point of no small order, with which nothing would be secret (RFC 7748 §6.1)."""
    key = x25519.X25519PublicKey.from_public_bytes(_octets(jwk, "x", size=32))
    x25519.X25519PrivateKey.generate().exchange(key)
    return key


def _octets(jwk: Mapping[str, Any], name: str, *, size: int | None = None) -> bytes:
    value = jwk.get(name)
    if not isinstance(value, str) or len(value) > _MAX_ENCODED:
        raise InvalidKeySet(f"has a key whose {name} is missing, too long or no string")
    try:
        raw = jose.decode(value)
    except jose.InvalidJwt:
        raise InvalidKeySet(f"has a key whose {name} is not base64url") from None
    if size is not None and len(raw) != size:
        raise InvalidKeySet(f"has a key whose {name} is not {size} octets long")
    return raw


# --- signatures and algorithms ---


def _fits_signature(key: PublicKey, algorithm: str) -> bool:
    if algorithm not in SIGNING_ALGORITHMS:
        return False
    if isinstance(key, rsa.RSAPublicKey):
        return algorithm[:2] in ("RS", "PS")
    if isinstance(key, ec.EllipticCurvePublicKey):
        return _CURVE_OF.get(algorithm) == key.curve.name
    return isinstance(key, ed25519.Ed25519PublicKey) and algorithm in _EDDSA


def _fits_encryption(key: PublicKey, algorithm: str) -> bool:
    if algorithm not in KEY_ALGORITHMS:
        return False
    if isinstance(key, rsa.RSAPublicKey):
        return algorithm.startswith("RSA-OAEP")
    agreement = isinstance(key, ec.EllipticCurvePublicKey | x25519.X25519PublicKey)
    return agreement and algorithm.startswith("ECDH-ES")


def _check(key: PublicKey, signature: bytes, signed: bytes, algorithm: str) -> None:
    if isinstance(key, ed25519.Ed25519PublicKey):
        key.verify(signature, signed)
        return
    digest = _HASHES[algorithm[2:]]
    if isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(_der(signature, (key.key_size + 7) // 8), signed, ec.ECDSA(digest))
    elif isinstance(key, rsa.RSAPublicKey) and algorithm.startswith("PS"):
        scheme = padding.PSS(mgf=padding.MGF1(digest), salt_length=digest.digest_size)
        key.verify(signature, signed, scheme, digest)
    elif isinstance(key, rsa.RSAPublicKey):
        key.verify(signature, signed, padding.PKCS1v15(), digest)
    else:
        raise InvalidSignature


def _der(signature: bytes, size: int) -> bytes:
    """Return a raw ECDSA signature in DER (RFC 7518 §3.4)."""
    if len(signature) != 2 * size:
        raise InvalidSignature
    r, s = (int.from_bytes(part, "big") for part in (signature[:size], signature[size:]))
    return encode_dss_signature(r, s)
