"""AuthenticationRequirement as it is stored with an interaction, and what a session lacks of it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from idp import subjects
from idp.models import Session
from idp.protocol import authentication_context
from idp.protocol.authentication_context import AuthenticationRequirement

BEST_ACR = "pwd"
"""The highest acr that a person can reach here."""


def dump(requirement: AuthenticationRequirement) -> dict[str, Any]:
    """The requirement as JSON."""
    document = asdict(requirement)
    if requirement.max_age is not None:
        document["max_age"] = requirement.max_age.total_seconds()
    return document


def load(document: Mapping[str, Any]) -> AuthenticationRequirement:
    """The requirement out of its JSON."""
    values = dict(document)
    if values.get("max_age") is not None:
        values["max_age"] = timedelta(seconds=values["max_age"])
    values["acr_values"] = tuple(values.get("acr_values", ()))
    return AuthenticationRequirement(**values)


def is_reachable(requirement: AuthenticationRequirement) -> bool:
    """Whether anybody could meet it here; if not, asking for a sign-in is in vain."""
    return not requirement.essential_acr or authentication_context.reachable(
        requirement.acr_values, best=BEST_ACR
    )


def is_met(
    requirement: AuthenticationRequirement,
    session: Session | None,
    *,
    proven_since: datetime | None = None,
    now: datetime,
) -> bool:
    """Whether this session answers the requirement as it is, without asking the person.

    `proven_since`: when the interaction began; None before there is one. Consent is another matter.
    """
    if session is None or not is_expected(requirement, session):
        return False
    chosen = proven_since is not None and session.authenticated_at >= proven_since
    if requirement.select_account and not chosen:
        return False
    return authentication_context.satisfied(
        requirement,
        authenticated_at=session.authenticated_at,
        proven_since=proven_since,
        acr=session.acr,
        now=now,
    )


def is_expected(requirement: AuthenticationRequirement, session: Session) -> bool:
    """Whether the session belongs to the person that was asked for, if one was."""
    return is_of(requirement, session.user_id)


def is_of(requirement: AuthenticationRequirement, user_id: uuid.UUID) -> bool:
    """Whether this is the person that was asked for, if one was."""
    if requirement.subject is None:
        return True
    return requirement.subject == subjects.in_sector(requirement.sector, user_id)
