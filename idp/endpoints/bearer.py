"""Bearer tokens at a resource of our own (RFC 6750 §2, §3)."""

from __future__ import annotations

from idp.protocol import parameters as forms
from idp.protocol.errors import (
    InvalidRequest,
    InvalidToken,
    ProtocolError,
    bearer_challenge,
)
from idp.protocol.message import NO_STORE, Request, Response, error_response

SCHEME = "bearer"
PARAMETER = "access_token"


class NoToken(InvalidToken):
    """The request carries no token at all: the answer names no error (RFC 6750 §3.1)."""


def read(request: Request) -> str:
    """Return the one token of a request: of its header, or of its form body (RFC 6750 §2.1, §2.2).

    Never of the URL. Raises InvalidRequest for a second token or place, NoToken.
    """
    forms.refuse_query(request, names=(PARAMETER,))
    header = _of_header(request)
    form = _of_form(request)
    if header and form:
        raise InvalidRequest("the access token is sent in two places")
    if not header and not form:
        raise NoToken("no access token")
    return header or form


def _of_header(request: Request) -> str:
    if len(request.authorization) > 1:
        raise InvalidRequest("more than one Authorization header")
    if not request.authorization:
        return ""
    scheme, _, token = request.authorization[0].strip().partition(" ")
    return token.strip() if scheme.lower() == SCHEME else ""


def _of_form(request: Request) -> str:
    media_type = request.content_type.partition(";")[0].strip().lower()
    if request.method != "POST" or media_type != forms.FORM:
        return ""
    return forms.parse(request.body).one(PARAMETER) or ""


def refuse(error: ProtocolError, *, realm: str, scope: str = "") -> Response:
    """Return the error with its WWW-Authenticate challenge (RFC 6750 §3)."""
    if isinstance(error, NoToken):
        challenge = bearer_challenge(realm=realm, scope=scope)
        return Response(401, [("WWW-Authenticate", challenge), *NO_STORE])
    response = error_response(error)
    challenge = bearer_challenge(realm=realm, error=error, scope=scope)
    response.headers.append(("WWW-Authenticate", challenge))
    return response
