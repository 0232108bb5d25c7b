"""The order of the checks of an authorization request (RFC 6749 §4.1.1, OIDC Core §3.1.2.2)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from idp.authorization import checks, known_request
from idp.authorization.request import AuthorizationRequest, Draft
from idp.protocol.errors import ProtocolError
from idp.protocol.parameters import Parameters

Check = Callable[[Draft], None]

CHECKS: tuple[Check, ...] = (
    # Shown on a page of ours: nobody has proven yet where an answer may go.
    checks.known_client,
    checks.enabled_application,
    checks.request_object,
    checks.registered_redirect_uri,
    # Sent to the client.
    checks.response_mode_known,
    checks.no_repeated_parameters,
    checks.bearable_length,
    checks.unsupported_parameters,
    checks.known_response_type,
    checks.nonce_of_id_token,
    checks.allowed_scope,
    checks.allowed_resources,
    checks.proof_key,
    checks.possible_prompt,
    checks.readable_claims,
    checks.own_id_token_hint,
    checks.reachable_acr,
)


class Refused(Exception):
    """A request that did not pass: the error, and the draft that says where it may be sent."""

    def __init__(self, error: ProtocolError, draft: Draft, check: Check) -> None:
        super().__init__(error)
        self.error = error
        self.draft = draft
        self.check = check


def run(parameters: Parameters, *, now: datetime, signed: bool = False) -> AuthorizationRequest:
    """Return the request after every check. Raises Refused at the first that fails.

    `signed`: they came in a request object that was verified when the request was stored.
    """
    memory = known_request.memory()
    known = None if signed else known_request.recall(parameters, memory=memory)
    if known is not None:
        return known
    draft = Draft(parameters, now, signed=signed)
    for check in CHECKS:
        try:
            check(draft)
        except ProtocolError as error:
            raise Refused(error, draft, check) from None
    request = draft.complete()
    if not request.signed:
        known_request.remember(parameters, request, memory=memory)
    return request


def trace(refused: Refused) -> list[dict[str, Any]]:
    """Each check up to the failing one, as an administrator reads it."""
    failed = CHECKS.index(refused.check)
    lines = [{"name": describe(check), "passed": True} for check in CHECKS[:failed]]
    draft = refused.draft
    facts = {"expected": draft.expected, "received": draft.received}
    found = {name: value[:1000] for name, value in facts.items() if value}
    return [*lines, {"name": describe(refused.check), "passed": False, **found}]


def describe(check: Check) -> str:
    """A check's sentence: the first line of its docstring."""
    return (check.__doc__ or check.__name__).partition("\n")[0].strip()
