"""How many people a service provider could be told about, and who lacks what it needs.

People who may use the application are looked at in batches, newest first, until a limit of people
or time: the answer says how many were looked at.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import QuerySet

from federation.identity_provider import issuing, name_ids
from federation.identity_provider.issuing import SignedIn
from federation.models import ServiceProvider
from federation.saml import errors, vocabulary
from idp.claims import attributes
from idp.claims.mapping import Row
from idp.claims.person import Person
from idp.models import Application, User

MOST_PEOPLE = 2_000
BATCH = 250
SECONDS = 0.3
_EVERYBODY_HAS = (vocabulary.PERSISTENT, vocabulary.TRANSIENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """`looked_at` of the `total` people who may use it; `without_attribute`: counts by name."""

    total: int
    looked_at: int
    without_name_id: int = 0
    without_attribute: Mapping[str, int] = field(default_factory=dict)

    def people(self, count: int) -> str:
        """`count` people in words that end with "do" or "does"."""
        whom = f"of {self.total:,}" if self.looked_at == self.total else self._sample()
        return f"{count:,} {whom} people {'does' if count == 1 else 'do'}"

    def _sample(self) -> str:
        return f"of the {self.looked_at:,} newest"


def of(
    service_provider: ServiceProvider,
    *,
    rows: Sequence[Row],
    now: datetime,
    seconds: float = SECONDS,
) -> Coverage:
    """Look at people. `rows`: the mapping, saved or drafted."""
    people = _allowed(service_provider.application)
    total = people.count()
    names = _required(service_provider)
    if not names and service_provider.default_name_id_format in _EVERYBODY_HAS:
        return Coverage(total=total, looked_at=total)
    without: Counter[str] = Counter()
    looked_at = without_name = 0
    until = time.monotonic() + seconds
    for user in _newest(people):
        person = attributes.of(user)
        without_name += not _has_name(service_provider, person)
        if names:
            given = _given(service_provider, person, rows=rows, now=now)
            without.update(name for name in names if name not in given)
        looked_at += 1
        if time.monotonic() > until:
            break
    return Coverage(
        total=total, looked_at=looked_at, without_name_id=without_name, without_attribute=without
    )


def _allowed(application: Application) -> QuerySet[User]:
    people = User.objects.filter(is_active=True)
    if application.access == Application.Access.NOBODY:
        return people.none()
    if application.access == Application.Access.GROUPS:
        return people.filter(groups__in=application.allowed_groups.all()).distinct()
    return people


def _newest(people: QuerySet[User]) -> Iterator[User]:
    rows = people.defer("password").prefetch_related("groups").order_by("-pk")
    given, last = 0, None
    while given < MOST_PEOPLE:
        page = rows.filter(pk__lt=last) if last is not None else rows
        batch = list(page[:BATCH])
        yield from batch
        if len(batch) < BATCH:
            return
        given, last = given + len(batch), batch[-1].pk


def _required(service_provider: ServiceProvider) -> list[str]:
    return [
        str(one.get("name"))
        for one in service_provider.requested_attributes
        if isinstance(one, dict) and one.get("required")
    ]


def _has_name(service_provider: ServiceProvider, person: Person) -> bool:
    if service_provider.default_name_id_format in _EVERYBODY_HAS:
        return True
    try:
        name_ids.foreseen(
            service_provider.default_name_id_format, person, service_provider=service_provider
        )
    except errors.InvalidNameIDPolicy:
        return False
    return True


def _given(
    service_provider: ServiceProvider, person: Person, *, rows: Sequence[Row], now: datetime
) -> set[str]:
    signed_in = SignedIn(authenticated_at=now, acr="pwd", amr=("pwd",), session_index="-")
    released = issuing.release_for(service_provider, person, signed_in=signed_in, rows=rows)
    return {one.name for one in released.attributes}
