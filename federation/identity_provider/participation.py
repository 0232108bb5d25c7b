"""A service provider's part in a session: its SessionIndex, and the name the person has there.

Read in one statement, since every sign-on needs it; written only when something has changed.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection

from federation.models import ServiceProvider
from federation.saml import vocabulary
from federation.saml.name_id import NameID
from idp.accounts import session as sessions
from idp.models import Participant, Session
from idp.models.identifiers import db_id, from_db_id, from_db_instant

NOTED_EVERY = timedelta(minutes=1)
# How far back a name is followed: few people have had the same one.
MOST_SESSIONS = 100
_READ = (
    "SELECT p.id, p.last_at, p.name_id, p.name_id_format, n.value FROM idp_session s"
    " LEFT JOIN idp_participant p ON p.session_id = s.id AND p.application_id = %s"
    " LEFT JOIN federation_persistentnameid n"
    " ON n.user_id = s.user_id AND n.service_provider = %s"
    " WHERE s.id = %s AND s.ended_at IS NULL"
)


@dataclass(frozen=True, slots=True)
class Standing:
    """What there is before this sign-on; `persistent`: the NameID that was given, if one was."""

    id: uuid.UUID | None = None
    used_at: datetime | None = None
    name: tuple[str, str] = ("", "")
    persistent: str | None = None

    def is_noted(self, *, now: datetime) -> bool:
        """Whether it stands written that the session was used there within the last minute."""
        return self.used_at is not None and now - self.used_at < NOTED_EVERY


def read(session: Session, service_provider: ServiceProvider, *, qualifier: str = "") -> Standing:
    """The service provider's part in this session so far. Raises sessions.SessionEnded.

    `qualifier`: the affiliation whose persistent NameID counts, empty for its own.
    """
    namespace = qualifier or service_provider.entity_id
    with connection.cursor() as cursor:
        cursor.execute(_READ, [db_id(service_provider.pk), namespace, db_id(session.pk)])
        row = cursor.fetchone()
    if row is None:
        raise sessions.SessionEnded
    return Standing(
        id=from_db_id(row[0]),
        used_at=from_db_instant(row[1]),
        name=(row[2] or "", row[3] or ""),
        persistent=row[4],
    )


def note(
    session: Session, service_provider: ServiceProvider, standing: Standing, *, now: datetime
) -> str:
    """The SessionIndex for this session; notes that it is in use, at most once a minute.

    Raises sessions.SessionEnded.
    """
    if standing.id is not None and standing.is_noted(now=now):
        return standing.id.hex
    return sessions.participate(session, service_provider.application, now).id.hex


def keep(session_index: str, name: NameID | None, standing: Standing) -> None:
    """Remember under which name the session is known there, if any; a logout will name it.

    Raises sessions.SessionEnded: a logout that came first has not told it, having no name to say.
    """
    said = (name.value, name.format) if name is not None else ("", "")
    if standing.name == said:
        return
    rows = Participant.objects.filter(pk=uuid.UUID(session_index), session__ended_at=None)
    if not rows.update(name_id=said[0], name_id_format=said[1]):
        raise sessions.SessionEnded


def person_of(
    transient: str, *, service_provider: ServiceProvider, now: datetime
) -> uuid.UUID | None:
    """The active person of the live session in which this transient NameID was given last."""
    found = Participant.objects.filter(
        application_id=service_provider.pk,
        name_id=transient,
        name_id__gt="",  # so that the index over those with a name is taken
        name_id_format=vocabulary.TRANSIENT,
        session__ended_at=None,
        session__expires_at__gt=now,
        session__seen_at__gt=now - settings.IDP.session_idle,
        session__user__is_active=True,
    )
    return found.values_list("session__user_id", flat=True).first()


def told(name: NameID, *, service_provider: ServiceProvider) -> list[uuid.UUID]:
    """Who has been named so there, the last one first."""
    found = Participant.objects.filter(
        application_id=service_provider.pk,
        name_id=name.value,
        name_id__gt="",  # so that the index over those with a name is taken
        name_id_format=name.format,
    )
    users = found.order_by("-last_at").values_list("session__user_id", flat=True)[:MOST_SESSIONS]
    return list(dict.fromkeys(users))
