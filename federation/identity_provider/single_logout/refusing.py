"""A logout message is refused: a page here, and the reason under its reference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from federation.identity_provider import received, refusal, remedies
from federation.identity_provider.single_logout import checks
from federation.identity_provider.single_logout.checks import Refused
from federation.saml import errors
from idp.models import Application
from idp.protocol.message import Request, Response

TITLE = "This sign-out cannot go on"


def answer(refused: Refused, request: Request) -> Response:
    """Answer a LogoutRequest that did not pass a check."""
    draft = refused.draft
    known = draft.service_provider
    return page(
        refused.error,
        request,
        application=known.application if known else None,
        evidence_of=lambda: {
            "received": received.whole(draft.facts(), draft.message),
            "trace": checks.trace(refused),
            "suggestion": draft.suggestion or remedies.of(refused.error),
        },
    )


def page(
    error: errors.SamlError,
    request: Request,
    *,
    application: Application | None = None,
    evidence_of: Callable[[], dict[str, Any]] | None = None,
) -> Response:
    """Note the refusal and show the page."""
    reference = refusal.note(
        error,
        request,
        application=application,
        suggestion=remedies.of(error),
        evidence_of=evidence_of,
    )
    return refusal.page(error, reference=reference, application=application, title=TITLE)
