"""Whom a draft concerns: how many people gain, lose or see changed each claim, and the largest.

People are read in batches, the newest first, until a limit of people or of time is reached; the
answer says how many were looked at.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

import orjson
from django.db.models import QuerySet

from idp.admin.preview import Case, NothingIssued, Shown, Target
from idp.models import User

MOST_PEOPLE = 10_000
BATCH = 250
SECONDS = 1.0
FIRST_SECONDS = 0.3


@dataclass(frozen=True)
class Change:
    """One claim: for how many people it appears, disappears or has another value."""

    claim: str
    gained: int
    lost: int
    changed: int


@dataclass(frozen=True)
class Impact:
    """`looked_at` of `total` people; `worst` has the largest result, shown exactly."""

    changes: tuple[Change, ...]
    looked_at: int
    total: int
    worst: User | None = None
    worst_shown: Shown | None = None

    @property
    def is_sample(self) -> bool:
        """Whether some people were not looked at."""
        return self.looked_at < self.total


def of(target: Target, draft: Case, saved: Case, *, seconds: float = SECONDS) -> Impact:
    """Compare both cases for as many people as time allows."""
    people = User.objects.filter(is_active=True)
    total = people.count()
    until = time.monotonic() + seconds
    counts = {"gained": Counter[str](), "lost": Counter[str](), "changed": Counter[str]()}
    worst, largest, looked_at = None, -1, 0
    for person in _newest(people):
        new = target.release(replace(draft, user=person))
        old = target.release(replace(saved, user=person))
        _count(counts, old, new)
        size = len(orjson.dumps(new))
        if size > largest:
            worst, largest = person, size
        looked_at += 1
        if time.monotonic() > until:
            break
    names = sorted(set().union(*counts.values()))
    changes = tuple(
        Change(name, counts["gained"][name], counts["lost"][name], counts["changed"][name])
        for name in names
    )
    return Impact(changes, looked_at, total, worst, _shown(target, draft, worst))


def _newest(people: QuerySet[User]) -> Iterator[User]:
    """At most MOST_PEOPLE, in batches with their groups, newest first."""
    rows = people.defer("password").prefetch_related("groups").order_by("-pk")
    given, last = 0, None
    while given < MOST_PEOPLE:
        page = rows.filter(pk__lt=last) if last is not None else rows
        batch = list(page[:BATCH])
        yield from batch
        if len(batch) < BATCH:
            return
        given, last = given + len(batch), batch[-1].pk


def _count(counts: dict[str, Counter[str]], old: dict[str, object], new: dict[str, object]) -> None:
    for name in new.keys() - old.keys():
        counts["gained"][name] += 1
    for name in old.keys() - new.keys():
        counts["lost"][name] += 1
    for name in old.keys() & new.keys():
        if old[name] != new[name]:
            counts["changed"][name] += 1


def _shown(target: Target, draft: Case, worst: User | None) -> Shown | None:
    if worst is None:
        return None
    try:
        return target.show(replace(draft, user=worst))
    except NothingIssued:
        return None
