"""Give the code: the last step of the short way and of the one over a page alike."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime

import orjson

from idp.authorization import consent
from idp.authorization.request import AuthorizationRequest
from idp.models.identifiers import new_id
from idp.protocol import authentication_context
from idp.protocol import scope as scopes
from idp.tokens import authorization_code
from idp.tokens.authorization_code import AuthorizationCode


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
) -> str:
    """Return the code for what this person has authorized (RFC 6749 §4.1.2).

    `consented`: the scopes of their stored consent. Whoever calls has checked that nothing has to
    be asked; that the session, the person and the consent stand is checked again by redeeming.
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
    return authorization_code.issue(code)
