"""The journey: a person who signs out is led past the applications that need the whole window.

One after the other, because a browser keeps an application's cookies from frames in our page (they
are another site's, and SameSite=Lax unless said otherwise): only where the application's own
address is the page does it find its session. Each departure is an interaction of this browser;
its handle travels with the message and comes back with the answer. Who does not come back is left
behind by going on, from the page that leads.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from idp import metrics
from idp.accounts import interaction
from idp.accounts.interaction import BrowserRequest
from idp.accounts.logout_channels import channels, ledger, outbox
from idp.accounts.logout_channels.outbox import State
from idp.models import Interaction, LogoutNotification, Participant, Session
from idp.protocol.authentication_context import AuthenticationRequirement
from idp.protocol.message import Response

KIND = "logout journey"
MOST_STOPS = 50
NOT_REACHED = "it has no address for sign-out any more"


@dataclass(frozen=True, slots=True)
class Stop:
    """One application on the way; `state`: `ahead`, or what became of it."""

    sid: uuid.UUID
    name: str
    state: str


@dataclass(frozen=True, slots=True)
class Trip:
    """A message that is under way in this browser: its notice, and the page that it comes back to.

    `row`: the interaction, which takes one answer.
    """

    notice: LogoutNotification
    way_back: str
    row: Interaction


def is_wanted(session: Session) -> bool:
    """Whether there is anybody to be led to."""
    for channel, rows in _listening(session.pk):
        told = LogoutNotification.objects.filter(sid=OuterRef("pk"), channel=channel)
        if rows.filter(~Exists(told)).exists():
            return True
    return False


def _listening(session_id: uuid.UUID) -> list[tuple[str, QuerySet[Participant]]]:
    rows = Participant.objects.filter(session_id=session_id)
    return [(channel, how.wanting(rows)) for channel, how in channels.through_browser().items()]


def stops(session_id: uuid.UUID) -> list[Stop]:
    """Everybody on the way of a session that has ended, in the order of the journey.

    Who asked for the sign-out itself has answered before it began, and is no stop.
    """
    notices = {
        one.sid: one
        for one in LogoutNotification.objects.filter(
            session_id=session_id, channel__in=channels.through_browser()
        )
    }
    found: list[Stop] = []
    for _, rows in _listening(session_id):
        ended = rows.filter(session__ended_at__isnull=False).select_related("application")
        for row in ended.defer("application__logo").order_by("-last_at", "pk")[:MOST_STOPS]:
            notice = notices.get(row.pk)
            if notice is None or notice.attempts:
                found.append(Stop(row.pk, row.application.name, _state(notice)))
    return found


def _state(notice: LogoutNotification | None) -> str:
    if notice is None:
        return "ahead"
    return ledger.UNANSWERED if ledger.is_unanswered(notice) else notice.state


def depart(
    session_id: uuid.UUID,
    sid: uuid.UUID,
    *,
    way_back: str,
    origin: BrowserRequest,
    now: datetime,
) -> Response | None:
    """Take the browser to one application of a session that has ended, once; None if it was there.

    `way_back`: our page that goes on.
    """
    for channel, rows in _listening(session_id):
        found = rows.filter(pk=sid, session__ended_at__isnull=False)
        row = found.select_related("session", "application").first()
        if row is None:
            continue
        notice = outbox.notice_for(
            row,
            channel=channel,
            now=now,
            state=State.SHOWN,
            attempts=1,
            last_attempt_at=now,
            request_id=f"_{secrets.token_hex(20)}",
        )
        if not _write(notice):
            return None
        return _leave(notice, channel, way_back=way_back, origin=origin, now=now)
    return None


def _write(notice: LogoutNotification) -> bool:
    """Insert it; False if somebody was faster."""
    LogoutNotification.objects.bulk_create([notice], ignore_conflicts=True)
    return LogoutNotification.objects.filter(pk=notice.pk).exists()


def _leave(
    notice: LogoutNotification,
    channel: str,
    *,
    way_back: str,
    origin: BrowserRequest,
    now: datetime,
) -> Response | None:
    opened = interaction.open(
        KIND,
        application=notice.application,
        requirement=AuthenticationRequirement(),
        request={"notice": notice.pk.hex, "way_back": way_back},
        origin=origin,
        now=now,
        path="",
    )
    answer = channels.through_browser()[channel].depart(
        notice, request_id=notice.request_id, relay_state=opened.path, now=now
    )
    if answer is None:
        _settle(notice, State.FAILED, NOT_REACHED, now=now)
        return None
    answer.headers += [("Set-Cookie", cookie) for cookie in opened.cookies]
    return answer


def find(handle: str, *, browser: str, now: datetime) -> Trip | None:
    """What came back to this browser; None for anything that is not under way in it."""
    row, problem = interaction.find(handle, browser=browser, of_kinds={KIND}, now=now)
    if row is None or problem is not None:
        return None
    request: Mapping[str, Any] = row.request
    notice = (
        LogoutNotification.objects.filter(pk=uuid.UUID(hex=request["notice"]))
        .select_related("application")
        .defer("application__logo")
        .first()
    )
    return None if notice is None else Trip(notice, str(request["way_back"]), row)


def arrive(trip: Trip, *, error: str, now: datetime) -> bool:
    """Write down the application's answer, once. `error`: empty, or why it is not signed out."""
    if not interaction.claim(trip.row, None, now=now):
        return False
    return _settle(trip.notice, State.FAILED if error else State.ACKNOWLEDGED, error, now=now)


def _settle(notice: LogoutNotification, state: State, error: str, *, now: datetime) -> bool:
    """The notice and the audit trail, in one transaction."""
    with transaction.atomic():
        rows = LogoutNotification.objects.filter(pk=notice.pk, state=State.SHOWN)
        if not rows.update(state=state, done_at=now, error=error[:300]):
            return False
        notice.state, notice.error = state, error[:300]
        metrics.LOGOUTS.labels(notice.state).inc()
        outbox.record(notice)
    return True
