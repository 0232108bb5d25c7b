"""The key set of tokens (RFC 7517 §5, OIDC Core §10.1): prebuilt bytes with an ETag."""

from __future__ import annotations

from idp import directory, keys
from idp.features import Feature
from idp.protocol.document import Document
from idp.protocol.errors import MethodNotAllowed
from idp.protocol.message import Request, Response

PATH = "/jwks"
MAX_AGE_SECONDS = 300


def jwks(request: Request) -> Response:
    """Answer with every published key: next, current, retired ones in use, one to encrypt with."""
    if request.method != "GET":
        raise MethodNotAllowed(allow=("GET",))
    body = keys.jwks()
    document = directory.cached(("jwks", body), lambda: _document(body))
    return document.respond(request)


def _document(body: bytes) -> Document:
    return Document.of(body, media_type="application/json", max_age=MAX_AGE_SECONDS)


FEATURE = Feature(
    name="jwks",
    specification="RFC 7517 §5",
    routes={PATH: jwks},
    metadata=lambda issuer: {"jwks_uri": issuer + PATH},
    cors=frozenset({PATH}),
)
