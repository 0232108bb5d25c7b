"""Authorization codes (RFC 6749 §4.1.2, §10.5): sealed when issued, single-use by one INSERT.

A code is its own content, encrypted and authenticated, and names the grant that it will become.
Redeeming inserts the grant under that key if person, session, access and consent still stand: the
primary key makes the code single-use, and an abandoned sign-in leaves no row. A code that would
outgrow a URL is a reference with a MAC to a row that holds the sealed content.
Does not compare client, redirect_uri or verifier: that is the grant's, and comes before `redeem()`.
"""

from __future__ import annotations

import struct
import uuid
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

import orjson
from django.conf import settings

from idp import audit, keys
from idp.models import Client, Grant, StoredAuthorizationCode, token_statement
from idp.models.identifiers import db_id, db_instant, from_bytes, new_id
from idp.protocol.errors import InvalidGrant
from idp.tokens import opaque, revocation, standing

PREFIX = "gtc_"
PURPOSE = "authorization_code"
REFERENCE_PURPOSE = "authorization_code_reference"
LONGEST = 1000
KEPT_AFTER_USE = timedelta(hours=1)

_FIXED = struct.Struct(">16s16s16s16s16sqq?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MAC_BYTES = 16
_REFERENCE_BYTES = 16 + _MAC_BYTES


class AuthorizationCode(NamedTuple):
    """What a person authorized, and everything that the code is bound to (RFC 9700 §2.1.1)."""

    grant_id: uuid.UUID
    application_id: uuid.UUID
    user_id: uuid.UUID
    session_id: uuid.UUID
    sid: uuid.UUID
    issued_at: datetime
    authenticated_at: datetime
    redirect_uri: str
    scope: tuple[str, ...]
    resources: tuple[str, ...] = ()
    code_challenge: str = ""
    nonce: str = ""
    acr: str = ""
    amr: tuple[str, ...] = ()
    claims: str = ""
    offline: bool = False

    def expires_at(self) -> datetime:
        """When it can no longer be redeemed: 60 seconds at most (RFC 6749 §4.1.2)."""
        return self.issued_at + settings.IDP.code_lifetime


def issue(code: AuthorizationCode) -> str:
    """Return the code as the client gets it."""
    sealed = keys.seal(PURPOSE, _pack(code))
    value = opaque.assemble(PREFIX, sealed)
    if len(value) <= LONGEST:
        return value
    row_id = new_id()
    StoredAuthorizationCode.objects.create(
        id=row_id, sealed=sealed, expires_at=code.expires_at() + KEPT_AFTER_USE
    )
    return opaque.assemble(PREFIX, row_id.bytes + _reference_mac(row_id.bytes))


def read(value: str) -> AuthorizationCode:
    """Open a code, redeemed or expired as it may be. Raises InvalidGrant."""
    try:
        body = opaque.disassemble(PREFIX, value, longest=LONGEST)
        if len(body) == _REFERENCE_BYTES:
            body = _stored(body)
        return _unpack(keys.unseal(PURPOSE, body))
    except (opaque.Malformed, keys.Unsealable) as error:
        raise InvalidGrant("the authorization code is not valid", detail=str(error)) from None


def redeem(
    code: AuthorizationCode,
    *,
    client: Client,
    refreshable: bool,
    now: datetime,
    origin: audit.Origin,
) -> Grant:
    """Make the code a grant, exactly once (RFC 6749 §4.1.2). Raises InvalidGrant.

    A code that comes again takes back all that the first one gave, committed before the error.
    """
    if now < code.expires_at():
        grant = _new_grant(code, refreshable=refreshable, now=now)
        if _insert(grant, client=client, now=now):
            return grant
    if Grant.objects.filter(pk=code.grant_id).exists():
        revocation.revoke_grant(
            code.grant_id,
            reason="authorization code used again",
            now=now,
            application=client.application,
            origin=origin,
        )
        raise InvalidGrant("the authorization code was used before", detail="code reuse")
    if now >= code.expires_at():
        raise InvalidGrant("the authorization code has expired")
    raise InvalidGrant(
        "the authorization is no longer valid",
        detail="person, access, session or consent no longer stands",
    )


def _new_grant(code: AuthorizationCode, *, refreshable: bool, now: datetime) -> Grant:
    idp = settings.IDP
    idle = idp.refresh_idle if refreshable else idp.access_token_lifetime + KEPT_AFTER_USE
    absolute = idp.refresh_absolute if refreshable else idle
    return Grant.of(
        id=code.grant_id,
        application_id=code.application_id,
        user_id=code.user_id,
        session_id=code.session_id,
        sid=code.sid,
        scope=" ".join(code.scope),
        resources=" ".join(code.resources),
        claims_request=code.claims,
        acr=code.acr,
        amr=" ".join(code.amr),
        authenticated_at=code.authenticated_at,
        offline=code.offline,
        refreshable=refreshable,
        created_at=code.issued_at,
        expires_at=now + idle,
        absolute_expires_at=now + absolute,
    )


_COLUMNS = (
    "id, application_id, user_id, session_id, sid, scope, resources, claims_request, acr, amr,"
    " authenticated_at, offline, refreshable, generation, created_at, expires_at,"
    " absolute_expires_at, revoke_reason"
)
_INSERT = (
    f"INSERT INTO idp_grant ({_COLUMNS})"  # noqa: S608 (literals)
    " SELECT %s, %s, s.user_id, s.id, %s, %s, %s, %s, %s, %s, %s, %s, %s, 0, %s, %s, %s, ''"
    " FROM idp_session s WHERE s.id = %s AND s.user_id = %s"
    " AND s.ended_at IS NULL AND s.expires_at > %s AND {standing}"
    " ON CONFLICT (id) DO NOTHING RETURNING id"
)


def _insert(grant: Grant, *, client: Client, now: datetime) -> bool:
    """Insert the grant if its key is new and all it rests on stands: one statement."""
    person = standing.of_person(client, user="s.user_id", since=grant.created_at)
    parameters = [
        db_id(grant.id),
        db_id(grant.application_id),
        db_id(grant.sid),
        grant.scope,
        grant.resources,
        grant.claims_request,
        grant.acr,
        grant.amr,
        db_instant(grant.authenticated_at),
        grant.offline,
        grant.refreshable,
        db_instant(grant.created_at),
        db_instant(grant.expires_at),
        db_instant(grant.absolute_expires_at),
        db_id(grant.session_id),
        db_id(grant.user_id),
        db_instant(now),
        *person.parameters,
    ]
    return bool(token_statement.run(_insert_sql(person.sql), parameters))


@lru_cache(maxsize=64)
def _insert_sql(standing: str) -> str:
    return _INSERT.format(standing=standing)


# ----- the sealed content -----


def _pack(code: AuthorizationCode) -> bytes:
    fixed = _FIXED.pack(
        code.grant_id.bytes,
        code.application_id.bytes,
        code.user_id.bytes,
        code.session_id.bytes,
        code.sid.bytes,
        (code.issued_at - _EPOCH) // _MICROSECOND,
        (code.authenticated_at - _EPOCH) // _MICROSECOND,
        code.offline,
    )
    texts = (
        code.redirect_uri,
        " ".join(code.scope),
        " ".join(code.resources),
        code.code_challenge,
        code.nonce,
        code.acr,
        " ".join(code.amr),
        code.claims,
    )
    return fixed + orjson.dumps(texts)


def _unpack(content: bytes) -> AuthorizationCode:
    grant, application, user, session, sid, issued, authenticated, offline = _FIXED.unpack(
        content[: _FIXED.size]
    )
    texts = orjson.loads(content[_FIXED.size :])
    redirect_uri, scope, resources, code_challenge, nonce, acr, amr, claims = texts
    return AuthorizationCode(
        grant_id=from_bytes(grant),
        application_id=from_bytes(application),
        user_id=from_bytes(user),
        session_id=from_bytes(session),
        sid=from_bytes(sid),
        issued_at=_EPOCH + issued * _MICROSECOND,
        authenticated_at=_EPOCH + authenticated * _MICROSECOND,
        redirect_uri=redirect_uri,
        scope=tuple(scope.split()),
        resources=tuple(resources.split()),
        code_challenge=code_challenge,
        nonce=nonce,
        acr=acr,
        amr=tuple(amr.split()),
        claims=claims,
        offline=offline,
    )


def _stored(reference: bytes) -> bytes:
    """The sealed content behind a reference. Raises opaque.Malformed."""
    row_id, tag = reference[:16], reference[16:]
    if not keys.check_mac(REFERENCE_PURPOSE, row_id, tag):
        raise opaque.Malformed("not a reference of ours")
    row = StoredAuthorizationCode.objects.filter(pk=uuid.UUID(bytes=row_id)).first()
    if row is None:
        raise opaque.Malformed("the stored code is gone")
    return bytes(row.sealed)


def _reference_mac(row_id: bytes) -> bytes:
    return keys.mac(REFERENCE_PURPOSE, row_id)[:_MAC_BYTES]
