"""One back-channel notice: its token, its way to the receiver, the meaning of the answer.

OIDC Back-Channel Logout §2.5, §2.8. Preparing reads the database and signs, posting does neither:
threads that wait for a slow receiver hold no connection to the database.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlencode, urlsplit

from django.db.models import QuerySet

from idp import outbound
from idp.accounts.logout_channels.outbox import Outcome, Result
from idp.models import LogoutNotification, Participant
from idp.tokens import logout_token

FORM = "application/x-www-form-urlencoded"
TIMEOUT = timedelta(seconds=5)
LONGEST_ANSWER = 64 * 1024
# A refusal of the receiver (§2.8), or of our own door, stays one. Others may be a deployment's.
FINAL_STATUS = 400
FINAL_REASONS = ("refused", "too_large")
UNANSWERED_REASONS = ("unreachable", "timeout", "tls")


@dataclass(frozen=True, slots=True)
class Sending:
    """What is posted where."""

    uri: str
    body: bytes = field(repr=False)


def wanting(participants: QuerySet[Participant]) -> QuerySet[Participant]:
    """Those whose client has an address for it (§2.2)."""
    return participants.filter(application__client__backchannel_logout_uri__gt="")


def receiver(notice: LogoutNotification) -> str:
    """Which host is asked; how much goes there at once is bounded."""
    return urlsplit(_uri(notice)).netloc.lower()


def prepare(notice: LogoutNotification, *, now: datetime) -> Sending | None:
    """The request with a fresh logout token; None if the client has no address any more."""
    if not _uri(notice):
        return None
    client = notice.application.client
    token = logout_token.issue(client, user_id=notice.user_id, sid=notice.sid, now=now)
    return Sending(_uri(notice), urlencode({"logout_token": token}).encode())


def _uri(notice: LogoutNotification) -> str:
    client = getattr(notice.application, "client", None)
    return client.backchannel_logout_uri if client is not None else ""


def post(sending: Sending) -> Outcome:
    """Post it and wait for the answer, at most five seconds (§2.5)."""
    try:
        answer = outbound.post(
            sending.uri,
            body=sending.body,
            content_type=FORM,
            accept="application/json, */*;q=0.1",
            limit=LONGEST_ANSWER,
            timeout=TIMEOUT,
        )
    except outbound.OutboundError as error:
        return not_posted(error)
    if 200 <= answer.status < 300:
        return Outcome(Result.ACKNOWLEDGED, answer.status)
    final = answer.status == FINAL_STATUS
    return Outcome(
        Result.REFUSED if final else Result.WRONG_ANSWER,
        answer.status,
        f"it answers with status {answer.status}",
    )


def not_posted(error: outbound.OutboundError) -> Outcome:
    """What it means that our own door gave up."""
    if error.reason in FINAL_REASONS:
        return Outcome(Result.REFUSED, error=str(error))
    unanswered = error.reason in UNANSWERED_REASONS
    return Outcome(Result.NO_ANSWER if unanswered else Result.WRONG_ANSWER, error=str(error))
