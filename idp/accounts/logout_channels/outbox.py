"""The outbox of direct notices: written with what ends, taken by one sender at a time.

A notice is due at `next_at`. Taking it moves that instant on by a lease, in one conditional update;
a sender that dies leaves it due again when the lease is over, so a receiver may hear twice, never
not at all. Retries wait longer each time, for a day.
"""

from __future__ import annotations

import secrets
import threading
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, QuerySet

from idp import audit
from idp.accounts.logout_channels import channels
from idp.models import Application, LogoutNotification, Participant
from idp.models.identifiers import db_id, db_instant, from_db_id

Channel = LogoutNotification.Channel
State = LogoutNotification.State

BATCH = 500
LEASE = timedelta(seconds=15)
WAITS = (
    *(timedelta(seconds=5), timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10)),
    *(timedelta(minutes=30), timedelta(hours=1), timedelta(hours=2), timedelta(hours=4)),
    *(timedelta(hours=8), timedelta(hours=8)),
)
JITTER_PER_CENT = 10
UNDELIVERED = (State.WAITING, State.RETRYING, State.FAILED, State.UNREACHABLE)
GIVEN_UP = (State.FAILED, State.UNREACHABLE)

_TAKE = (
    "UPDATE idp_logoutnotification"
    " SET next_at = %s, attempts = attempts + 1, last_attempt_at = %s"
    " WHERE id IN ({marks}) AND next_at <= %s RETURNING id"
)

bell = threading.Event()
"""Set when something has become due in this process: its sender need not wait to look."""


class Result(Enum):
    """What became of one attempt. REFUSED: the receiver said no, and would again."""

    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"
    WRONG_ANSWER = "wrong answer"
    NO_ANSWER = "no answer"


@dataclass(frozen=True, slots=True)
class Asked:
    """The application that asked for a sign-out, and the channel by which it did."""

    application: Application
    channel: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """One attempt's result; `error`: one sentence for administrators."""

    result: Result
    status: int | None = None
    error: str = ""


def queue(participants: QuerySet[Participant], *, now: datetime, asked: Asked | None = None) -> int:
    """Write a notice for each of `participants` that wants one; returns how many.

    `asked`: who asked for the end; it is told nothing, and the ledger says that it knows.
    To be called in the transaction that ends their part; after its commit the sender is woken.
    A notice that is there already is of the time when the application was disabled: where it is
    enabled again, it has to hear once more.
    """
    told = participants
    if asked is not None:
        told = participants.exclude(application=asked.application)
        _note_asked(participants.filter(application=asked.application), asked, now=now)
    enabled: list[LogoutNotification] = []
    disabled: list[LogoutNotification] = []
    for channel, how in channels.direct().items():
        wanting = how.wanting(told).select_related("session", "application")
        for row in wanting.defer("application__logo"):
            notice = notice_for(row, channel=channel, now=now)
            notice.next_at = now
            (enabled if row.application.enabled else disabled).append(notice)
    rows = LogoutNotification.objects
    rows.bulk_create(
        enabled,
        batch_size=BATCH,
        update_conflicts=True,
        update_fields=[
            *("state", "attempts", "created_at", "next_at", "done_at"),
            *("name_id", "name_id_format"),
        ],
        unique_fields=["sid", "channel"],
    )
    rows.bulk_create(disabled, batch_size=BATCH, ignore_conflicts=True)
    if enabled or disabled:
        transaction.on_commit(bell.set)
    return len(enabled) + len(disabled)


def notice_for(
    row: Participant, *, channel: str, now: datetime, **facts: Any
) -> LogoutNotification:
    """A notice about a participant (read with its session), not written yet."""
    return LogoutNotification(
        session_id=row.session_id,
        user_id=row.session.user_id,
        application_id=row.application_id,
        channel=channel,
        sid=row.pk,
        name_id=row.name_id,
        name_id_format=row.name_id_format,
        created_at=now,
        **facts,
    )


def _note_asked(participants: QuerySet[Participant], asked: Asked, *, now: datetime) -> None:
    facts = {"state": State.ACKNOWLEDGED, "done_at": now}
    notices = [
        notice_for(row, channel=asked.channel, now=now, **facts)
        for row in participants.select_related("session")
    ]
    LogoutNotification.objects.bulk_create(notices, batch_size=BATCH, ignore_conflicts=True)


def queue_disabled(application: Application, *, most: int, now: datetime) -> int:
    """Write notices for up to `most` live sessions of a disabled application; returns how many.

    The sessions go on; those of which it has been told are left out.
    """
    live = Participant.objects.filter(application=application, session__ended_at=None)
    for channel, how in channels.direct().items():
        told = LogoutNotification.objects.filter(sid=OuterRef("pk"), channel=channel)
        untold = how.wanting(live.filter(~Exists(told)))
        keys = list(untold.values_list("pk", flat=True)[:most])
        if keys:
            return queue(Participant.objects.filter(pk__in=keys), now=now)
    return 0


def forget(application: Application) -> None:
    """It is enabled again: of its part in live sessions nobody has been told anything."""
    LogoutNotification.objects.filter(application=application, session__ended_at=None).delete()


def due(*, most: int, except_for: Collection[uuid.UUID], now: datetime) -> list[LogoutNotification]:
    """Notices whose time has come, the longest waiting first, with application and client.

    `except_for`: applications that have to wait.
    """
    waiting = LogoutNotification.objects.filter(next_at__lte=now).order_by("next_at")
    if except_for:
        waiting = waiting.exclude(application_id__in=except_for)
    found = waiting.select_related("application__client").defer("application__logo")
    return list(found[:most])


def take(notices: Sequence[LogoutNotification], *, now: datetime) -> list[LogoutNotification]:
    """Those of `notices` that nobody else took; an attempt is counted and the lease begins."""
    if not notices:
        return []
    lease = now + LEASE
    parameters = [db_instant(lease), db_instant(now), *(db_id(one.pk) for one in notices)]
    marks = ", ".join(["%s"] * len(notices))
    with connection.cursor() as cursor:
        cursor.execute(_TAKE.format(marks=marks), [*parameters, db_instant(now)])
        mine = {from_db_id(row[0]) for row in cursor.fetchall()}
    taken = [one for one in notices if one.pk in mine]
    for one in taken:
        one.next_at, one.last_attempt_at = lease, now
        one.attempts += 1
    return taken


def settle(notice: LogoutNotification, outcome: Outcome, *, now: datetime) -> bool:
    """Write down what became of an attempt; False if that does not count any more.

    An acknowledgement always counts. Anything else does only while the lease is ours: a second
    sender may have had more luck meanwhile.
    """
    rows = LogoutNotification.objects.filter(pk=notice.pk).exclude(state=State.ACKNOWLEDGED)
    if outcome.result is not Result.ACKNOWLEDGED:
        rows = rows.filter(next_at=notice.next_at)
    state = _state(notice, outcome)
    next_at = now + _wait(notice.attempts) if state == State.RETRYING else None
    changed = rows.update(
        state=state,
        next_at=next_at,
        done_at=None if next_at else now,
        status=outcome.status,
        error=outcome.error[:300],
    )
    notice.state, notice.error, notice.next_at = state, outcome.error[:300], next_at
    return bool(changed)


def record(notice: LogoutNotification) -> None:
    """The last word about a notice, in the audit trail."""
    reached = notice.state == State.ACKNOWLEDGED
    audit.record(
        "logout.notified" if reached else "logout.failed",
        result="success" if reached else "failure",
        reason="" if reached else f"{notice.state}: {notice.error}",
        application=notice.application,
        session_id=notice.session_id,
        user_id=notice.user_id,
        details={"attempts": notice.attempts},
    )


def _state(notice: LogoutNotification, outcome: Outcome) -> State:
    if outcome.result is Result.ACKNOWLEDGED:
        return State.ACKNOWLEDGED
    if outcome.result is Result.REFUSED:
        return State.FAILED
    if notice.attempts <= len(WAITS):
        return State.RETRYING
    return State.FAILED if outcome.result is Result.WRONG_ANSWER else State.UNREACHABLE


def _wait(attempts: int) -> timedelta:
    """How long until the next attempt: a little apart, so that many do not come at once."""
    per_cent = 100 - JITTER_PER_CENT + secrets.randbelow(2 * JITTER_PER_CENT + 1)
    return WAITS[attempts - 1] * per_cent / 100


def give_back(notices: Sequence[LogoutNotification], *, now: datetime) -> None:
    """Make what was taken and not finished due at once, for the next process."""
    for one in notices:
        rows = LogoutNotification.objects.filter(pk=one.pk, next_at=one.next_at)
        rows.update(next_at=now)


def send_again(notices: QuerySet[LogoutNotification], *, now: datetime) -> int:
    """Begin anew with what was given up or waits for its retry; returns how many."""
    undelivered = notices.filter(channel__in=channels.direct(), state__in=UNDELIVERED)
    changed = undelivered.update(state=State.WAITING, attempts=0, next_at=now, done_at=None)
    if changed:
        transaction.on_commit(bell.set)
    return changed
