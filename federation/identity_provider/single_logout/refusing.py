"""A logout message is refused: a page here, and the reason under its reference."""

from __future__ import annotations

from typing import Any

from federation.identity_provider import refusal, remedies
from federation.identity_provider.single_logout import checks
from federation.identity_provider.single_logout.checks import Refused
from federation.saml import errors
from idp.models import Application
from idp.protocol.message import Request, Response

TITLE = "This sign-out cannot go on"


def answer(refused: Refused, request: Request) -> Response:
    """Answer a LogoutRequest that did not pass a check."""
    known = refused.draft.service_provider
    return page(
        refused.error,
        request,
        application=known.application if known else None,
        received=refused.draft.facts(),
        trace=checks.trace(refused),
        suggestion=refused.draft.suggestion,
    )


def page(
    error: errors.SamlError,
    request: Request,
    *,
    application: Application | None = None,
    received: dict[str, Any] | None = None,
    trace: list[dict[str, Any]] | None = None,
    suggestion: str = "",
) -> Response:
    """Note the refusal and show the page."""
    reference = refusal.note(
        error,
        request,
        application=application,
        received=received,
        trace=trace,
        suggestion=suggestion or remedies.of(error),
    )
    return refusal.page(error, reference=reference, application=application, title=TITLE)
