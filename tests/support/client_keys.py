"""A client's own keys, and what it signs with them by a library that is not ours."""

from __future__ import annotations

import time
import uuid
from typing import Any

from joserfc import jwe, jws, jwt
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey

Key = RSAKey | ECKey | OKPKey
ISSUER = "http://localhost:8000"


class ClientKeyRing:
    """Keys by name; `public` is what the client registers."""

    def __init__(self, *algorithms: str) -> None:
        self.keys: dict[str, Key] = {}
        for algorithm in algorithms or ("ES256",):
            self.add(algorithm)

    def add(self, algorithm: str, *, kid: str = "") -> Key:
        """A new key for an algorithm, signing or encryption."""
        use = "enc" if algorithm.startswith(("RSA-OAEP", "ECDH")) else "sig"
        parameters: Any = {"kid": kid or f"{algorithm}-{uuid.uuid4().hex[:6]}", "use": use}
        parameters |= {"alg": algorithm}
        key: Key
        if algorithm.startswith(("RS", "PS")):
            key = RSAKey.generate_key(2048, parameters, private=True)
        elif algorithm in ("EdDSA", "Ed25519"):
            key = OKPKey.generate_key("Ed25519", parameters, private=True)
        else:
            curve = {"ES384": "P-384", "ES512": "P-521"}.get(algorithm, "P-256")
            key = ECKey.generate_key(curve, parameters, private=True)
        self.keys[algorithm] = key
        return key

    @property
    def public(self) -> dict[str, Any]:
        """The JWK set with public keys."""
        return {"keys": [key.as_dict(private=False) for key in self.keys.values()]}

    def sign(self, claims: dict[str, Any], algorithm: str = "ES256", **header: Any) -> str:
        """A compact JWT; `header` members of None are left out."""
        key = self.keys[algorithm]
        members = {"alg": algorithm, "kid": key.kid, "typ": "JWT", **header}
        members = {name: value for name, value in members.items() if value is not None}
        registry = jws.JWSRegistry(algorithms=[algorithm], strict_check_header=False)
        return jwt.encode(members, claims, key, registry=registry)

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


def encrypt_to(key_set: dict[str, Any], content: str, *, alg: str, enc: str = "A128GCM") -> str:
    """A JWE to the key of a published set that is meant for encryption by `alg`."""
    kind = "RSA" if alg.startswith("RSA") else "EC"
    (jwk,) = (key for key in key_set["keys"] if key["use"] == "enc" and key["kty"] == kind)
    key = KeySet.import_key_set({"keys": [jwk]}).keys[0]
    registry = jwe.JWERegistry(algorithms=[alg, enc])
    header = {"alg": alg, "enc": enc, "cty": "JWT", "kid": jwk["kid"]}
    return jwe.encrypt_compact(header, content.encode(), key, registry=registry)
