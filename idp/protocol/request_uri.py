"""request_uri: the address of a request object, as registered (OIDC Core §6.2, RFC 9101 §5.2).

Says which address may be fetched and whether what came may be kept; fetches nothing.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection
from dataclasses import dataclass

from idp.protocol import jose
from idp.protocol import uri as uris
from idp.protocol.errors import InvalidRequestUri

MAX_CHARACTERS = 512
MAX_BYTES = jose.MAX_TOKEN_BYTES
MEDIA_TYPES = ("application/oauth-authz-req+jwt", "application/jwt", "application/jose")


@dataclass(frozen=True, slots=True)
class Reference:
    """A registered address: what to fetch, and the fragment beside it."""

    location: str
    fragment: str

    def is_hash_of(self, content: bytes) -> bool:
        """Tell whether the fragment is the SHA-256 hash of what was fetched (OIDC Core §6.2).

        Only such a copy can never change, and may be kept. Another fragment is no error: nothing
        in §6.2 lets us refuse it, and the object is signed.
        """
        digest = jose.encode(hashlib.sha256(content).digest())
        return hmac.compare_digest(digest.encode(), self.fragment.encode())


def find(presented: str, registered: Collection[str]) -> Reference:
    """Return the reference of a request_uri (OIDC Core §6.2, RFC 9101 §10.4.1).

    It is one of `registered`, as an exact string; where that one has no fragment, one may be added.
    Raises InvalidRequestUri.
    """
    if len(presented) > MAX_CHARACTERS:
        raise InvalidRequestUri(f"request_uri is longer than {MAX_CHARACTERS} characters")
    try:
        uris.split_web(presented)
    except uris.InvalidUri as error:
        raise InvalidRequestUri(f"request_uri {error}") from None
    location, _, fragment = presented.partition("#")
    if presented not in registered and location not in registered:
        raise InvalidRequestUri("request_uri is not registered for this client")
    return Reference(location, fragment)
