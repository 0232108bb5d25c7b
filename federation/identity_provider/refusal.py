"""A request is refused: the answer, the audit trail, the trace under a reference.

Until its assertion consumer service is proven a request gets a page here; from then on the service
provider gets a signed Response with status codes (SAML Core §3.2.2.2). Where it has not asked, it
hears nothing: the person started it here, and reads it here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from federation.identity_provider import (
    delivery,
    entity,
    evidence,
    pages,
    pipeline,
    protection,
    remedies,
    sent,
)
from federation.identity_provider import errors as codes
from federation.identity_provider.pipeline import Refused
from federation.identity_provider.received import facts, printable, whole
from federation.identity_provider.request import ReplyTo, SignOnRequest
from federation.identity_provider.service_providers import KnownServiceProvider
from federation.saml import errors, response, vocabulary
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
    vocabulary.NO_SUPPORTED_IDP: "The request wants another identity provider.",
    vocabulary.NO_PASSIVE: "The person would have to see a page.",
    vocabulary.NO_AUTHN_CONTEXT: "The requested authentication context cannot be reached.",
    vocabulary.INVALID_NAME_ID_POLICY: "The requested NameID cannot be given.",
    vocabulary.REQUEST_DENIED: "The person may not use this application.",
    vocabulary.REQUEST_UNSUPPORTED: "The request asks for something that does not exist here.",
    vocabulary.UNKNOWN_PRINCIPAL: "The requested person is not the one who signed in.",
}


def answer(refused: Refused, request: Request) -> Response:
    """Answer a request that did not pass a check."""
    draft = refused.draft
    known = draft.service_provider
    reference = audit.new_reference()
    reply_to = draft.reply_to()
    reply = None
    if reply_to is not None and known is not None and reply_to.in_response_to is not None:
        reply = _reply(refused.error, reply_to, known, request, reference)
    note(
        refused.error,
        request,
        application=known.application if known else None,
        reference=reference,
        evidence_of=lambda: {
            "received": whole(facts(request, draft.message, draft.authn_request), draft.message),
            "trace": pipeline.trace(refused),
            "suggestion": draft.suggestion or remedies.of(refused.error, draft),
            "sent": reply.traced() if reply else {},
        },
    )
    return reply.send() if reply else _page(refused, request, reference=reference)


def fail(
    sign_on: SignOnRequest,
    error: errors.SamlError,
    request: Request,
    *,
    user: User | None = None,
) -> Response:
    """Answer a request that passed the checks with an error Response."""
    known, reply_to = sign_on.service_provider, sign_on.reply_to
    reference = audit.new_reference()
    reply = None
    if reply_to.in_response_to is not None:
        reply = _reply(error, reply_to, known, request, reference)
    note(
        error,
        request,
        application=known.application,
        user=user,
        reference=reference,
        evidence_of=lambda: {
            "received": sign_on.whole(),
            "trace": [*pipeline.passed(sign_on), _failed(error)],
            "suggestion": remedies.of(error),
            "sent": reply.traced() if reply else {},
        },
    )
    return (
        reply.send() if reply else page(error, reference=reference, application=known.application)
    )


def _failed(error: errors.SamlError) -> dict[str, Any]:
    """The line of the trace for what went wrong after the checks."""
    name = "A Response can be issued (SAML Profiles §4.1.4.2)."
    if isinstance(error, errors.InvalidNameIDPolicy):
        name = "The person has a value for the NameID (SAML Core §8.3)."
    elif isinstance(error, errors.StatusError):
        name = "The person signs in as demanded, and may use the application (SAML Core §3.4.1)."
    received = printable(error.detail)[: evidence.MAX_VALUE]
    return {"name": name, "passed": False, "rule": error.check, "received": received}


@dataclass(frozen=True, slots=True)
class Reply:
    """An error Response ready to be sent."""

    xml: bytes
    to: ReplyTo
    service_provider: KnownServiceProvider
    now: datetime

    def send(self) -> Response:
        """On its way through the browser."""
        row = self.service_provider.row
        return delivery.send(self.xml, self.to, row, session=None, now=self.now)

    def traced(self) -> dict[str, Any]:
        """As an administrator reads it."""
        return sent.response(self.xml, to=self.to.acs_url)


def _reply(
    error: errors.SamlError,
    reply_to: ReplyTo,
    known: KnownServiceProvider,
    request: Request,
    reference: str,
) -> Reply:
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
    key = entity.signing_key(known.row)
    signed = response.build_error_response(content, key=key, algorithm=algorithm)
    return Reply(signed, reply_to, known, request.now)


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
    reference: str = "",
    evidence_of: Callable[[], dict[str, Any]] | None = None,
) -> str:
    """Write the refusal to audit trail and trace, at once; returns the reference.

    `evidence_of`: received, trace, suggestion and sent, where they cost something: it is called
    only for a trace that is kept. Bounded for each network: strangers cannot fill a disk. Silent
    questions are only buffered.
    """
    reference = reference or audit.new_reference()
    event: dict[str, Any] = {
        "result": "failure",
        "reason": printable(str(error)),
        "application": application,
        "user": user,
        "request": origin,
        "reference": reference,
    }
    if isinstance(error, errors.NoPassive):
        refusals.buffer(ACTION, **event)
    elif refusals.is_bearable(ACTION, refusals.address_range(origin.client_address)):
        audit.record(ACTION, **event)
        told: dict[str, Any] = {
            "received": dict(received or {}),
            "trace": trace or [],
            "suggestion": suggestion,
        }
        shown = evidence_of() if evidence_of is not None else told
        audit.trace(
            **{**event, "reason": _in_words(error)},
            **{name: _storable(value) for name, value in shown.items()},
            protocol=PROTOCOL,
            error=error.check,
        )
    return reference


def _storable(value: Any) -> Any:
    """A value whose texts every database can hold: strangers choose some of them."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, Mapping):
        return {name: _storable(inner) for name, inner in value.items()}
    return [_storable(one) for one in value] if isinstance(value, (list, tuple)) else value


def _in_words(error: errors.SamlError) -> str:
    """What happened, as an administrator reads it, with what was found."""
    words = codes.describe(error)[2]
    if isinstance(error, errors.StatusError):
        words = _MESSAGES.get(error.status[-1], words)
    detail = printable(error.detail)
    return f"{words.removesuffix('.')}: {detail}" if detail else words


def _is_administrator(request: Request) -> bool:
    session = sessions.current(cookies.read(request.cookies, "session"), now=request.now)
    return session is not None and session.user.is_staff
