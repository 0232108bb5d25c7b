"""The ledger of a session: who took part, who was told of its end, and what they answered.

Participants of either protocol. Whoever cannot be told stands there too, with the reason.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from idp.accounts.logout_channels import channels
from idp.accounts.logout_channels.outbox import Channel, State
from idp.models import Application, LogoutNotification, Participant


class Untold(StrEnum):
    """Why an application was not told."""

    NO_ADDRESS = "no_address"
    BROWSER_ONLY = "browser_only"


# What a reader wants to know first of an application that was told by two channels.
_ORDER = (
    State.ACKNOWLEDGED,
    State.SHOWN,
    State.WAITING,
    State.RETRYING,
    State.FAILED,
    State.UNREACHABLE,
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One application's part in a session.

    `notices`: what it was sent, the best result first; without any, `untold` says why.
    """

    application: Application
    sid: uuid.UUID
    last_at: datetime
    notices: tuple[LogoutNotification, ...]
    untold: str

    @property
    def state(self) -> str:
        """The best result, or why there is none.

        An application that could have answered through the browser and did not: `unanswered`.
        """
        if not self.notices:
            return self.untold
        best = self.notices[0]
        return UNANSWERED if is_unanswered(best) else best.state

    @property
    def was_told(self) -> bool:
        """Whether it knows, as far as anybody can: a frame of OpenID Connect answers nothing."""
        return self.state in (State.ACKNOWLEDGED, State.SHOWN)


UNANSWERED = "unanswered"


def is_unanswered(notice: LogoutNotification) -> bool:
    """Whether a browser took the message along and nobody has come back with the answer."""
    return notice.channel == Channel.SAML_BROWSER and notice.state == State.SHOWN


def of(session_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, list[Entry]]:
    """The entries of each session, last used first: two questions, however many sessions."""
    keys = list(session_ids)
    told: dict[uuid.UUID, list[LogoutNotification]] = {}
    notices = LogoutNotification.objects.filter(session_id__in=keys)
    for notice in notices:
        told.setdefault(notice.sid, []).append(notice)
    ledger: dict[uuid.UUID, list[Entry]] = {key: [] for key in keys}
    participants = Participant.objects.filter(session_id__in=keys).order_by("-last_at")
    for row in participants.select_related("application__client").defer("application__logo"):
        ledger[row.session_id].append(_entry(row, told.pop(row.pk, [])))
    return ledger


def _entry(row: Participant, notices: list[LogoutNotification]) -> Entry:
    untold = "" if notices else _untold(row.application)
    return Entry(row.application, row.pk, row.last_at, _sorted(notices), untold)


def _sorted(notices: list[LogoutNotification]) -> tuple[LogoutNotification, ...]:
    order = {state.value: place for place, state in enumerate(_ORDER)}
    return tuple(sorted(notices, key=lambda one: order[one.state]))


def _untold(application: Application) -> Untold:
    needs_browser = channels.needs_browser(application)
    return Untold.BROWSER_ONLY if needs_browser else Untold.NO_ADDRESS


def is_pending(entries: Iterable[Entry]) -> bool:
    """Whether somebody has not been told yet and will be."""
    pending = (State.WAITING, State.RETRYING)
    return any(notice.state in pending for entry in entries for notice in entry.notices)
