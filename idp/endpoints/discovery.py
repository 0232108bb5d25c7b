"""Both discovery documents (OIDC Discovery §3, RFC 8414 §3): the sum of what the features publish.

The same members in both; the issuer is configuration, never taken from a request.
"""

from __future__ import annotations

import orjson
from django.conf import settings

from idp import directory, features
from idp.features import Feature
from idp.protocol.document import Document
from idp.protocol.errors import MethodNotAllowed
from idp.protocol.message import Request, Response

OPENID_PATH = "/.well-known/openid-configuration"
OAUTH_PATH = "/.well-known/oauth-authorization-server"
MAX_AGE_SECONDS = 3600


def discovery(request: Request) -> Response:
    """Answer with the metadata (RFC 8414 §3.2)."""
    if request.method != "GET":
        raise MethodNotAllowed(allow=("GET",))
    issuer = settings.IDP.issuer
    document = directory.cached(("discovery", issuer), lambda: _document(issuer))
    return document.respond(request)


def _document(issuer: str) -> Document:
    body = orjson.dumps(features.metadata(issuer), option=orjson.OPT_INDENT_2)
    return Document.of(body, media_type="application/json", max_age=MAX_AGE_SECONDS)


FEATURE = Feature(
    name="discovery",
    specification="OIDC Discovery §4, RFC 8414 §3",
    routes={OPENID_PATH: discovery, OAUTH_PATH: discovery},
    cors=frozenset({OPENID_PATH, OAUTH_PATH}),
)
