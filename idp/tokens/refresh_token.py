"""Refresh tokens (RFC 6749 §6, RFC 9700 §4.14): rotated in place by one conditional UPDATE.

A token is its grant's id and a generation under a MAC. Only the current generation rotates the
grant. The one just before it, inside the retry window, gets the very same successor again, which
can be computed anew; any older genuine generation is a replay and ends the grant. Whatever the MAC
does not prove is merely invalid and changes nothing.
"""

from __future__ import annotations

import struct
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

from django.conf import settings

from idp import audit, keys
from idp.models import Client, Grant, token_statement
from idp.models.identifiers import db_id, db_instant, from_db_id, from_db_instant
from idp.protocol.errors import InvalidGrant
from idp.tokens import opaque, revocation, standing

PREFIX = "gtr_"
PURPOSE = "refresh_token"
LONGEST = 80

_NAME = struct.Struct(">16sI")
_MAC_BYTES = 16


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A genuine refresh token, current or not."""

    grant_id: uuid.UUID
    generation: int


def make(grant_id: uuid.UUID, generation: int) -> str:
    """Return the refresh token of a grant's generation; the same each time."""
    name = _NAME.pack(grant_id.bytes, generation)
    return opaque.assemble(PREFIX, name + keys.mac(PURPOSE, name)[:_MAC_BYTES])


def read(value: str) -> RefreshToken:
    """Open a genuine refresh token. Raises InvalidGrant."""
    try:
        body = opaque.disassemble(PREFIX, value, longest=LONGEST)
    except opaque.Malformed as error:
        raise InvalidGrant("the refresh token is not valid", detail=str(error)) from None
    name, tag = body[: _NAME.size], body[_NAME.size :]
    if len(tag) != _MAC_BYTES or not keys.check_mac(PURPOSE, name, tag):
        raise InvalidGrant("the refresh token is not valid", detail="the MAC does not fit")
    grant_id, generation = _NAME.unpack(name)
    return RefreshToken(uuid.UUID(bytes=grant_id), generation)


_RETURNED = (
    "user_id, session_id, sid, scope, resources, claims_request, acr, amr, authenticated_at,"
    " offline, generation, created_at, absolute_expires_at"
)
_USABLE = (
    "id = %s AND application_id = %s AND generation = %s AND refreshable"
    " AND revoked_at IS NULL AND expires_at > %s AND absolute_expires_at > %s"
)
_EARLIER = "CASE WHEN absolute_expires_at < %s THEN absolute_expires_at ELSE %s END"
_ROTATE = (
    "UPDATE idp_grant SET generation = generation + 1, rotated_at = %s,"  # noqa: S608 (literals)
    f" expires_at = {_EARLIER} WHERE {_USABLE} AND {{standing}} RETURNING {_RETURNED}"
)
_REPEAT = f"SELECT {_RETURNED} FROM idp_grant WHERE {_USABLE} AND rotated_at > %s AND {{standing}}"  # noqa: S608 (literals)


def owner(token: RefreshToken) -> uuid.UUID | None:
    """The application that a genuine token was issued to; None if its grant is gone."""
    return Grant.objects.filter(pk=token.grant_id).values_list("application_id", flat=True).first()


def peek(token: RefreshToken, *, client: Client) -> Grant:
    """The grant of a token as it is, without using the token. Raises InvalidGrant."""
    grant = Grant.objects.filter(pk=token.grant_id, application_id=client.application_id).first()
    if grant is None:
        raise InvalidGrant("the refresh token is not valid", detail="no grant of this client")
    return grant


def rotate(
    token: RefreshToken, *, client: Client, now: datetime, origin: audit.Origin
) -> tuple[Grant, str]:
    """Exchange a refresh token for its successor; returns the grant with it.

    Raises InvalidGrant; a replay has ended the grant, committed, before the error.
    """
    row = _rotate(token, client=client, now=now) or _repeat(token, client=client, now=now)
    if row is None:
        _refuse(token, client=client, now=now, origin=origin)
    grant = _grant(token.grant_id, client, row)
    return grant, make(grant.id, grant.generation)


def _rotate(token: RefreshToken, *, client: Client, now: datetime) -> tuple[Any, ...] | None:
    """Move the grant one generation on, if everything it rests on stands."""
    condition = _standing(client, now=now)
    idle_end = db_instant(now + settings.IDP.refresh_idle)
    instant = db_instant(now)
    parameters = [
        instant,
        idle_end,
        idle_end,
        *(db_id(token.grant_id), db_id(client.application_id), token.generation),
        *(instant, instant),
        *condition.parameters,
    ]
    return _one(_ROTATE.format(standing=condition.sql), parameters)


def _repeat(token: RefreshToken, *, client: Client, now: datetime) -> tuple[Any, ...] | None:
    """The grant, if the token was rotated a moment ago and its answer may have been lost."""
    condition = _standing(client, now=now)
    instant = db_instant(now)
    parameters = [
        *(db_id(token.grant_id), db_id(client.application_id), token.generation + 1),
        *(instant, instant),
        db_instant(now - settings.IDP.refresh_retry_window),
        *condition.parameters,
    ]
    return _one(_REPEAT.format(standing=condition.sql), parameters)


def _standing(client: Client, *, now: datetime) -> standing.Condition:
    person = standing.of_person(client, user="idp_grant.user_id", since="idp_grant.created_at")
    session = standing.of_session(user="idp_grant.user_id", session="idp_grant.session_id", now=now)
    return standing.Condition(
        f"{person.sql} AND (offline OR {session.sql})", person.parameters + session.parameters
    )


def _one(sql: str, parameters: list[Any]) -> tuple[Any, ...] | None:
    rows = token_statement.run(sql, parameters)
    return rows[0] if rows else None


def _grant(grant_id: uuid.UUID, client: Client, row: tuple[Any, ...]) -> Grant:
    return Grant.of(
        id=grant_id,
        application_id=client.application_id,
        user_id=from_db_id(row[0]),
        session_id=from_db_id(row[1]),
        sid=from_db_id(row[2]),
        scope=row[3],
        resources=row[4],
        claims_request=row[5],
        acr=row[6],
        amr=row[7],
        authenticated_at=from_db_instant(row[8]),
        offline=bool(row[9]),
        refreshable=True,
        generation=row[10],
        created_at=from_db_instant(row[11]),
        absolute_expires_at=from_db_instant(row[12]),
    )


def _refuse(
    token: RefreshToken, *, client: Client, now: datetime, origin: audit.Origin
) -> NoReturn:
    """Say why nothing was issued; end the grant if the token is a replay (RFC 9700 §4.14.2)."""
    grant = Grant.objects.filter(pk=token.grant_id).first()
    if grant is None or grant.application_id != client.application_id:
        raise InvalidGrant("the refresh token is not valid", detail="no grant of this client")
    if grant.revoked_at is not None:
        raise InvalidGrant("the refresh token was revoked", detail=grant.revoke_reason)
    if token.generation < grant.generation and not _in_window(token, grant, now=now):
        revocation.revoke_grant(
            grant.id,
            reason="refresh token replayed",
            now=now,
            application=client.application,
            origin=origin,
        )
        raise InvalidGrant("the refresh token was used before", detail="replay")
    if now >= min(grant.expires_at, grant.absolute_expires_at):
        raise InvalidGrant("the refresh token has expired")
    raise InvalidGrant(
        "the authorization is no longer valid",
        detail="person, access, session or consent no longer stands",
    )


def _in_window(token: RefreshToken, grant: Grant, *, now: datetime) -> bool:
    """Whether the token is the direct predecessor, rotated inside the retry window."""
    return (
        token.generation == grant.generation - 1
        and grant.rotated_at is not None
        and grant.rotated_at > now - settings.IDP.refresh_retry_window
    )
