"""The order of the checks of an AuthnRequest (SAML Core §3.4.1, SAML Profiles §4.1.4).

And of a start from here, without a request (SAML Profiles §4.1.5).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from federation.identity_provider import checks, evidence, launch_checks
from federation.identity_provider.request import Draft, SignOnRequest
from federation.identity_provider.service_providers import KnownServiceProvider
from federation.saml import errors
from idp.protocol.message import Request

Check = Callable[[Draft], None]

CHECKS: tuple[Check, ...] = (
    # Shown on a page of ours: nobody has proven yet where an answer may go.
    checks.decoded_message,
    checks.verified_request,
    checks.enabled_application,
    checks.current_metadata,
    checks.demanded_signature,
    checks.exact_destination,
    checks.recent_issue_instant,
    checks.valid_conditions,
    checks.not_seen_before,
    checks.registered_consumer,
    # Answered with an error Response.
    checks.possible_passive,
    checks.wanted_here,
    checks.known_name_id_format,
    checks.known_attribute_service,
    checks.reachable_authn_context,
    checks.known_subject,
)

# Every failure is shown on a page of ours: nobody waits for an answer.
LAUNCH_CHECKS: tuple[Check, ...] = (
    checks.enabled_application,
    checks.current_metadata,
    launch_checks.may_be_started_from_here,
    launch_checks.allowed_relay_state,
    launch_checks.default_consumer,
    launch_checks.usual_name_id_format,
)


class Refused(Exception):
    """A request that did not pass: the error, and the draft that says where it may be sent."""

    def __init__(
        self,
        error: errors.SamlError,
        draft: Draft,
        check: Check,
        order: tuple[Check, ...] = CHECKS,
    ) -> None:
        super().__init__(error)
        self.error = error
        self.draft = draft
        self.check = check
        self.order = order


def run(origin: Request) -> SignOnRequest:
    """Return the request after every check. Raises Refused at the first that fails."""
    return _run(Draft(origin), CHECKS)


def launch(origin: Request, service_provider: KnownServiceProvider) -> SignOnRequest:
    """Return what to answer to a start from here. Raises Refused."""
    return _run(Draft(origin, service_provider=service_provider), LAUNCH_CHECKS)


def _run(draft: Draft, order: tuple[Check, ...]) -> SignOnRequest:
    for check in order:
        try:
            check(draft)
        except errors.SamlError as error:
            raise Refused(error, draft, check, order) from error
    return draft.complete()


def trace(refused: Refused) -> list[dict[str, Any]]:
    """Each check up to the failing one, with what it expected and what there was."""
    failed = refused.order.index(refused.check)
    lines = [_line(check, refused.draft) for check in refused.order[:failed]]
    draft = refused.draft
    found = evidence.of_failure(draft, refused.error)
    facts = {
        "rule": refused.error.check,
        "expected": draft.expected or found.expected,
        "received": draft.found_instead or found.received or refused.error.detail,
    }
    cut = {name: value[: evidence.MAX_VALUE] for name, value in facts.items() if value}
    return [*lines, {"name": describe(refused.check), "passed": False, **cut}]


def passed(sign_on: SignOnRequest) -> list[dict[str, Any]]:
    """The trace of a request that passed them all."""
    if sign_on.checks:
        return [dict(line) for line in sign_on.checks]
    asked = sign_on.reply_to.in_response_to is not None
    return [_line(check, sign_on.draft) for check in (CHECKS if asked else LAUNCH_CHECKS)]


def _line(check: Check, draft: Draft | None) -> dict[str, Any]:
    line: dict[str, Any] = {"name": describe(check), "passed": True}
    return line if draft is None else line | evidence.of(check.__name__, draft).shown()


def describe(check: Check) -> str:
    """A check's sentence: the first line of its docstring."""
    return (check.__doc__ or check.__name__).partition("\n")[0].strip()
