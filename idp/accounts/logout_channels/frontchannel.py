"""Front-channel logout (OIDC Front-Channel Logout §2, §3): frames in the browser that signs out.

The page is opened after the session has ended. What it needs stands in a sealed ticket of its
address: reloading it is harmless, and it is worth nothing to others.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson
from django.conf import settings
from django.db.models import QuerySet

from idp import keys
from idp.accounts.logout_channels.outbox import Channel, State
from idp.models import LogoutNotification, Participant, Session
from idp.protocol import jose, response_mode
from idp.protocol import uri as uris

PATH = "/logout/applications"
PURPOSE = "front-channel logout"
TICKET_LIFETIME = timedelta(minutes=15)
LONGEST_TICKET = 32 * 1024
MOST_FRAMES = 100


@dataclass(frozen=True, slots=True)
class Frame:
    """One application's frame; `source`: its origin as a CSP names it."""

    name: str
    address: str
    source: str


@dataclass(frozen=True, slots=True)
class Ticket:
    """Which session has ended, and where the person goes on: a proven address, or empty."""

    session_id: uuid.UUID
    redirect_to: str


def is_wanted(session: Session) -> bool:
    """Whether an application in this session is to be told in the browser."""
    return _participants(session.pk).exists()


def address(session_id: uuid.UUID, *, redirect_to: str, now: datetime) -> str:
    """The path of the page that tells them and goes on."""
    content = orjson.dumps([now.timestamp(), session_id.hex, redirect_to])
    return f"{PATH}?ticket={jose.encode(keys.seal(PURPOSE, content))}"


def read(ticket: str, *, now: datetime) -> Ticket | None:
    """What a page's address holds; None for anything but a recent ticket of ours."""
    if len(ticket) > LONGEST_TICKET:
        return None
    try:
        sealed_at, session_id, to = orjson.loads(keys.unseal(PURPOSE, jose.decode(ticket)))
    except (jose.InvalidJwt, keys.Unsealable):
        return None
    if now.timestamp() - sealed_at > TICKET_LIFETIME.total_seconds():
        return None
    return Ticket(uuid.UUID(hex=session_id), to)


def show(ticket: Ticket, *, now: datetime) -> list[Frame]:
    """The frames of a session that has ended; writes down that the browser got them."""
    found = _participants(ticket.session_id).filter(session__ended_at__isnull=False)
    found = found.select_related("application__client", "session").defer("application__logo")
    rows = list(found.order_by("-last_at")[:MOST_FRAMES])
    frames = [(row, frame) for row in rows if (frame := _frame(row)) is not None]
    _record([row for row, _ in frames], now=now)
    return [frame for _, frame in frames]


def _participants(session_id: uuid.UUID) -> QuerySet[Participant]:
    listening = Participant.objects.filter(application__client__frontchannel_logout_uri__gt="")
    return listening.filter(session_id=session_id)


def _frame(row: Participant) -> Frame | None:
    """The registered address with `iss` and `sid` added (§2); None for one that is none."""
    registered = row.application.client.frontchannel_logout_uri
    try:
        source = response_mode.form_action(registered)
    except uris.InvalidUri:
        return None
    parameters = {"iss": settings.IDP.issuer, "sid": row.pk.hex}
    return Frame(row.application.name, response_mode.query(registered, parameters), source)


def _record(rows: Sequence[Participant], *, now: datetime) -> None:
    notices = [
        LogoutNotification(
            session_id=row.session_id,
            user_id=row.session.user_id,
            application_id=row.application_id,
            channel=Channel.FRONTCHANNEL,
            state=State.SHOWN,
            sid=row.pk,
            attempts=1,
            created_at=now,
            last_attempt_at=now,
            done_at=now,
        )
        for row in rows
    ]
    LogoutNotification.objects.bulk_create(notices, ignore_conflicts=True)


def sources(frames: Sequence[Frame]) -> list[str]:
    """What `frame-src` of the page's policy lists: each origin once."""
    return sorted({frame.source for frame in frames})
