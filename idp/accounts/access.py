"""Who may use an application: one decision for both protocols, denied unless it says otherwise."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

import structlog
from django.db.models import prefetch_related_objects

from idp.models import Application, User

log = structlog.get_logger("gatehouse.access")

Access = Application.Access


@dataclass(frozen=True, slots=True)
class Decision:
    """`reason` of a refusal: disabled, inactive, nobody, groups, error."""

    allowed: bool
    reason: str = ""


def may_use(user: User, application: Application) -> Decision:
    """Whether this person may use this application now; a policy that fails denies."""
    try:
        reason = _refusal(user, application)
    except Exception:
        log.exception("access_policy_failed", application=str(application.pk))
        return Decision(False, "error")
    return Decision(not reason, reason)


def _refusal(user: User, application: Application) -> str:
    if not application.enabled:
        return "disabled"
    if not user.is_active:
        return "inactive"
    if application.access == Access.EVERYONE:
        return ""
    if application.access != Access.GROUPS:
        return "nobody"
    allowed = {group.pk for group in application.allowed_groups.all()}
    return "" if allowed and _is_member(user, allowed) else "groups"


def _is_member(user: User, groups: set[uuid.UUID]) -> bool:
    if "groups" in getattr(user, "_prefetched_objects_cache", {}):
        return any(group.pk in groups for group in user.groups.all())
    return user.groups.filter(pk__in=groups).exists()


def usable(user: User, applications: Iterable[Application]) -> list[Application]:
    """Those of the applications that this person may use; give them with their groups read."""
    prefetch_related_objects([user], "groups")
    return [application for application in applications if may_use(user, application).allowed]
