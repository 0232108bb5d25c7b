"""The UserInfo endpoint (OIDC Core §5.3): claims about the person behind an access token."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from django.conf import settings

from idp import directory, keys
from idp.claims import applications, attributes, release
from idp.claims import standard as claims_known
from idp.claims.facts import SessionFacts
from idp.claims.mapping import USERINFO
from idp.endpoints import bearer
from idp.features import Feature
from idp.models import Client
from idp.protocol import vocabulary
from idp.protocol.errors import InsufficientScope, InvalidToken, MethodNotAllowed, ProtocolError
from idp.protocol.message import NO_STORE, Request, Response, json_response
from idp.protocol.scope import OPENID
from idp.tokens import access_token, encryption, issuance, revocation

PATH = "/userinfo"
REALM = "userinfo"


def userinfo(request: Request) -> Response:
    """Answer with the claims that the token's scopes and request allow (OIDC Core §5.3.2)."""
    if request.method not in ("GET", "POST"):
        raise MethodNotAllowed(allow=("GET", "POST"))
    try:
        token = access_token.verify(bearer.read(request), now=request.now)
        client, claims = _describe(token)
        return _respond(client, claims)
    except ProtocolError as error:
        scope = OPENID if isinstance(error, InsufficientScope) else ""
        return bearer.refuse(error, realm=REALM, scope=scope)


def _respond(client: Client, claims: dict[str, Any]) -> Response:
    """Answer as JSON, or as the JWT that the client registered for (OIDC Core §5.3.2)."""
    if not (client.userinfo_signed_response_alg or client.userinfo_encrypted_response_alg):
        return json_response(claims)
    body = orjson.dumps(claims).decode()
    if client.userinfo_signed_response_alg:
        issued = {"iss": settings.IDP.issuer, "aud": client.client_id}
        signer = keys.signer(client.userinfo_signed_response_alg)
        body = signer.sign({**claims, **issued}, typ=vocabulary.PLAIN_JWT)
    if client.userinfo_encrypted_response_alg:
        body = encryption.to_client(
            client,
            body.encode(),
            alg=client.userinfo_encrypted_response_alg,
            enc=client.userinfo_encrypted_response_enc,
            cty="JWT" if client.userinfo_signed_response_alg else "",
        )
    return Response(200, [("Content-Type", "application/jwt"), *NO_STORE], body.encode())


def _describe(token: Mapping[str, Any]) -> tuple[Client, dict[str, Any]]:
    """Whom the token was given to, and the claims for them."""
    if settings.IDP.issuer not in access_token.audience_of(token):
        raise InvalidToken("the access token is for another audience")
    scopes = token["scope"].split()
    if OPENID not in scopes or "sid" not in token:
        raise InsufficientScope("the access token has not the scope openid")
    client = directory.client(token["client_id"])
    grant = issuance.facts_of(revocation.grant_id_of(token["jti"]))
    # A pairwise sub leads to nobody; the grant does.
    person = attributes.load(grant.user_id or token["sub"])
    if client is None or person is None:
        raise InvalidToken("the access token was revoked", detail="no such client or person")
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
    return client, {**released.claims, "sub": token["sub"]}


def metadata(issuer: str) -> Mapping[str, Any]:
    """Return this endpoint's members of the discovery documents (OIDC Discovery §3)."""
    return {
        "userinfo_endpoint": issuer + PATH,
        "userinfo_signing_alg_values_supported": list(vocabulary.USERINFO_SIGNING_ALGS),
        "userinfo_encryption_alg_values_supported": list(vocabulary.KEY_ENCRYPTION_ALGS),
        "userinfo_encryption_enc_values_supported": list(vocabulary.CONTENT_ENCRYPTION_ALGS),
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
