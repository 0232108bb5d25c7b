"""The grant authorization_code (RFC 6749 §4.1.3, RFC 7636 §4.5, OIDC Core §3.1.3).

Everything that can be wrong without touching the grant is checked first: a code in the wrong hands,
or with a wrong verifier, is neither used up nor told apart from one that never was.
"""

from __future__ import annotations

import hmac

from idp.grants.request import TokenRequest
from idp.protocol import pkce
from idp.protocol.errors import InvalidGrant
from idp.protocol.vocabulary import GrantType
from idp.tokens import authorization_code, entitlement, refresh_token
from idp.tokens.authorization_code import AuthorizationCode
from idp.tokens.issuance import Authorization

NAME = GrantType.AUTHORIZATION_CODE


def authorize(request: TokenRequest) -> Authorization:
    """Redeem the code for the client it was issued to (RFC 6749 §4.1.3)."""
    client = request.client
    code = authorization_code.read(request.required("code"))
    _check_binding(code, request)
    requested = entitlement.resources(client, request.parameters.every("resource"))
    resources = entitlement.narrowed(requested, granted=code.resources, scope=code.scope)
    refreshable = is_refreshable(request, code)
    grant = authorization_code.redeem(
        code, client=client, refreshable=refreshable, now=request.now, origin=request.origin
    )
    return Authorization(
        client=client,
        grant=grant,
        scope=code.scope,
        resources=resources,
        nonce=code.nonce,
        refresh_token=refresh_token.make(grant.id, 0) if refreshable else "",
    )


def is_refreshable(request: TokenRequest, code: AuthorizationCode) -> bool:
    """Tell whether a refresh token goes with it (RFC 6749 §6, OIDC Core §11)."""
    client = request.client
    if GrantType.REFRESH_TOKEN not in client.grant_types:
        return False
    return code.offline or client.refresh_always


def _check_binding(code: AuthorizationCode, request: TokenRequest) -> None:
    """Check client, redirect_uri and verifier (RFC 6749 §4.1.3, RFC 7636 §4.6, RFC 9700 §4.8)."""
    if code.application_id != request.client.application_id:
        raise InvalidGrant("the authorization code is not valid", detail="another client's code")
    presented = request.parameters.one("redirect_uri") or ""
    if not hmac.compare_digest(presented.encode(), code.redirect_uri.encode()):
        raise InvalidGrant("redirect_uri is not that of the authorization request")
    verifier = request.parameters.one("code_verifier")
    if not pkce.verify(verifier, code.code_challenge or None):
        raise InvalidGrant(_verifier_problem(verifier, code))


def _verifier_problem(verifier: str | None, code: AuthorizationCode) -> str:
    if verifier is None:
        return "code_verifier is missing"
    if not code.code_challenge:
        return "code_verifier without a code_challenge in the authorization request"
    return "code_verifier does not answer the code_challenge"
