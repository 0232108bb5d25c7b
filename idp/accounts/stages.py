"""The dispatcher's decision: which step comes next, from stored state alone.

Nothing here changes anything, and no step is remembered as passed: a step is passed when its
proof is there, so restarting, going back or skipping never gets anybody further.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from idp.accounts import access, interaction, requirement
from idp.accounts.consents import ConsentQuestion
from idp.accounts.interaction import Refusal
from idp.models import Interaction, Session


class Step(StrEnum):
    """What has to happen next; the value is the last part of its page's address."""

    LOGIN = "login"
    NOT_ALLOWED = "not-allowed"
    CONSENT = "consent"
    FINISH = "finish"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Decision:
    """The next step; `question` with CONSENT, `reason` with NOT_ALLOWED and REFUSE."""

    step: Step
    reason: str = ""
    question: ConsentQuestion | None = None


def decide(row: Interaction, session: Session | None, *, now: datetime) -> Decision:
    """The next step of an interaction for whoever is signed in in its browser.

    `session`: the live session, its person active.
    """
    wanted = requirement.load(row.requirement)
    if row.refused:
        return Decision(Step.REFUSE, row.refused)
    if not requirement.is_reachable(wanted):
        return Decision(Step.REFUSE, Refusal.UNMET)
    since = proven_since(row, session)
    if session is not None and session.authenticated_at >= since:
        if not requirement.is_expected(wanted, session):
            return Decision(Step.REFUSE, Refusal.LOGIN_REQUIRED)
    elif row.switched_at is not None:
        return Decision(Step.LOGIN)
    if session is None or not requirement.is_met(wanted, session, proven_since=since, now=now):
        return Decision(Step.REFUSE, Refusal.LOGIN_REQUIRED) if wanted.passive else LOGIN
    return _for(row, session, passive=wanted.passive)


LOGIN = Decision(Step.LOGIN)


def proven_since(row: Interaction, session: Session | None) -> datetime:
    """From when on a proof counts as given for this interaction.

    A proof made in it counts whatever the clocks of two machines say.
    """
    since = row.switched_at or row.created_at
    if session is not None and row.authenticated_at and row.session_id == session.pk:
        return min(since, session.authenticated_at)
    return since


def _for(row: Interaction, session: Session, *, passive: bool) -> Decision:
    """What a person whose sign-in suffices still lacks: permission, consent, or nothing."""
    if row.application is not None:
        decision = access.may_use(session.user, row.application)
        if not decision.allowed and passive:
            return Decision(Step.REFUSE, Refusal.NOT_ALLOWED)
        if not decision.allowed:
            return Decision(Step.NOT_ALLOWED, decision.reason)
    ask = interaction.kind_of(row).consent
    if ask is None or (row.consented_at is not None and row.session_id == session.pk):
        return Decision(Step.FINISH)
    question = ask(row, session)
    if question is None:
        return Decision(Step.FINISH)
    if passive:
        return Decision(Step.REFUSE, Refusal.CONSENT_REQUIRED)
    return Decision(Step.CONSENT, question=question)
