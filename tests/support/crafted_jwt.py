"""Keys of clients, and what clients make with them: JWTs to the letter, right or wrong."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

from idp.protocol import jwk

Key = RSAKey | ECKey | OKPKey

KINDS = {
    "RSA": lambda: RSAKey.import_key(rsa.generate_private_key(65537, 2048)),
    "P-256": lambda: ECKey.import_key(ec.generate_private_key(ec.SECP256R1())),
    "P-384": lambda: ECKey.import_key(ec.generate_private_key(ec.SECP384R1())),
    "P-521": lambda: ECKey.import_key(ec.generate_private_key(ec.SECP521R1())),
    "Ed25519": lambda: OKPKey.import_key(ed25519.Ed25519PrivateKey.generate()),
    "X25519": lambda: OKPKey.import_key(x25519.X25519PrivateKey.generate()),
}
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
    return KINDS[kind]()


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
    members = {"alg": alg, "kid": f"{kind} {name}", **header}
    members = {one: value for one, value in members.items() if value is not None}
    head = b64(members)
    body = b64(claims)
    # The signature is the library's, over exactly this header, whatever it holds.
    model = jws.JWSRegistry.algorithms[alg]
    signature = model.sign(f"{head}.{body}".encode(), key(kind, name))
    return f"{head}.{body}.{b64(signature)}"
