"""The authorization endpoint (RFC 6749 §3.1, OIDC Core §3.1.2): GET and POST, never CORS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from idp.accounts import cookies, session_state
from idp.accounts.requirement import BEST_ACR
from idp.authorization import (
    continuation,
    front_channel,
    pipeline,
    refusal,
    response,
    short_way,
    standing_session,
)
from idp.authorization.pipeline import Refused
from idp.authorization.request import AuthorizationRequest
from idp.authorization.standing_session import StandingSession
from idp.features import Feature
from idp.protocol import authentication_context, vocabulary
from idp.protocol import parameters as forms
from idp.protocol import scope as scopes
from idp.protocol.errors import MethodNotAllowed, ProtocolError
from idp.protocol.message import Request, Response, redirect
from idp.protocol.parameters import Parameters

PATH = "/authorize"


def authorization(request: Request) -> Response:
    """Answer an authorization request: code, error, or the way to a page (OIDC Core §3.1.2)."""
    try:
        parameters = _read(request)
    except MethodNotAllowed:
        raise
    except ProtocolError as error:
        return refusal.page(error, reference=refusal.note(error, request))
    try:
        checked = pipeline.run(parameters, now=request.now)
    except Refused as refused:
        return refusal.answer(refused, request)
    return _decide(checked, request)


def _read(request: Request) -> Parameters:
    """Return the parameters of the URL, or of the form of a POST (OIDC Core §3.1.2.1)."""
    if request.method == "GET":
        return forms.parse(request.query)
    if request.method == "POST":
        return forms.form(request)
    raise MethodNotAllowed(allow=("GET", "POST"))


def _decide(checked: AuthorizationRequest, request: Request) -> Response:
    """Answer at once where nobody has to be asked, else store the request and lead to a page.

    A POST without our cookie may come from another site, to which browsers do not give it: it is
    stored whatever it says, and goes on by GET.
    """
    token = cookies.read(request.cookies, "session")
    if request.method == "POST" and not token:
        return _lead_on(checked, request)
    session = standing_session.read(token, client=checked.client, now=request.now)
    application = checked.client.application
    try:
        members = short_way.attempt(checked, session, origin=request)
    except ProtocolError as error:
        refusal.note(error, request, application=application)
        answer = response.failure(checked.reply_to, error, application=application)
    else:
        if members is None:
            return _lead_on(checked, request)
        answer = response.success(checked.reply_to, members, application=application)
    return _with_state(answer, session, request)


def _with_state(answer: Response, session: StandingSession | None, request: Request) -> Response:
    """Let the browser's state be the session's, as pages do: the client's frame asks for it next.

    OIDC Session Management §3.2. In the steady state the cookie is right and nothing is sent.
    """
    session_id = session.id if session is not None else None
    due = session_state.overdue(request.cookies, session_id=session_id)
    answer.headers += [("Set-Cookie", cookie) for cookie in due]
    return answer


def _lead_on(checked: AuthorizationRequest, request: Request) -> Response:
    opened = continuation.store(checked, request)
    answer = redirect(opened.path)
    answer.headers += [("Set-Cookie", cookie) for cookie in opened.cookies]
    return answer


def metadata(issuer: str) -> Mapping[str, Any]:
    """Return this endpoint's members of the discovery documents (RFC 8414 §2, RFC 9207 §3)."""
    ladder = authentication_context.ACR_LADDER
    return {
        "authorization_endpoint": issuer + PATH,
        "response_types_supported": list(front_channel.response_types()),
        "response_modes_supported": list(vocabulary.RESPONSE_MODES),
        "authorization_response_iss_parameter_supported": True,
        "code_challenge_methods_supported": list(vocabulary.CODE_CHALLENGE_METHODS),
        "scopes_supported": list(scopes.OPENID_SCOPES),
        "acr_values_supported": list(ladder[: ladder.index(BEST_ACR) + 1]),
        "prompt_values_supported": list(vocabulary.PROMPTS),
        "display_values_supported": ["page", "popup"],
        "ui_locales_supported": ["en"],
        "claims_parameter_supported": True,
        "request_parameter_supported": True,
        "request_uri_parameter_supported": True,
        "require_request_uri_registration": True,
        "request_object_signing_alg_values_supported": list(vocabulary.CLIENT_SIGNING_ALGS),
        "request_object_encryption_alg_values_supported": list(vocabulary.KEY_ENCRYPTION_ALGS),
        "request_object_encryption_enc_values_supported": list(vocabulary.CONTENT_ENCRYPTION_ALGS),
    }


FEATURE = Feature(
    name="authorization",
    specification="RFC 6749 §3.1, OIDC Core §3.1.2",
    routes={PATH: authorization},
    pages=frozenset({PATH}),
    metadata=metadata,
)
