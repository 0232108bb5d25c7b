"""Whether what a token rests on still stands: person, access, session, consent.

Conditions of SQL, to be put into the one statement that redeems a code or rotates a refresh token,
so that nothing is issued to a person who was disabled, lost access, signed out or withdrew consent
a moment before (RFC 6749 §6, RFC 9700 §4.14). The text is made of literals only; every value is a
parameter.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from idp.models import Application, Client
from idp.models.identifiers import db_id, db_instant

Access = Application.Access

_PERSON = "EXISTS (SELECT 1 FROM idp_user u WHERE u.id = {user} AND u.is_active{member})"
_MEMBER = (
    " AND EXISTS (SELECT 1 FROM idp_user_groups ug"
    " JOIN idp_application_allowed_groups ag ON ag.group_id = ug.group_id"
    " WHERE ug.user_id = u.id AND ag.application_id = %s)"
)
_NOBODY = " AND 1 = 0"
_CONSENT = (
    "EXISTS (SELECT 1 FROM idp_consent c WHERE c.user_id = {user}"
    " AND c.application_id = %s AND c.given_at <= {since})"
)
LIVE_SESSION = (
    "EXISTS (SELECT 1 FROM idp_session s WHERE s.id = {session} AND s.user_id = {user}"
    " AND s.ended_at IS NULL AND s.expires_at > %s)"
)


@dataclass(frozen=True, slots=True)
class Condition:
    """A piece of a WHERE clause and its parameters."""

    sql: str
    parameters: tuple[Any, ...]


def needs_consent(client: Client) -> bool:
    """Whether people must have allowed the application what it gets.

    First-party applications skip it, but not native ones, whose identity nobody can be sure of
    (RFC 8252 §8.6).
    """
    return not client.application.first_party or is_unverifiable(client)


def is_unverifiable(client: Client) -> bool:
    """Whether any program on the device could pose as this client (RFC 8252 §8.6)."""
    return client.is_public and client.is_native


def of_person(client: Client, *, user: str, since: str | datetime) -> Condition:
    """Active, among those who may use the application, and consenting since before the grant.

    `user`: the column that holds the person's id. `since`: when the authorization was given, or
    the column that holds it; a consent given later does not revive what an earlier one carried.
    """
    parameters: list[Any] = []
    access, consent = client.application.access, needs_consent(client)
    if access == Access.GROUPS:
        parameters.append(db_id(client.application_id))
    if consent:
        parameters.append(db_id(client.application_id))
        if isinstance(since, datetime):
            parameters.append(db_instant(since))
    column = "%s" if isinstance(since, datetime) else since
    return Condition(_person(access, consent, user, column), tuple(parameters))


@lru_cache(maxsize=64)
def _person(access: str, consent: bool, user: str, since: str) -> str:
    """The text of `of_person()`; there are few of them."""
    member = _MEMBER if access == Access.GROUPS else ""
    if access not in (Access.GROUPS, Access.EVERYONE):
        member = _NOBODY
    sql = _PERSON.format(user=user, member=member)
    return f"{sql} AND {_CONSENT.format(user=user, since=since)}" if consent else sql


def of_session(*, user: str, session: str, now: datetime) -> Condition:
    """Not ended and not past its absolute end; `user`, `session`: columns that hold the ids."""
    return Condition(_session(user, session), (db_instant(now),))


@lru_cache(maxsize=16)
def _session(user: str, session: str) -> str:
    return LIVE_SESSION.format(user=user, session=session)
