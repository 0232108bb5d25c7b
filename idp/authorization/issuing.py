"""Give what was asked for: the last step of the short way and of the one over a page alike."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime

import orjson

from idp import audit
from idp.accounts import session_state
from idp.authorization import consent
from idp.authorization.request import AuthorizationRequest
from idp.models.identifiers import new_id
from idp.protocol import authentication_context, response_type
from idp.protocol import scope as scopes
from idp.protocol.errors import InvalidGrant, LoginRequired
from idp.tokens import authorization_code, issuance
from idp.tokens.authorization_code import AuthorizationCode
from idp.tokens.issuance import Authorization


def issue(
    request: AuthorizationRequest,
    *,
    user_id: uuid.UUID,
    session_id: uuid.UUID,
    sid: uuid.UUID,
    authenticated_at: datetime,
    acr: str,
    amr: Collection[str],
    consented: Collection[str],
    now: datetime,
    origin: audit.Origin,
) -> dict[str, str]:
    """Return the members of the response to what this person has authorized (RFC 6749 §4.1.2).

    A code, and for clients that may have them tokens (OIDC Core §3.2.2.5, §3.3.2.5).
    `consented`: the scopes of their stored consent. Whoever calls has checked that nothing has to
    be asked; that the session, the person and the consent stand is checked again by redeeming.
    Raises LoginRequired where tokens are issued and that no longer holds.
    """
    scope = consent.granted_scope(request, consented=consented)
    asked = request.claims.as_dict()
    code = AuthorizationCode(
        grant_id=new_id(),
        application_id=request.client.application_id,
        user_id=user_id,
        session_id=session_id,
        sid=sid,
        issued_at=now,
        authenticated_at=authenticated_at,
        redirect_uri=request.reply_to.redirect_uri,
        scope=scope,
        resources=request.resources,
        code_challenge=request.code_challenge,
        nonce=request.nonce,
        acr=authentication_context.released_acr(acr, request.requirement.acr_values),
        amr=tuple(amr),
        claims=orjson.dumps(asked).decode() if asked else "",
        offline=scopes.OFFLINE_ACCESS in scope,
    )
    if request.response_type == response_type.CODE:
        members = {"code": authorization_code.issue(code)}
    else:
        members = _front_channel(request, code, now=now, origin=origin)
    return members | _session_state(request, session_id)


def _session_state(request: AuthorizationRequest, session_id: uuid.UUID) -> dict[str, str]:
    """What the client's frame asks about later (OIDC Session Management §2)."""
    if scopes.OPENID not in request.scope:
        return {}
    state = session_state.of(
        session_id,
        client_id=request.client.client_id,
        redirect_uri=request.reply_to.redirect_uri,
    )
    return {"session_state": state} if state else {}


def _front_channel(
    request: AuthorizationRequest, code: AuthorizationCode, *, now: datetime, origin: audit.Origin
) -> dict[str, str]:
    """The members of an implicit or hybrid response; its tokens have a grant of their own."""
    words = response_type.words(request.response_type)
    members: dict[str, str] = {}
    if response_type.CODE in words:
        members["code"] = authorization_code.issue(code)
    own = code._replace(grant_id=new_id(), offline=False)
    try:
        grant = authorization_code.redeem(
            own, client=request.client, refreshable=False, now=now, origin=origin
        )
    except InvalidGrant as error:
        raise LoginRequired("the session has just ended", detail=error.description) from None
    authorization = Authorization(
        client=request.client,
        grant=grant,
        scope=tuple(one for one in code.scope if one != scopes.OFFLINE_ACCESS),
        resources=code.resources,
        nonce=code.nonce,
    )
    return members | issuance.respond_in_front_channel(
        authorization, words=words, code=members.get("code", ""), now=now, origin=origin
    )
