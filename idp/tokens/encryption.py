"""Encrypt what a client gets under its own public key (OIDC Core §10.2)."""

from __future__ import annotations

from idp import client_keys
from idp.models import Client
from idp.protocol import jwe
from idp.protocol.errors import InvalidRequest

_UNREADABLE = "there is no key of the client to encrypt to"


def to_client(client: Client, content: bytes, *, alg: str, enc: str, cty: str = "JWT") -> str:
    """Return a compact JWE that only this client can open.

    `cty`: "JWT" for a signed token, "" for bare claims. Raises InvalidRequest where its key set
    holds no key for `alg`: nothing goes out in clear that was to be encrypted.
    """
    try:
        key = client_keys.of(client).encryption(alg)
    except client_keys.NoKeys as error:
        raise InvalidRequest(_UNREADABLE, detail=str(error)) from None
    if key is None:
        raise InvalidRequest(f"{_UNREADABLE} by {alg}")
    return jwe.encrypt(content, key=key, alg=alg, enc=enc, cty=cty)
