"""Keys of clients, and what clients make with them: JWTs to the letter, right or wrong.

Rules of the protocol take keys by name (`key`, `public`, `signed`), which are made once; tests of
endpoints take a `ClientKeyRing`, the keys of one client. The library that signs is not ours.
"""

from __future__ import annotations

import json
import time
import uuid
from base64 import urlsafe_b64encode
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from joserfc import jwe, jws
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey

from idp.protocol import jwk
from tests.support.speed import rsa_keys

Key = RSAKey | ECKey | OKPKey
ISSUER = "http://localhost:8000"

KINDS = {
    "RSA": (RSAKey, lambda: rsa.generate_private_key(65537, 2048)),
    "P-256": (ECKey, lambda: ec.generate_private_key(ec.SECP256R1())),
    "P-384": (ECKey, lambda: ec.generate_private_key(ec.SECP384R1())),
    "P-521": (ECKey, lambda: ec.generate_private_key(ec.SECP521R1())),
    "Ed25519": (OKPKey, ed25519.Ed25519PrivateKey.generate),
    "X25519": (OKPKey, x25519.X25519PrivateKey.generate),
}
# Of the algorithms that sign.
KIND_OF = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), "RSA"),
    **dict(zip(("ES256", "ES384", "ES512"), ("P-256", "P-384", "P-521"), strict=True)),
    **dict.fromkeys(("EdDSA", "Ed25519"), "Ed25519"),
}


def key(kind: str, name: str = "a") -> Key:
    """A private key, the same for the same arguments."""
    return _key(kind, name)


@cache
def _key(kind: str, name: str) -> Key:
    of_type, generate = KINDS[kind]
    return of_type.import_key(generate(), {})


def public(kind: str, name: str = "a", **members: Any) -> dict[str, Any]:
    """The public JWK of that key, with more members; its kid is kind and name."""
    return {"kid": f"{kind} {name}", **key(kind, name).as_dict(private=False), **members}


def key_set(*members: dict[str, Any]) -> jwk.ClientKeys:
    return jwk.parse_set({"keys": list(members)})


def b64(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(claims: object, alg: str = "ES256", *, name: str = "a", **header: Any) -> str:
    """A compact JWS over `claims`; `header` changes the header, None takes a member out."""
    kind = KIND_OF[alg]
    return _signed(claims, alg, key(kind, name), {"kid": f"{kind} {name}", **header})


def _signed(claims: object, alg: str, with_key: Key, header: dict[str, Any]) -> str:
    """The signature is the library's, over exactly this header, whatever it holds."""
    members = {"alg": alg, **header}
    head = b64({name: value for name, value in members.items() if value is not None})
    body = b64(claims)
    signature = jws.JWSRegistry.algorithms[alg].sign(f"{head}.{body}".encode(), with_key)
    return f"{head}.{body}.{b64(signature)}"


class ClientKeyRing:
    """Keys of one client alone, by algorithm; `public` is what it registers."""

    def __init__(self, *algorithms: str) -> None:
        self.keys: dict[str, Key] = {}
        for algorithm in algorithms:
            self.add(algorithm)

    def add(self, algorithm: str) -> Key:
        """A new key for an algorithm, signing or encryption, in place of the one before."""
        encrypts = algorithm.startswith(("RSA-OAEP", "ECDH"))
        kind = KIND_OF.get(algorithm) or ("RSA" if algorithm.startswith("RSA") else "P-256")
        kid = f"{algorithm}-{uuid.uuid4().hex[:6]}"
        members = {"kid": kid, "use": "enc" if encrypts else "sig", "alg": algorithm}
        of_type, generate = KINDS[kind]
        private = rsa_keys.generate_private_key(65537, 2048) if kind == "RSA" else generate()
        made: Key = of_type.import_key(private, members)
        self.keys[algorithm] = made
        return made

    @property
    def public(self) -> dict[str, Any]:
        """The JWK set with public keys."""
        return {"keys": [key.as_dict(private=False) for key in self.keys.values()]}

    def sign(self, claims: object, algorithm: str = "ES256", **header: Any) -> str:
        """A JWT that is well made; `header` changes the header, None takes a member out."""
        own = self.keys[algorithm]
        return _signed(claims, algorithm, own, {"kid": own.kid, "typ": "JWT", **header})

    def assertion(
        self, client_id: str, algorithm: str = "ES256", *, header: Any = None, **changes: Any
    ) -> str:
        """A sound client assertion; a change of None leaves the claim out."""
        now = int(time.time())
        claims = {
            "iss": client_id,
            "sub": client_id,
            "aud": ISSUER,
            "jti": uuid.uuid4().hex,
            "iat": now,
            "exp": now + 60,
            **changes,
        }
        present = {name: value for name, value in claims.items() if value is not None}
        return self.sign(present, algorithm, **(header or {}))

    def decrypt(self, token: str, algorithm: str) -> bytes:
        """What was encrypted to one of these keys."""
        registry = jwe.JWERegistry(
            algorithms=[algorithm, "A128CBC-HS256", "A256CBC-HS512", "A128GCM", "A256GCM"]
        )
        found = jwe.decrypt_compact(token, self.keys[algorithm], registry=registry)
        assert found.plaintext is not None
        return found.plaintext


def encrypt_to(published: dict[str, Any], content: str, *, alg: str, enc: str = "A128GCM") -> str:
    """A JWE to the key of a published set that is meant for encryption by `alg`."""
    kind = "RSA" if alg.startswith("RSA") else "EC"
    (found,) = (one for one in published["keys"] if one["use"] == "enc" and one["kty"] == kind)
    theirs = KeySet.import_key_set({"keys": [found]}).keys[0]
    registry = jwe.JWERegistry(algorithms=[alg, enc])
    header = {"alg": alg, "enc": enc, "cty": "JWT", "kid": found["kid"]}
    return jwe.encrypt_compact(header, content.encode(), theirs, registry=registry)
