"""The channel by which service providers with a SOAP address hear of a sign-out: we ask them.

A `Direct` channel of `idp.accounts.logout_channels`: written into the outbox with the session's
end, sent afresh each time, and done when a signed LogoutResponse says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.db.models import QuerySet

from federation.identity_provider.errors import UnknownServiceProvider
from federation.identity_provider.single_logout import arrival, outgoing, services, telling
from federation.models import ServiceProvider
from federation.saml import datatypes, errors, logout, signature, soap
from idp import outbound
from idp.accounts.logout_channels import backchannel
from idp.accounts.logout_channels.outbox import Outcome, Result
from idp.models import LogoutNotification, Participant

TIMEOUT = timedelta(seconds=5)
LONGEST_ANSWER = 256 * 1024


@dataclass(frozen=True, slots=True)
class Sending:
    """What is posted where, and which answer counts."""

    url: str
    entity_id: str
    request_id: str
    keys: tuple[signature.VerificationKey, ...] = field(repr=False)
    body: bytes = field(repr=False)


def wanting(participants: QuerySet[Participant]) -> QuerySet[Participant]:
    """Those with a SOAP address that know the person by a name."""
    listening = services.listeners().soap
    if not listening:
        return participants.none()
    return participants.filter(application_id__in=listening).filter(name_id__gt="")


def receiver(notice: LogoutNotification) -> str:
    """Which host is asked."""
    row = _row(notice)
    return urlsplit(services.soap(row)).netloc.lower() if row is not None else ""


def _row(notice: LogoutNotification) -> ServiceProvider | None:
    return getattr(notice.application, "service_provider", None)


def prepare(notice: LogoutNotification, *, now: datetime) -> Sending | None:
    """The envelope with a fresh request; None if there is no address any more."""
    row = _row(notice)
    url = services.soap(row) if row is not None else ""
    if row is None or not url:
        return None
    request_id = datatypes.new_id()
    element = telling.request(notice, row, request_id=request_id, destination=url, now=now)
    body = outgoing.by_soap(element, row)
    keys = tuple(signature.verification_key(one) for one in row.signing_certificates)
    return Sending(url, row.entity_id, request_id, keys, body)


def post(sending: Sending) -> Outcome:
    """Post it and read the answer, which has to be signed (SAML Profiles §4.4.4.2)."""
    try:
        answer = outbound.post(
            sending.url,
            body=sending.body,
            content_type=f"{soap.MEDIA_TYPE}; charset=utf-8",
            accept=soap.MEDIA_TYPE,
            limit=LONGEST_ANSWER,
            timeout=TIMEOUT,
            headers=dict([soap.ACTION]),
        )
    except outbound.OutboundError as error:
        return backchannel.not_posted(error)
    if answer.status != 200:
        return Outcome(
            Result.WRONG_ANSWER, answer.status, f"it answers with status {answer.status}"
        )
    return _meaning(sending, answer.body)


def _meaning(sending: Sending, body: bytes) -> Outcome:
    """What the envelope says: anything but a signed answer to this very request is none."""

    def keys_of(issuer: str) -> Sequence[signature.VerificationKey]:
        if issuer != sending.entity_id:
            raise UnknownServiceProvider("unknown_issuer", issuer)
        return sending.keys

    try:
        message = soap.open_envelope(body)
        answer = logout.receive_response_element(message, keys_of=keys_of)
        arrival.check_answers(answer, request_id=sending.request_id)
    except errors.SamlError as error:
        return Outcome(Result.WRONG_ANSWER, 200, f"its answer was not accepted: {error.check}")
    refused = arrival.words(answer)
    return Outcome(Result.REFUSED if refused else Result.ACKNOWLEDGED, 200, refused)
