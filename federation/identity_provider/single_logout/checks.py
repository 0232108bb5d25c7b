"""The checks of a LogoutRequest, one reason to refuse each, by whatever binding it came.

A check reads the draft, fills in what it has proven, or raises. Nobody hears more than a code:
whether the session exists is looked at afterwards.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from federation.identity_provider import service_providers
from federation.identity_provider.errors import (
    DisabledApplication,
    OutdatedMetadata,
    UnknownServiceProvider,
)
from federation.identity_provider.service_providers import KnownServiceProvider
from federation.identity_provider.single_logout.errors import (
    ReplayedLogout,
    StaleLogout,
    UnsignedLogout,
    WrongLogoutDestination,
)
from federation.models import SeenMessage
from federation.saml import datatypes, errors, signature
from federation.saml.bindings import Message
from federation.saml.logout import LogoutRequest
from federation.saml.protocol_message import KeysOf

# Longer than any request is accepted, whatever the clock skew is changed to.
REMEMBERED = timedelta(hours=1)


@dataclass(slots=True)
class Draft:
    """A request on its way through the checks; each fills in what it has proven.

    `receive`: reads it, given the keys. `destination`: the address it came to, which it has to name
    where a browser carried it (SAML Bindings §3.4.5.2, §3.5.5.2).
    """

    receive: Callable[[KeysOf], LogoutRequest]
    destination: str
    by_browser: bool
    now: datetime
    message: Message | None = None
    service_provider: KnownServiceProvider | None = None
    request: LogoutRequest | None = None
    expected: str = ""
    found_instead: str = ""
    suggestion: str = ""

    @property
    def known(self) -> KnownServiceProvider:
        """The service provider, in every check after the one that found it."""
        if self.service_provider is None:
            raise LookupError("no service provider yet: the order of the checks is wrong")
        return self.service_provider

    @property
    def verified(self) -> LogoutRequest:
        """The LogoutRequest, in every check after the one that verified it."""
        if self.request is None:
            raise LookupError("no LogoutRequest yet: the order of the checks is wrong")
        return self.request

    def found(self, *, expected: str = "", received: str = "", suggestion: str = "") -> None:
        """Note what a check is about to refuse, for the trace alone."""
        self.expected, self.found_instead, self.suggestion = expected, received, suggestion

    def facts(self) -> dict[str, Any]:
        """What came, as an administrator may read it in the trace."""
        request = self.request
        if request is None:
            return {"type": "LogoutRequest"}
        return {
            "type": "LogoutRequest",
            "ID": request.id,
            "Issuer": request.issuer,
            "IssueInstant": request.issue_instant.isoformat(),
            "Destination": request.destination or "",
            "NameID": request.name_id.format,
            "SessionIndex": f"({len(request.session_indexes)})",
            "signed": request.signed,
        }


def verified_request(draft: Draft) -> None:
    """It is sound, of a registered service provider, and any signature is good (SAML Core §5)."""

    def keys_of(issuer: str) -> Sequence[signature.VerificationKey]:
        draft.service_provider = service_providers.find(issuer)
        if draft.service_provider is None:
            draft.found(expected="the entity ID of a registered service provider", received=issuer)
            raise UnknownServiceProvider("unknown_issuer", issuer)
        return draft.service_provider.signing_keys

    draft.request = draft.receive(keys_of)


def enabled_application(draft: Draft) -> None:
    """The application is switched on; a disabled one gets nothing, at any entry."""
    if not draft.known.application.enabled:
        draft.found(suggestion="Enable the application in the administration.")
        raise DisabledApplication("disabled")


def current_metadata(draft: Draft) -> None:
    """Metadata that is refreshed is not used beyond its validUntil (SAML Metadata §2.3.2)."""
    if draft.known.is_outdated(draft.now):
        draft.found(
            suggestion="See on the application's page why its metadata could not be refreshed."
        )
        ends = draft.known.row.metadata_valid_until
        raise OutdatedMetadata("metadata_valid_until", f"{ends:%Y-%m-%d %H:%M}")


def demanded_signature(draft: Draft) -> None:
    """It is signed, always (SAML Profiles §4.4.4.1)."""
    if not draft.verified.signed:
        draft.found(
            expected="a signed LogoutRequest",
            received="one without signature",
            suggestion="Let the service provider sign its logout requests, and give us its key with"
            " its metadata.",
        )
        raise UnsignedLogout("unsigned")


def exact_destination(draft: Draft) -> None:
    """Destination is our address; only by SOAP it may be absent (SAML Bindings §3.4.5.2)."""
    named = draft.verified.destination
    if named == draft.destination or (named is None and not draft.by_browser):
        return
    draft.found(
        expected=draft.destination,
        received=named or "none",
        suggestion="Give the service provider our metadata anew: the address is compared as an"
        " exact string.",
    )
    raise WrongLogoutDestination("destination", named or "none")


def recent_issue_instant(draft: Draft) -> None:
    """IssueInstant is now, but for the clocks' difference (SAML Core §3.2.1)."""
    check_instant(draft.verified.issue_instant, now=draft.now)


def check_instant(issued: datetime, *, now: datetime) -> None:
    """Refuse a message of another time. Raises StaleLogout."""
    skew = settings.IDP.clock_skew
    if not now - skew <= issued <= now + skew:
        raise StaleLogout("issue_instant", datatypes.format_instant(issued))


def not_expired(draft: Draft) -> None:
    """NotOnOrAfter has not passed, but for the clocks' difference (SAML Core §3.7.1)."""
    ends = draft.verified.not_on_or_after
    if ends is not None and draft.now - settings.IDP.clock_skew >= ends:
        draft.found(
            expected=f"after {datatypes.format_instant(draft.now)}",
            received=datatypes.format_instant(ends),
        )
        raise StaleLogout("not_on_or_after", datatypes.format_instant(ends))


def not_seen_before(draft: Draft) -> None:
    """It comes once; the insert of its ID decides (SAML Core §3.2.1)."""
    request = draft.verified
    key = hashlib.sha256(f"{request.issuer}\0{request.id}".encode()).hexdigest()
    if not SeenMessage.objects.remember(key, until=draft.now + REMEMBERED):
        draft.found(expected="an ID that has not been used", received=request.id)
        raise ReplayedLogout("replay", request.id)


Check = Callable[[Draft], None]

CHECKS: tuple[Check, ...] = (
    verified_request,
    enabled_application,
    current_metadata,
    demanded_signature,
    exact_destination,
    recent_issue_instant,
    not_expired,
    not_seen_before,
)


class Refused(Exception):
    """A request that did not pass: the error, and the draft with what was found."""

    def __init__(self, error: errors.SamlError, draft: Draft, check: Check) -> None:
        super().__init__(error)
        self.error = error
        self.draft = draft
        self.check = check


def run(draft: Draft, *, for_good: bool = True) -> LogoutRequest:
    """Return the request after every check. Raises Refused at the first that fails.

    `for_good`: False where it will be checked once more, and only then may be used up.
    """
    for check in CHECKS if for_good else CHECKS[:-1]:
        try:
            check(draft)
        except errors.SamlError as error:
            raise Refused(error, draft, check) from error
    return draft.verified


def trace(refused: Refused) -> list[dict[str, Any]]:
    """Each check up to the failing one, as an administrator reads it."""
    failed = CHECKS.index(refused.check)
    lines: list[dict[str, Any]] = [
        {"name": _describe(check), "passed": True} for check in CHECKS[:failed]
    ]
    found = {
        "rule": refused.error.check,
        "expected": refused.draft.expected,
        "received": refused.draft.found_instead or refused.error.detail,
    }
    said = {name: value[:1000] for name, value in found.items() if value}
    return [*lines, {"name": _describe(refused.check), "passed": False, **said}]


def _describe(check: Check) -> str:
    """A check's sentence: the first line of its docstring."""
    return (check.__doc__ or check.__name__).partition("\n")[0].strip()
