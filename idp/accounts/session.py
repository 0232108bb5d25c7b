"""Sign-in sessions: found by their cookie, rotated at every proof, ended with all they carried.

The cookie holds a random token, the row its SHA-256. A sign-in or re-authentication always gives
a new token (the old one is dead at once); the same person keeps their session and its identifier,
so that applications in it are not signed out; another person gets a session of their own.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet

from idp import audit
from idp.accounts import cookies
from idp.accounts.logout_channels import outbox
from idp.models import Application, AuthenticationEvent, Participant, Revocation, Session, User
from idp.models.identifiers import db_id, db_instant, from_db_id
from idp.tokens import revocation

SEEN_EVERY = timedelta(minutes=1)
EXPIRED = "expired"

PARTICIPATE = (
    "INSERT INTO idp_participant (id, session_id, application_id, created_at, last_at,"
    " name_id, name_id_format)"
    " SELECT %s, s.id, %s, %s, %s, '', '' FROM idp_session s"
    " WHERE s.id = %s AND s.ended_at IS NULL{lock}"
    " ON CONFLICT (session_id, application_id) DO UPDATE SET last_at = EXCLUDED.last_at"
    " RETURNING id"
)


class NotActive(Exception):
    """The person was disabled, or their password changed, while they were signing in."""


class SessionEnded(Exception):
    """The session ended while something was being done in it."""


def current(token: str | None, *, now: datetime) -> Session | None:
    """The live session of this cookie value with its `user`: one statement.

    Live: not ended, not idle for too long, not past its absolute end, the person not disabled.
    """
    if not token or not cookies.TOKEN.match(token):
        return None
    return Session.objects.live(
        cookies.digest(token), seen_after=now - settings.IDP.session_idle, now=now
    )


def touch(session: Session, *, now: datetime) -> None:
    """Note that the session is in use, at most once a minute."""
    if now - session.seen_at < SEEN_EVERY:
        return
    session.seen_at = now
    Session.objects.filter(pk=session.pk, ended_at=None).update(seen_at=now)


def start(
    user: User,
    *,
    factor: str,
    amr: Sequence[str],
    acr: str,
    request: audit.Origin,
    now: datetime,
    replacing: Session | None,
    interaction_id: uuid.UUID | None = None,
) -> tuple[Session, str]:
    """Sign a person in, or note a new proof in their session; returns it with its new token.

    `replacing`: the live session of this browser. Raises NotActive.
    """
    token = cookies.new_token()
    facts: dict[str, Any] = {
        "token_hash": cookies.digest(token),
        "seen_at": now,
        "expires_at": now + settings.IDP.session_absolute,
        "authenticated_at": now,
        "acr": acr,
        "amr": list(amr),
        "client_address": request.client_address or None,
        "user_agent": request.user_agent[:300],
    }
    with transaction.atomic():
        _lock(user)
        session = _renewed(replacing, user, facts)
        if session is None:
            session = Session.objects.create(user=user, created_at=now, **facts)
        AuthenticationEvent.objects.create(
            session=session, at=now, factor=factor, amr=list(amr), acr=acr,
            interaction_id=interaction_id,
        )  # fmt: skip
    if replacing is not None and replacing.pk != session.pk:
        end(replacing, reason="another person signed in", now=now, request=request)
    return session, token


def _lock(user: User) -> None:
    """Hold the person's row, so that disabling and a new password wait or are seen."""
    row = User.objects.select_for_update().filter(pk=user.pk)
    if row.values_list("is_active", "password").first() != (True, user.password):
        raise NotActive


def _renewed(session: Session | None, user: User, facts: dict[str, Any]) -> Session | None:
    if session is None or session.user_id != user.pk:
        return None
    if not Session.objects.filter(pk=session.pk, ended_at=None).update(**facts):
        return None
    for name, value in facts.items():
        setattr(session, name, value)
    return session


def participate(session: Session, application: Application, now: datetime) -> Participant:
    """Note that an application got a token or assertion in this session; `id` is its `sid`.

    Raises SessionEnded. Writes nothing when it did so within the last minute.
    """
    known = Participant.objects.filter(session_id=session.pk, application_id=application.pk)
    participant = known.first()
    if participant is not None and now - participant.last_at < SEEN_EVERY:
        return participant
    new_id, instant = uuid.uuid4(), db_instant(now)
    with connection.cursor() as cursor:
        lock = "" if connection.vendor == "sqlite" else " FOR SHARE OF s"
        cursor.execute(
            PARTICIPATE.format(lock=lock),
            [db_id(new_id), db_id(application.pk), instant, instant, db_id(session.pk)],
        )
        row = cursor.fetchone()
    if row is None:
        raise SessionEnded
    if participant is None:
        participant = Participant(session=session, application=application, created_at=now)
    participant.id = from_db_id(row[0]) or new_id
    participant.last_at = now
    participant._state.adding = False
    return participant


def end(
    session: Session,
    *,
    reason: str,
    now: datetime,
    request: audit.Origin | None = None,
    actor: str = "",
    asked: outbox.Asked | None = None,
) -> bool:
    """End a session and everything issued in it; False if it had ended before.

    `asked`: the application that asked for it, if its protocol has it waiting for an answer.
    """
    ended = _end(Session.objects.filter(pk=session.pk), reason=reason, now=now, asked=asked)
    _record(ended, reason=reason, request=request, actor=actor)
    session.ended_at = session.ended_at or now
    return bool(ended)


def end_all(
    user: User,
    *,
    reason: str,
    now: datetime,
    except_for: Session | None = None,
    request: audit.Origin | None = None,
    actor: str = "",
) -> int:
    """End every session of a person, but for one; returns how many."""
    sessions = Session.objects.filter(user=user)
    if except_for is not None:
        sessions = sessions.exclude(pk=except_for.pk)
    ended = _end(sessions, reason=reason, now=now)
    _record(ended, reason=reason, request=request, actor=actor)
    return len(ended)


def end_expired(*, most: int, now: datetime) -> int:
    """End up to `most` sessions that are idle or past their absolute end; returns how many.

    For a job: nobody can use them anyway, but their applications have not been told.
    """
    alive = Session.objects.filter(ended_at=None)
    idle = alive.filter(seen_at__lte=now - settings.IDP.session_idle).order_by("seen_at")
    too_old = alive.filter(expires_at__lte=now).order_by("expires_at")
    for found in (idle, too_old):  # each by an index of its own
        keys = list(found.values_list("pk", flat=True)[:most])
        if keys:
            return len(_end_batch(keys, now=now))
    return 0


def _end_batch(keys: list[uuid.UUID], *, now: datetime) -> list[Session]:
    """A batch of expired sessions and their audit events: one commit, one insertion of each."""
    with transaction.atomic():
        ended = _end(Session.objects.filter(pk__in=keys), reason=EXPIRED, now=now)
        audit.record_many(
            "session.ended",
            [{"user": one.user, "session_id": one.pk, "reason": EXPIRED} for one in ended],
        )
    return ended


def _end(
    sessions: QuerySet[Session],
    *,
    reason: str,
    now: datetime,
    asked: outbox.Asked | None = None,
) -> list[Session]:
    """Ended rows, their deny list and their notices in one transaction.

    Who comes second ends nothing.
    """
    with transaction.atomic():
        locked = list(
            sessions.filter(ended_at=None).select_for_update(of=("self",)).select_related("user")
        )
        Session.objects.filter(pk__in=[session.pk for session in locked]).update(
            ended_at=now, end_reason=reason[:40]
        )
        participants = Participant.objects.filter(session_id__in=[row.pk for row in locked])
        outbox.queue(participants, now=now, asked=asked)
        _deny([row.pk for row in locked if _may_have_tokens(row, now=now)], now=now)
    return locked


def _may_have_tokens(session: Session, *, now: datetime) -> bool:
    """Whether an access token of it can be alive: none is issued once it has expired."""
    expired_at = min(session.expires_at, session.seen_at + settings.IDP.session_idle)
    return now - expired_at <= settings.IDP.access_token_lifetime + revocation.MARGIN


def _deny(keys: list[uuid.UUID], *, now: datetime) -> None:
    sids = Participant.objects.filter(session_id__in=keys).values_list("id", flat=True)
    revocation.deny(Revocation.Kind.SID, [sid.hex for sid in sids], now=now)


def _record(
    ended: Iterable[Session], *, reason: str, request: audit.Origin | None, actor: str
) -> None:
    for session in ended:
        audit.record(
            "session.ended",
            user=session.user,
            actor=actor,
            session_id=session.pk,
            reason=reason,
            request=request,
        )


def live(user: User, *, now: datetime) -> QuerySet[Session]:
    """The sessions in which this person is signed in, last used first."""
    return Session.objects.filter(
        user=user, ended_at=None, expires_at__gt=now, seen_at__gt=now - settings.IDP.session_idle
    ).order_by("-seen_at")
