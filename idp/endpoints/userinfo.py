"""The UserInfo endpoint (OIDC Core §5.3): claims about the person behind an access token."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from idp import directory
from idp.claims import applications, attributes, release
from idp.claims import standard as claims_known
from idp.claims.facts import SessionFacts
from idp.claims.mapping import USERINFO
from idp.endpoints import bearer
from idp.features import Feature
from idp.protocol import vocabulary
from idp.protocol.errors import InsufficientScope, InvalidToken, MethodNotAllowed, ProtocolError
from idp.protocol.message import Request, Response, json_response
from idp.protocol.scope import OPENID
from idp.tokens import access_token, issuance, revocation

PATH = "/userinfo"
REALM = "userinfo"


def userinfo(request: Request) -> Response:
    """Answer with the claims that the token's scopes and request allow (OIDC Core §5.3.2)."""
    if request.method not in ("GET", "POST"):
        raise MethodNotAllowed(allow=("GET", "POST"))
    try:
        claims = access_token.verify(bearer.read(request), now=request.now)
        return json_response(_describe(claims))
    except ProtocolError as error:
        scope = OPENID if isinstance(error, InsufficientScope) else ""
        return bearer.refuse(error, realm=REALM, scope=scope)


def _describe(token: Mapping[str, Any]) -> dict[str, Any]:
    if settings.IDP.issuer not in access_token.audience_of(token):
        raise InvalidToken("the access token is for another audience")
    scopes = token["scope"].split()
    if OPENID not in scopes or "sid" not in token:
        raise InsufficientScope("the access token has not the scope openid")
    client = directory.client(token["client_id"])
    person = attributes.load(token["sub"])
    if client is None or person is None:
        raise InvalidToken("the access token was revoked", detail="no such client or person")
    grant = issuance.facts_of(revocation.grant_id_of(token["jti"]))
    released = release.release(
        person,
        application=applications.of_client(client),
        target=USERINFO,
        scopes=scopes,
        claims_request=grant.claims_request,
        session=SessionFacts(
            id=token["sid"], acr=token["acr"], amr=grant.amr, auth_time=token["auth_time"]
        ),
        rows=applications.rows(client.application),
    )
    return {**released.claims, "sub": token["sub"]}


def metadata(issuer: str) -> Mapping[str, Any]:
    """Return this endpoint's members of the discovery documents (OIDC Discovery §3)."""
    return {
        "userinfo_endpoint": issuer + PATH,
        "subject_types_supported": list(vocabulary.SUBJECT_TYPES),
        "claim_types_supported": list(vocabulary.CLAIM_TYPES),
        "claims_supported": ["sub", *_ID_TOKEN_CLAIMS, *claims_known.CLAIMS],
    }


_ID_TOKEN_CLAIMS = ("iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid")

FEATURE = Feature(
    name="userinfo",
    specification="OIDC Core §5.3",
    routes={PATH: userinfo},
    metadata=metadata,
    cors=frozenset({PATH}),
)
