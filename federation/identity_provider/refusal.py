"""A request is refused: the answer, the audit trail, the trace under a reference.

Until its assertion consumer service is proven a request gets a page here; from then on the service
provider gets a signed Response with status codes (SAML Core §3.2.2.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from federation.identity_provider import entity, pages, pipeline, protection, remedies
from federation.identity_provider import errors as codes
from federation.identity_provider.pipeline import Refused
from federation.identity_provider.received import facts, printable
from federation.identity_provider.request import ReplyTo, SignOnRequest
from federation.identity_provider.service_providers import KnownServiceProvider
from federation.saml import bindings, errors, response, vocabulary
from idp import audit, refusals
from idp.accounts import cookies
from idp.accounts import session as sessions
from idp.accounts.views import facts as facts_of_pages
from idp.models import Application, User
from idp.protocol.message import Request, Response

ACTION = "saml.refused"
PROTOCOL = "saml"
TITLE = "This sign-in cannot go on"
_MESSAGES = {
    vocabulary.AUTHN_FAILED: "The person did not sign in.",
    vocabulary.NO_PASSIVE: "The person would have to see a page.",
    vocabulary.NO_AUTHN_CONTEXT: "The requested authentication context cannot be reached.",
    vocabulary.INVALID_NAME_ID_POLICY: "The requested NameID cannot be given.",
    vocabulary.REQUEST_DENIED: "The person may not use this application.",
    vocabulary.UNKNOWN_PRINCIPAL: "The requested person is not the one who signed in.",
}


def answer(refused: Refused, request: Request) -> Response:
    """Answer a request that did not pass a check."""
    draft = refused.draft
    known = draft.service_provider
    reference = note(
        refused.error,
        request,
        application=known.application if known else None,
        received=facts(request, draft.message, draft.authn_request),
        trace=pipeline.trace(refused),
        suggestion=draft.suggestion or remedies.of(refused.error),
    )
    reply_to = draft.reply_to()
    if reply_to is not None and known is not None:
        return _send(refused.error, reply_to, known, request, reference=reference)
    return _page(refused, request, reference=reference)


def fail(
    sign_on: SignOnRequest,
    error: errors.SamlError,
    request: Request,
    *,
    user: User | None = None,
) -> Response:
    """Answer a request that passed the checks with an error Response."""
    known = sign_on.service_provider
    reference = note(
        error,
        request,
        application=known.application,
        user=user,
        received=sign_on.received,
        suggestion=remedies.of(error),
    )
    return _send(error, sign_on.reply_to, known, request, reference=reference)


def _send(
    error: errors.SamlError,
    reply_to: ReplyTo,
    known: KnownServiceProvider,
    request: Request,
    *,
    reference: str,
) -> Response:
    status = error.status if isinstance(error, errors.StatusError) else (vocabulary.RESPONDER,)
    words = _MESSAGES.get(status[-1], "The request cannot be answered.")
    content = response.ErrorResponse(
        issuer=entity.entity_id(),
        destination=reply_to.acs_url,
        in_response_to=reply_to.in_response_to,
        issue_instant=request.now,
        status=status,
        message=f"{words} Reference: {reference}",
    )
    # It says nothing about a person, so it may go out where an assertion may not.
    algorithm = protection.ALGORITHMS.get(known.row.signature_algorithm)
    signed = response.build_error_response(content, key=entity.signing_key(), algorithm=algorithm)
    form = bindings.post_form(signed, action=reply_to.acs_url, relay_state=reply_to.relay_state)
    return pages.form_post(form, application=known.application)


def _page(refused: Refused, request: Request, *, reference: str) -> Response:
    draft = refused.draft
    hint = None
    if draft.found_instead and _is_administrator(request):
        hint = {"text": draft.suggestion, "value": draft.found_instead}
    known = draft.service_provider
    return page(
        refused.error,
        reference=reference,
        application=known.application if known else None,
        operator_hint=hint,
    )


def page(
    error: errors.SamlError,
    *,
    reference: str,
    application: Application | None = None,
    operator_hint: Mapping[str, str] | None = None,
    title: str = TITLE,
) -> Response:
    """Show an error that may not be sent anywhere: 400, whatever it is."""
    code, happened, operator = codes.describe(error)
    enabled = application is not None and application.enabled
    values = {
        "title": title,
        "happened": happened,
        "operator": operator,
        "operator_hint": operator_hint,
        "application": application,
        "code": code,
        "reference": reference,
        "retry_url": facts_of_pages.launch_url(application) if enabled else "",
    }
    return pages.page("idp/error.html", values, status=400)


def note(
    error: errors.SamlError,
    origin: audit.Origin,
    *,
    application: Application | None = None,
    user: User | None = None,
    received: Mapping[str, Any] | None = None,
    trace: list[dict[str, Any]] | None = None,
    suggestion: str = "",
) -> str:
    """Write the refusal to audit trail and trace, at once; returns the reference.

    Bounded for each network: strangers cannot fill a disk. Silent questions are only buffered.
    """
    reference = audit.new_reference()
    event: dict[str, Any] = {
        "result": "failure",
        "reason": printable(str(error)),
        "application": application,
        "user": user,
        "request": origin,
        "reference": reference,
    }
    if isinstance(error, errors.NoPassive):
        audit.buffer(ACTION, **event)
    elif refusals.is_bearable(ACTION, refusals.address_range(origin.client_address)):
        audit.record(ACTION, **event)
        audit.trace(
            protocol=PROTOCOL,
            error=error.check,
            suggestion=suggestion,
            received=dict(received or {}),
            trace=trace or [],
            **event,
        )
    return reference


def _is_administrator(request: Request) -> bool:
    session = sessions.current(cookies.read(request.cookies, "session"), now=request.now)
    return session is not None and session.user.is_staff
