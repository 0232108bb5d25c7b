"""What each check expected and what there was, in an administrator's words: for the trace alone.

Decides nothing. A check that is not in the table is listed without evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from federation.identity_provider import entity, name_ids
from federation.identity_provider.request import Draft
from federation.models import ServiceProvider
from federation.saml import certificate, claimed_signature, datatypes, errors
from federation.saml.assertion_consumer_service import AssertionConsumerService
from federation.saml.claimed_signature import ClaimedSignature

MAX_VALUE = 1_000
# Eight pairs of hexadecimal digits.
BEGINNING = 23
NOT_SAID = "not said"
NO_KEY = "no signing key of it is registered"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a check looked for, and what it saw. Empty strings: there is nothing to say."""

    expected: str = ""
    received: str = ""

    def shown(self) -> dict[str, str]:
        """What is not empty, cut to what a trace holds."""
        facts = {"expected": self.expected, "received": self.received}
        return {name: value[:MAX_VALUE] for name, value in facts.items() if value}


def of(check: str, draft: Draft) -> Evidence:
    """The evidence of a check that passed, by the name of its function."""
    describe = _PASSED.get(check)
    return describe(draft) if describe is not None else Evidence()


def of_failure(draft: Draft, error: errors.SamlError) -> Evidence:
    """What the message layer refused, where the check itself has noted nothing."""
    if isinstance(error, errors.InvalidSignature):
        return Evidence(_registered_keys(draft), f"{_claim(draft)}; {error.detail}")
    return Evidence(_EXPECTED.get(error.check, ""))


_EXPECTED = {
    "message_type": "an AuthnRequest in the parameter SAMLRequest",
    "version": "Version 2.0",
    "schema": "a message that is valid by the schema of SAML 2.0",
    "issuer": "an Issuer: the entity ID of the service provider",
    "nested_message": "nothing inside the request that is a message or an assertion itself",
    "embedded_signature": "by Redirect the signature in the parameters SigAlg and Signature",
    "well_formed": "well-formed XML",
    "base64": "the message in base64",
    "repeated_parameter": "each parameter once",
}


def fingerprint(stored: str) -> str:
    """The beginning of a registered certificate's SHA-256."""
    try:
        return certificate.fingerprint(certificate.load(stored))[:BEGINNING] + "…"
    except errors.InvalidMetadata:
        return "unreadable"


def is_registered(claim: ClaimedSignature, service_provider: ServiceProvider) -> bool:
    """Whether the certificate that came along is one of the service provider's."""
    known = [fingerprint(one) for one in service_provider.signing_certificates]
    return bool(claim.fingerprint) and claim.fingerprint[:BEGINNING] + "…" in known


def claim_of(draft: Draft) -> ClaimedSignature | None:
    """What the message says of its signature."""
    return claimed_signature.of(draft.message) if draft.message is not None else None


def clock_offset(issued: datetime, now: datetime) -> str:
    """The other clock against ours, in seconds."""
    seconds = round((issued - now).total_seconds())
    if seconds == 0:
        return "the same as our clock"
    many = "1 second" if abs(seconds) == 1 else f"{abs(seconds):,} seconds"
    return f"{many} {'ahead of' if seconds > 0 else 'behind'} our clock"


def _registered_keys(draft: Draft) -> str:
    known = draft.service_provider
    if known is None or not known.row.signing_certificates:
        return NO_KEY
    tried = ", ".join(fingerprint(one) for one in known.row.signing_certificates)
    return f"a signature by one of the registered keys, SHA-256 {tried}"


def _claim(draft: Draft) -> str:
    claim = claim_of(draft)
    if claim is None:
        return "not signed"
    algorithm = claim.algorithm.rpartition("#")[2] or "no algorithm"
    if not claim.fingerprint:
        return f"signed with {algorithm}, without a certificate beside it"
    return f"signed with {algorithm}, beside it the certificate {claim.fingerprint[:BEGINNING]}…"


def _decoded(draft: Draft) -> Evidence:
    if draft.message is None:
        return Evidence()
    binding = draft.message.binding.rpartition(":")[2]
    return Evidence(received=f"{binding}, {len(draft.message.xml):,} bytes of XML")


def _signature(draft: Draft) -> Evidence:
    if not draft.verified.signed:
        return Evidence(received=f"from {draft.verified.issuer}, not signed")
    return Evidence(_registered_keys(draft), f"from {draft.verified.issuer}, {_claim(draft)}")


def _demand(draft: Draft) -> Evidence:
    wanted = draft.known.row.want_authn_requests_signed
    signed = "signed" if draft.verified.signed else "not signed"
    return Evidence("a signature" if wanted else "no signature demanded", signed)


def _destination(draft: Draft) -> Evidence:
    return Evidence(entity.single_sign_on_url(), draft.verified.destination or NOT_SAID)


def _issue_instant(draft: Draft) -> Evidence:
    most = int(settings.IDP.clock_skew.total_seconds())
    issued = draft.verified.issue_instant
    told = f"{datatypes.format_instant(issued)}, {clock_offset(issued, draft.now)}"
    return Evidence(f"at most {most} seconds from our clock", told)


def _conditions(draft: Draft) -> Evidence:
    begin, end = draft.verified.not_before, draft.verified.not_on_or_after
    if begin is None and end is None:
        return Evidence(received="no Conditions")
    return Evidence(received=f"{begin or 'always'} to {end or 'for ever'}")


def _seen(draft: Draft) -> Evidence:
    remembered = "" if draft.verified.signed else ", not remembered because it is not signed"
    return Evidence("an ID that has not been used", f"{draft.verified.id}{remembered}")


def _consumer(draft: Draft) -> Evidence:
    registered = consumers(draft.known.assertion_consumer_services)
    return Evidence(registered, f"{_asked_consumer(draft)}; taken: {draft.acs_url}")


def consumers(services: Iterable[AssertionConsumerService]) -> str:
    """Registered addresses in words."""
    return ", ".join(
        f"{one.url} by {one.binding.rpartition(':')[2]}"
        + ("" if one.index is None else f" with index {one.index}")
        for one in services
    )


def _asked_consumer(draft: Draft) -> str:
    request = draft.verified
    if request.acs_url is not None:
        return request.acs_url
    return "not said" if request.acs_index is None else f"index {request.acs_index}"


def _passive(draft: Draft) -> Evidence:
    said = {"ForceAuthn": draft.verified.force_authn, "IsPassive": draft.verified.is_passive}
    asked = ", ".join(name for name, on in said.items() if on)
    return Evidence(received=asked or "neither ForceAuthn nor IsPassive")


def _name_id_format(draft: Draft) -> Evidence:
    policy = draft.verified.name_id_policy
    asked = policy.format if policy and policy.format else NOT_SAID
    listed = ", ".join(one.rpartition(":")[2] for one in name_ids.SUPPORTED)
    short = asked.rpartition(":")[2]
    return Evidence(listed, f"{short}; taken: {draft.name_id_format.rpartition(':')[2]}")


def _authn_context(draft: Draft) -> Evidence:
    context = draft.verified.requested_authn_context
    if context is None:
        return Evidence(received=NOT_SAID)
    return Evidence(received=" ".join((context.comparison, *context.class_refs)))


def _subject(draft: Draft) -> Evidence:
    subject = draft.verified.subject
    if subject is None:
        return Evidence(received="no Subject")
    return Evidence(received=f"a NameID of {len(subject.value)} characters")


_PASSED: Mapping[str, Callable[[Draft], Evidence]] = {
    "decoded_message": _decoded,
    "verified_request": _signature,
    "enabled_application": lambda draft: Evidence(received=draft.known.application.name),
    "demanded_signature": _demand,
    "exact_destination": _destination,
    "recent_issue_instant": _issue_instant,
    "valid_conditions": _conditions,
    "not_seen_before": _seen,
    "registered_consumer": _consumer,
    "possible_passive": _passive,
    "known_name_id_format": _name_id_format,
    "reachable_authn_context": _authn_context,
    "known_subject": _subject,
}
