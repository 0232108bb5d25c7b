"""Whose sessions a LogoutRequest means: those of its sender, and nobody else's (SAML Core §3.7.3).

A session is known to a service provider by its own SessionIndex and by the name that it was given
for the person. Whatever belongs to another one looks like something that has never been.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from django.db.models import F, QuerySet

from federation.identity_provider import entity
from federation.identity_provider.service_providers import KnownServiceProvider
from federation.models import PersistentNameId
from federation.saml import name_id, vocabulary
from federation.saml.logout import LogoutRequest
from federation.saml.name_id import NameID
from idp.models import Participant, Session

# One person's sessions at one service provider that are read at once; more is nobody's everyday
# life.
MOST_SESSIONS = 200
_INDEX = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Match:
    """The sessions that are meant. `live`: not ended yet, each with its person.

    `is_whole`: whether these are all of them, or as many as are read at once.
    """

    sessions: tuple[Session, ...]
    is_whole: bool = True

    @property
    def live(self) -> tuple[Session, ...]:
        """Those that have to end."""
        return tuple(one for one in self.sessions if one.ended_at is None)

    @property
    def is_known(self) -> bool:
        """Whether the sender has ever taken part in one of them."""
        return bool(self.sessions)


def find(known: KnownServiceProvider, request: LogoutRequest) -> Match:
    """The sessions of this service provider that the request names.

    With SessionIndexes those alone, the live ones first, and only if the name fits too; without,
    every live session of the person there (SAML Core §3.7.1), or the newest that has ended if none
    lives.
    """
    # Those with a name at all have an index.
    rows = Participant.objects.filter(
        application_id=known.application.pk, name_id=request.name_id.value, name_id__gt=""
    )
    if request.session_indexes:
        rows = _named(rows, _identifiers(request.session_indexes))
    else:
        rows = _all_live_or_newest(rows)
    found = list(rows.select_related("session__user")[:MOST_SESSIONS])
    fitting = {
        format_
        for format_ in {row.name_id_format for row in found}
        if _fits(request.name_id, format_, known)
    }
    meant = tuple(row.session for row in found if row.name_id_format in fitting)
    return Match(meant, is_whole=len(found) < MOST_SESSIONS)


def _all_live_or_newest(rows: QuerySet[Participant]) -> QuerySet[Participant]:
    live = rows.filter(session__ended_at=None)
    if live.exists():
        return live
    newest = rows.order_by("-session_id").values_list("pk", flat=True)[:1]
    return rows.filter(pk__in=list(newest))


def _named(rows: QuerySet[Participant], wanted: set[uuid.UUID]) -> QuerySet[Participant]:
    """Those of them that are named, the live ones first; a message can name thousands."""
    in_order = rows.order_by(F("session__ended_at").asc(nulls_first=True))
    named = (pk for pk in in_order.values_list("pk", flat=True).iterator() if pk in wanted)
    return rows.filter(pk__in=list(islice(named, MOST_SESSIONS)))


def _identifiers(indexes: Iterable[str]) -> set[uuid.UUID]:
    """Those that can be ours, exactly as they were given."""
    return {uuid.UUID(hex=one) for one in indexes if _INDEX.fullmatch(one)}


def _fits(wanted: NameID, format_: str, known: KnownServiceProvider) -> bool:
    return name_id.matches(wanted, name_of(wanted.value, format_, known.entity_id))


def name_of(value: str, format_: str, service_provider: str) -> NameID:
    """The NameID as it stood in the assertion, with the qualifiers that go with its format.

    A persistent one is qualified by whom it was made for.
    """
    if format_ not in name_id.QUALIFIED:
        return NameID(value, format_)
    qualifier = service_provider
    if format_ == vocabulary.PERSISTENT:
        given = PersistentNameId.objects.filter(pk=value)
        qualifier = given.values_list("service_provider", flat=True).first() or qualifier
    return NameID(value, format_, entity.entity_id(), qualifier)
