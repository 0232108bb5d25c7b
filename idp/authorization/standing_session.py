"""All that the short way needs to know of the person at the browser, in one read.

The live session of a cookie with its person, the application's part in it, the stored consent, and
whether the person is among those who may use the application.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from django.conf import settings

from idp.accounts import cookies
from idp.models import Application, Client, Session, token_statement
from idp.models.identifiers import db_id, db_instant, from_db_id, from_db_instant

Access = Application.Access

_IS_MEMBER = (
    "EXISTS (SELECT 1 FROM idp_user_groups ug"
    " JOIN idp_application_allowed_groups ag ON ag.group_id = ug.group_id"
    " WHERE ug.user_id = s.user_id AND ag.application_id = %s)"
)
_READ = (
    "SELECT s.id, s.user_id, s.authenticated_at, s.acr, s.amr, s.seen_at, p.id, p.last_at,"
    " c.scopes, c.claims, u.username{is_member}"
    " FROM idp_session s JOIN idp_user u ON u.id = s.user_id"
    " LEFT JOIN idp_participant p ON p.session_id = s.id AND p.application_id = %s"
    " LEFT JOIN idp_consent c ON c.user_id = s.user_id AND c.application_id = %s"
    " WHERE s.token_hash = %s AND s.ended_at IS NULL AND s.seen_at > %s AND s.expires_at > %s"
    " AND u.is_active"
)
_READ_ALONE = _READ.format(is_member="")
_READ_WITH_MEMBERSHIP = _READ.format(is_member=f", {_IS_MEMBER}")


class StandingSession(NamedTuple):
    """A live session as one application sees it."""

    id: uuid.UUID
    user_id: uuid.UUID
    user_name: str
    authenticated_at: datetime
    acr: str
    amr: tuple[str, ...]
    seen_at: datetime
    sid: uuid.UUID | None
    used_at: datetime | None
    consented_scopes: frozenset[str]
    consented_claims: frozenset[str]
    allowed: bool

    def row(self) -> Session:
        """The session as far as `accounts.session` needs it to note that it is in use."""
        return Session(pk=self.id, user_id=self.user_id, seen_at=self.seen_at)


def read(token: str, *, client: Client, now: datetime) -> StandingSession | None:
    """The live session of a cookie's value, None if there is none."""
    if not token:
        return None
    application_id = db_id(client.application_id)
    by_groups = client.application.access == Access.GROUPS
    parameters = [
        *((application_id,) if by_groups else ()),
        application_id,
        application_id,
        cookies.digest(token),
        db_instant(now - settings.IDP.session_idle),
        db_instant(now),
    ]
    rows = token_statement.run(_READ_WITH_MEMBERSHIP if by_groups else _READ_ALONE, parameters)
    if not rows:
        return None
    row = rows[0]
    is_member = by_groups and bool(row[-1])
    return _session(row, allowed=is_member or client.application.access == Access.EVERYONE)


def _session(row: tuple[Any, ...], *, allowed: bool) -> StandingSession:
    return StandingSession(
        id=from_db_id(row[0]),
        user_id=from_db_id(row[1]),
        user_name=row[10],
        authenticated_at=from_db_instant(row[2]),
        acr=row[3],
        amr=tuple(_json(row[4])),
        seen_at=from_db_instant(row[5]),
        sid=from_db_id(row[6]),
        used_at=from_db_instant(row[7]),
        consented_scopes=frozenset(_json(row[8])),
        consented_claims=frozenset(_json(row[9])),
        allowed=allowed,
    )


def _json(value: Any) -> Any:
    """A JSON column as the driver gives it: text, parsed already, or NULL of an outer join."""
    if not value:
        return ()
    return orjson.loads(value) if isinstance(value, str | bytes) else value
