"""Read a Person from the database: one written-out statement for hot paths, or from an instance.

Profile values are what the columns hold, but a missing full name is put together from its parts.
`address` and `attributes` are JSON that an administrator may have typed: anything in them that is
not what it should be counts as not known.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

import orjson
from django.db import connection

from idp import models
from idp.claims.errors import MappingError
from idp.claims.facts import ADDRESS_MEMBERS
from idp.claims.person import Person
from idp.claims.values import JSON, checked
from idp.models import statement
from idp.models.identifiers import db_id
from idp.models.user import parse_subject

_TEXTS = (
    "username",
    "email",
    "name",
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "profile",
    "picture",
    "website",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "phone_number",
)
_COLUMNS = ", ".join(f"u.{name}" for name in (*_TEXTS, "email_verified", "phone_number_verified"))
_MEMBERSHIPS = "FROM idp_user_groups m JOIN idp_group g ON g.id = m.group_id WHERE m.user_id = u.id"
_WHO = "FROM idp_user u WHERE u.id = %s AND u.is_active"
_STATEMENTS = {
    "sqlite": (
        f"SELECT {_COLUMNS}, u.address, u.attributes,"
        " CAST(strftime('%%s', substr(u.updated_at, 1, 19)) AS INTEGER),"
        f" (SELECT json_group_array(g.name) {_MEMBERSHIPS}) {_WHO}"
    ),
    "postgresql": (
        f"SELECT {_COLUMNS}, u.address::text, u.attributes::text,"  # noqa: S608 (constants of this module)
        " floor(extract(epoch FROM u.updated_at))::bigint,"
        f" (SELECT json_agg(g.name)::text {_MEMBERSHIPS}) {_WHO}"
    ),
}


def load(user_id: uuid.UUID | str) -> Person | None:
    """The person of this identifier (`sub`) with their groups, in one statement.

    None for somebody who does not exist or is disabled: nothing is said about them any more.
    """
    key = parse_subject(user_id) if isinstance(user_id, str) else user_id
    if key is None:
        return None
    rows = statement.run(_STATEMENTS[statement.connection().vendor], [db_id(key)])
    if not rows:
        return None
    *columns, email_verified, phone_verified, address, attributes, updated_at, groups = rows[0]
    return _person(
        key,
        texts=dict(zip(_TEXTS, columns, strict=True)),
        email_verified=email_verified,
        phone_number_verified=phone_verified,
        address=_decoded(address),
        attributes=_decoded(attributes),
        groups=_decoded(groups) or (),
        updated_at=updated_at,
    )


def names(*, limit: int = 500) -> tuple[str, ...]:
    """The custom attributes that anybody has, in order: for pickers and `mapping.remarks`."""
    statements = {
        "sqlite": "SELECT DISTINCT a.key FROM idp_user u, json_each(u.attributes) a"
        " WHERE json_type(u.attributes) = 'object' ORDER BY 1 LIMIT %s",
        "postgresql": "SELECT DISTINCT jsonb_object_keys(CASE jsonb_typeof(u.attributes)"
        " WHEN 'object' THEN u.attributes ELSE '{}' END) FROM idp_user u ORDER BY 1 LIMIT %s",
    }
    with connection.cursor() as cursor:
        cursor.execute(statements[connection.vendor], [limit])
        return tuple(sorted(row[0] for row in cursor.fetchall()))


def of(user: models.User) -> Person:
    """The same from an instance, disabled or not: for previews and administration."""
    return _person(
        user.id,
        texts={name: getattr(user, name) for name in _TEXTS},
        email_verified=user.email_verified,
        phone_number_verified=user.phone_number_verified,
        address=user.address,
        attributes=user.attributes,
        groups=[group.name for group in user.groups.all()],
        updated_at=int(user.updated_at.timestamp()) if user.updated_at else 0,
    )


def _person(
    key: uuid.UUID,
    *,
    texts: Mapping[str, str],
    email_verified: Any,
    phone_number_verified: Any,
    address: Any,
    attributes: Any,
    groups: Any,
    updated_at: Any,
) -> Person:
    name = texts["name"] or f"{texts['given_name']} {texts['family_name']}".strip()
    return Person(
        id=key.hex,
        preferred_username=texts["username"],
        email_verified=bool(email_verified),
        phone_number_verified=bool(phone_number_verified),
        address=_address(address),
        attributes=attributes if isinstance(attributes, dict) else {},
        groups=tuple(sorted(groups)),
        updated_at=max(int(updated_at or 0), 0),
        **{**texts, "name": name},
    )


def _decoded(text: str | None) -> Any:
    """JSON out of the database; what Django's encoder writes and orjson refuses is read slower."""
    if not text:
        return None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _address(raw: Any) -> dict[str, JSON]:
    """The members of OIDC Core §5.1.1 that are known: texts that can be written anywhere."""
    if not isinstance(raw, dict):
        return {}
    return {name: raw[name] for name in ADDRESS_MEMBERS if _is_sound(raw.get(name))}


def _is_sound(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(value) and checked(value) == value
    except MappingError:
        return False
