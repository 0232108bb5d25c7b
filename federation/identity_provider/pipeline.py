"""The order of the checks of an AuthnRequest (SAML Core §3.4.1, SAML Profiles §4.1.4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from federation.identity_provider import checks
from federation.identity_provider.request import Draft, SignOnRequest
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
    checks.known_name_id_format,
    checks.reachable_authn_context,
    checks.known_subject,
)


class Refused(Exception):
    """A request that did not pass: the error, and the draft that says where it may be sent."""

    def __init__(self, error: errors.SamlError, draft: Draft, check: Check) -> None:
        super().__init__(error)
        self.error = error
        self.draft = draft
        self.check = check


def run(origin: Request) -> SignOnRequest:
    """Return the request after every check. Raises Refused at the first that fails."""
    draft = Draft(origin)
    for check in CHECKS:
        try:
            check(draft)
        except errors.SamlError as error:
            raise Refused(error, draft, check) from error
    return draft.complete()


def trace(refused: Refused) -> list[dict[str, Any]]:
    """Each check up to the failing one, as an administrator reads it."""
    failed = CHECKS.index(refused.check)
    lines: list[dict[str, Any]] = [
        {"name": describe(check), "passed": True} for check in CHECKS[:failed]
    ]
    draft = refused.draft
    facts = {
        "rule": refused.error.check,
        "expected": draft.expected,
        "received": draft.found_instead or refused.error.detail,
    }
    found = {name: value[:1000] for name, value in facts.items() if value}
    return [*lines, {"name": describe(refused.check), "passed": False, **found}]


def passed() -> list[dict[str, Any]]:
    """The trace of a request that passed them all."""
    return [{"name": describe(check), "passed": True} for check in CHECKS]


def describe(check: Check) -> str:
    """A check's sentence: the first line of its docstring."""
    return (check.__doc__ or check.__name__).partition("\n")[0].strip()
