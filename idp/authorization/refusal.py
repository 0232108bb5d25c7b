"""A request is refused: the answer, the audit trail, the trace under a reference.

Everybody reads what happened and a reference; what was expected and received is for administrators,
who find it under the reference or, when they are signed in, on the page itself.
"""

from __future__ import annotations

from typing import Any

from idp import audit, refusals
from idp.accounts import cookies
from idp.accounts import session as sessions
from idp.authorization import checks, pipeline, response
from idp.authorization.pipeline import Refused
from idp.models import Application, User
from idp.protocol.errors import (
    ConsentRequired,
    InteractionRequired,
    LoginRequired,
    ProtocolError,
)
from idp.protocol.message import Request, Response
from idp.protocol.parameters import Parameters

ACTION = "authorization.refused"
PROTOCOL = "oidc"
# What applications cause every few minutes by asking silently: nobody was turned away.
ORDINARY = (LoginRequired, ConsentRequired, InteractionRequired)

TITLE = "This sign-in cannot go on"
_HAPPENED = {
    "invalid_client": "The application that sent you here is not known to this service.",
    "unauthorized_client": "The application that sent you here has been switched off.",
}
_UNCLEAR = "The application that sent you here asked for something that cannot be answered."
_MISMATCH = (
    "The application wants the answer to go to an address that is not registered for it,"
    " so nothing was sent there."
)
_MISSING = "The application did not say where the answer is to go, so nothing was sent."
_SHOWN = frozenset(
    {
        *("client_id", "redirect_uri", "response_type", "response_mode", "scope", "resource"),
        *("prompt", "max_age", "acr_values", "claims", "display", "ui_locales", "login_hint"),
        *("code_challenge_method", "post_logout_redirect_uri"),
    }
)


def answer(refused: Refused, request: Request) -> Response:
    """Answer a request that did not pass a check: to the client once its address is proven."""
    draft = refused.draft
    application = draft.client.application if draft.client else None
    reference = note(
        refused.error,
        request,
        application=application,
        received=masked(draft.parameters),
        trace=pipeline.trace(refused),
        suggestion=draft.suggestion,
    )
    reply_to = draft.reply_to()
    if reply_to is not None and application is not None:
        return response.failure(reply_to, refused.error, application=application)
    return _page(refused, request, reference=reference, application=application)


def _page(
    refused: Refused, request: Request, *, reference: str, application: Application | None
) -> Response:
    draft = refused.draft
    hint = None
    if draft.received and _is_administrator(request):
        hint = {"text": draft.suggestion, "value": draft.received}
    return page(
        refused.error,
        reference=reference,
        happened=_happened(refused),
        application=application,
        operator_hint=hint,
    )


def _happened(refused: Refused) -> str:
    """What is wrong with redirect_uri, in words for everybody; empty if it is something else."""
    draft = refused.draft
    if draft.client is not None and draft.received:
        return _MISMATCH
    if refused.check is checks.registered_redirect_uri and "redirect_uri" not in draft.parameters:
        return _MISSING
    return ""


def page(
    error: ProtocolError,
    *,
    reference: str,
    happened: str = "",
    application: Application | None = None,
    operator_hint: dict[str, str] | None = None,
    title: str = TITLE,
) -> Response:
    """Show an error that may not be sent anywhere: 400, whatever the code (RFC 6749 §4.1.2.1)."""
    values = {
        "title": title,
        "happened": happened or _HAPPENED.get(error.error, _UNCLEAR),
        "operator": error.description,
        "operator_hint": operator_hint,
        "application": application,
        "code": error.error,
        "reference": reference,
    }
    return response.page("idp/error.html", values, status=400)


def note(
    error: ProtocolError,
    origin: audit.Origin,
    *,
    application: Application | None = None,
    user: User | None = None,
    received: dict[str, Any] | None = None,
    trace: list[dict[str, Any]] | None = None,
    suggestion: str = "",
) -> str:
    """Write the refusal to audit trail and trace, at once; returns the reference.

    Bounded for each network: strangers cannot fill a disk. Silent questions are only buffered.
    """
    reference = audit.new_reference()
    facts: dict[str, Any] = {
        "result": "failure",
        "reason": f"{error.error}: {error.detail or error.description}",
        "application": application,
        "user": user,
        "request": origin,
        "reference": reference,
    }
    if isinstance(error, ORDINARY):
        refusals.buffer(ACTION, **facts)
        return reference
    if refusals.is_bearable(ACTION, refusals.address_range(origin.client_address)):
        audit.record(ACTION, **facts)
        audit.trace(
            protocol=PROTOCOL,
            error=error.error,
            suggestion=suggestion,
            received=received or {},
            trace=trace or [],
            **facts,
        )
    return reference


def masked(parameters: Parameters) -> dict[str, Any]:
    """The parameters as an administrator may read them: of what could be a secret only its size."""
    return {
        name[:100]: _shorten(value) if name in _SHOWN else _size(value)
        for name, value in parameters.as_dict().items()
    }


def _shorten(value: str | list[str]) -> str | list[str]:
    return value[:500] if isinstance(value, str) else [one[:500] for one in value[:20]]


def _size(value: str | list[str]) -> str:
    if isinstance(value, list):
        return f"({len(value)} values)"
    return f"({len(value)} characters)"


def _is_administrator(request: Request) -> bool:
    session = sessions.current(cookies.read(request.cookies, "session"), now=request.now)
    return session is not None and session.user.is_staff
