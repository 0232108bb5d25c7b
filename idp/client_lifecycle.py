"""The life of clients that registered themselves: in use, unused, alike, removed (RFC 7591 §5).

Nothing with a live token goes, nor what an administrator has marked to keep. Counting live grants
reads the whole table, which has no index but its key: it is done once for all applications, and
remembered for some minutes.
"""

from __future__ import annotations

import time
import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone
from django_tasks import task

from idp import registration, registration_policy, schedule
from idp.models import Application, Client, Grant, Session

DYNAMIC = Application.Origin.DYNAMIC
REMEMBERED_SECONDS = 300.0
MOST_AT_ONCE = 5_000
LOGOS_AT_ONCE = 20
LOGOS_TRIED_FOR = timedelta(days=7)
MOST_COMPARED = 20_000

_counts: tuple[float, dict[uuid.UUID, int]] = (0.0, {})


def live_grants() -> dict[uuid.UUID, int]:
    """How many grants each application holds that could still give a token; minutes old at most."""
    global _counts
    taken, counts = _counts
    if taken and time.monotonic() - taken < REMEMBERED_SECONDS:
        return counts
    counts = _count(Grant.objects.all(), now=timezone.now())
    _counts = (time.monotonic(), counts)
    return counts


def forget_counts() -> None:
    """Count anew at the next look."""
    global _counts
    _counts = (0.0, {})


def _count(grants: QuerySet[Grant], *, now: datetime) -> dict[uuid.UUID, int]:
    live = grants.filter(revoked_at=None, expires_at__gt=now, absolute_expires_at__gt=now)
    # The end of a session denies its tokens and leaves the rows: only offline grants go on.
    ended = Session.objects.filter(pk=OuterRef("session_id"), ended_at__isnull=False)
    live = live.filter(Q(offline=True) | ~Exists(ended))
    rows = live.values("application_id").annotate(total=Count("pk")).order_by()
    return {row["application_id"]: row["total"] for row in rows}


def expires_at(application: Application) -> datetime | None:
    """When an unused client may be removed, None for one that stays."""
    days = registration_policy.current().unused_days
    if application.origin != DYNAMIC or application.keep or not days:
        return None
    return (application.last_used_at or application.created_at) + timedelta(days=days)


def unused(*, now: datetime) -> QuerySet[Application]:
    """Clients that registered themselves and have not been used for as long as the policy says.

    Some of them may still hold live grants: see `removable`.
    """
    days = registration_policy.current().unused_days
    if not days:
        return Application.objects.none()
    candidates = Application.objects.filter(origin=DYNAMIC, keep=False).alias(
        used=Coalesce("last_used_at", "created_at")
    )
    return candidates.filter(used__lt=now - timedelta(days=days)).order_by("pk")


def removable(*, now: datetime) -> list[uuid.UUID]:
    """The identifiers of all unused clients without a live grant, which are counted now."""
    candidates = unused(now=now)
    found = list(candidates.values_list("pk", flat=True))
    if not found:
        return []
    theirs = Grant.objects.filter(application_id__in=candidates.order_by().values("pk"))
    alive = _count(theirs, now=now)
    return [key for key in found if key not in alive]


def prune(*, now: datetime, actor: str = "schedule") -> int:
    """Remove what is unused, one transaction each; returns how many clients went.

    What is left over after `MOST_AT_ONCE`, the next run removes.
    """
    removed = 0
    for key in removable(now=now)[:MOST_AT_ONCE]:
        client = Client.objects.select_related("application").filter(pk=key).first()
        # Used or kept meanwhile: looked at again right before it goes.
        if client is None or not unused(now=now).filter(pk=key).exists():
            continue
        registration.remove(client, actor=actor, reason="not used")
        removed += 1
    return removed


@dataclass(frozen=True)
class Alike:
    """Clients that are probably one: what they share, and which they are, oldest first."""

    shared: str
    applications: tuple[Application, ...]


def duplicates() -> list[Alike]:
    """Clients of the same software, or with the same name and redirect URIs (RFC 7591 §2)."""
    groups: defaultdict[tuple[str, str], list[Application]] = defaultdict(list)
    clients = Client.objects.select_related("application").defer("application__logo")
    for client in clients.filter(application__origin=DYNAMIC).order_by("pk")[:MOST_COMPARED]:
        groups[_likeness(client)].append(client.application)
    return [
        Alike(shared, tuple(found))
        for (shared, _), found in sorted(groups.items(), key=lambda one: -len(one[1]))
        if len(found) > 1
    ]


def _likeness(client: Client) -> tuple[str, str]:
    software = client.metadata.get("software_id")
    if software:
        return f"software_id {software}", str(client.metadata.get("software_version", ""))
    return client.application.name, " ".join(sorted(client.redirect_uris))


def missing_logos(*, now: datetime) -> Iterable[Client]:
    """Clients whose logo could not be read, while it is worth another try.

    Not those whose logo an administrator has removed.
    """
    rows = Client.objects.select_related("application").filter(
        application__logo_type="", application__updated_at__gt=now - LOGOS_TRIED_FOR
    )
    problem = rows.filter(metadata__has_key=registration.LOGO_PROBLEM)
    return problem.order_by("?")[:LOGOS_AT_ONCE]


@task()
def prune_unused_clients() -> int:
    """Remove clients that registered themselves and are not used."""
    return prune(now=timezone.now())


@task()
def read_missing_logos() -> int:
    """Try again what could not be read at the registration."""
    return sum(registration.read_logo(client) for client in missing_logos(now=timezone.now()))


def install() -> None:
    """Let the jobs run; called once at start."""
    jobs: Any = {
        "prune-clients": (prune_unused_clients, timedelta(hours=6)),
        "read-logos": (read_missing_logos, timedelta(hours=6)),
    }
    for name, (function, every) in jobs.items():
        schedule.register(name, function, every=every)
