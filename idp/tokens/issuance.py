"""Issue what a grant established: access token, ID token, refresh token, in one answer.

The one place where a token response is made (RFC 6749 §5.1, OIDC Core §3.1.3.3) for any grant.
Reads the person only if something is said about them.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson
from django.conf import settings

from idp import audit, subjects
from idp.claims import applications, attributes, release
from idp.claims.facts import SessionFacts
from idp.claims.mapping import ACCESS_TOKEN, ID_TOKEN
from idp.claims.person import Person
from idp.models import Client, Grant
from idp.protocol import claims_request, response_type
from idp.protocol.claims_request import ClaimsRequest
from idp.protocol.errors import InvalidGrant
from idp.protocol.scope import OPENID
from idp.protocol.vocabulary import BEARER, GrantType
from idp.tokens import access_token, entitlement, id_token


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """What a grant established, ready to be issued.

    `scope`: granted for this answer; `resources`: the APIs of the access token, none for ourselves.
    `grant`: None where no person is involved. `nonce`: of a first ID token only (OIDC Core §12.2).
    `audience`, `token_scope`: whom the access token is for, and its scopes there.
    """

    client: Client
    scope: tuple[str, ...]
    resources: tuple[str, ...] = ()
    grant: Grant | None = None
    nonce: str = ""
    refresh_token: str = ""
    audience: tuple[str, ...] = field(init=False)
    token_scope: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        audience = entitlement.audience(self.resources)
        scope = entitlement.meaningful(self.client, self.scope, audience=audience)
        object.__setattr__(self, "audience", audience)
        object.__setattr__(self, "token_scope", scope)


def respond(
    authorization: Authorization, *, grant_type: str, now: datetime, origin: audit.Origin
) -> dict[str, Any]:
    """Return the members of the token response, and note in the audit trail what was issued."""
    response = issue(authorization, now=now)
    _record(authorization, grant_type=grant_type, origin=origin)
    return response


def respond_in_front_channel(
    authorization: Authorization,
    *,
    words: Collection[str],
    code: str,
    now: datetime,
    origin: audit.Origin,
) -> dict[str, str]:
    """Return the tokens of an implicit or hybrid response (OIDC Core §3.2.2.5, §3.3.2.5).

    `words`: of the response type. `code`: the one that goes with them, or empty. An ID token that
    comes without any other way to the claims of the scopes holds them itself (§5.4).
    """
    if authorization.grant is None:
        raise ValueError("tokens in the front channel are about a person")
    issuer = _Issuer(authorization.client, authorization.grant, scope=authorization.scope, now=now)
    members: dict[str, str] = {}
    token = ""
    if response_type.TOKEN in words:
        scope = authorization.token_scope
        token = issuer.access_token(scope, audience=authorization.audience)
        members = {name: str(value) for name, value in _members(token, scope).items()}
    if response_type.ID_TOKEN in words:
        alone = not token and not code
        members["id_token"] = issuer.id_token(
            token, nonce=authorization.nonce, code=code, with_scope_claims=alone
        )
    _record(authorization, grant_type=GrantType.IMPLICIT, origin=origin)
    return members


def issue(authorization: Authorization, *, now: datetime) -> dict[str, Any]:
    """Return the members of the token response; a preview, which nobody gets, is not recorded."""
    client = authorization.client
    audience, scope = authorization.audience, authorization.token_scope
    if authorization.grant is None:
        token = _machine_token(authorization, now=now)
        return _members(token, scope)
    issuer = _Issuer(client, authorization.grant, scope=authorization.scope, now=now)
    token = issuer.access_token(scope, audience=audience)
    response = _members(token, scope)
    if authorization.refresh_token:
        response["refresh_token"] = authorization.refresh_token
    if OPENID in authorization.scope:
        response["id_token"] = issuer.id_token(token, nonce=authorization.nonce)
    return response


def _members(token: str, scope: tuple[str, ...]) -> dict[str, Any]:
    return {
        "access_token": token,
        "token_type": BEARER,
        "expires_in": int(settings.IDP.access_token_lifetime.total_seconds()),
        "scope": " ".join(scope),
    }


def _machine_token(authorization: Authorization, *, now: datetime) -> str:
    """A token in the client's own name (RFC 6749 §4.4): `sub` is its client_id (RFC 9068 §2.2)."""
    client = authorization.client
    rows = applications.rows(client.application)
    claims = None
    if rows:
        claims = release.release(
            None,
            application=applications.of_client(client),
            target=ACCESS_TOKEN,
            scopes=authorization.token_scope,
            rows=rows,
        ).claims
    return access_token.issue(
        client,
        subject=client.client_id,
        scope=authorization.token_scope,
        audience=authorization.audience,
        now=now,
        claims=claims,
    )


class _Issuer:
    """The tokens of one answer about a person, who is read at most once."""

    def __init__(
        self, client: Client, grant: Grant, *, scope: tuple[str, ...], now: datetime
    ) -> None:
        self._client = client
        self._grant = grant
        self._scope = scope
        self._now = now
        self._facts = applications.of_client(client)
        self._rows = applications.rows(client.application)
        self._claims_request = read_claims_request(grant.claims_request)
        self._person: Person | None = None
        self._subject = subjects.of(client, grant.user_id)
        self._auth_time = int(grant.authenticated_at.timestamp())

    def access_token(self, scope: tuple[str, ...], *, audience: tuple[str, ...]) -> str:
        grant = self._grant
        return access_token.issue(
            self._client,
            subject=self._subject,
            scope=scope,
            audience=audience,
            now=self._now,
            grant_id=grant.id,
            person={"auth_time": self._auth_time, "acr": grant.acr, "sid": grant.sid.hex},
            claims=self._released(ACCESS_TOKEN),
        )

    def id_token(
        self, token: str, *, nonce: str, code: str = "", with_scope_claims: bool = False
    ) -> str:
        grant = self._grant
        if with_scope_claims:
            self._facts = dataclasses.replace(self._facts, id_token_scope_claims=True)
        return id_token.issue(
            self._client,
            subject=self._subject,
            session={
                "auth_time": self._auth_time,
                "acr": grant.acr,
                "amr": grant.amr.split(),
                "sid": grant.sid.hex,
            },
            access_token=token,
            code=code,
            now=self._now,
            nonce=nonce,
            claims=self._released(ID_TOKEN),
        )

    def _released(self, target: str) -> Mapping[str, Any]:
        """What is said about the person at `target`; nothing is read where nothing is said."""
        asked: dict[str, Any] = {
            "application": self._facts,
            "target": target,
            "scopes": self._scope,
            "claims_request": self._claims_request,
            "rows": self._rows,
        }
        reads = release.needs_person(**asked)
        if not reads and not self._rows:
            return {}
        person = self._read_person() if reads else None
        return release.release(person, session=self._session_facts(), **asked).claims

    def _read_person(self) -> Person:
        """The person; nothing is issued about somebody who was disabled a moment ago."""
        if self._person is None:
            self._person = attributes.load(self._grant.user_id)
        if self._person is None:
            raise InvalidGrant("the authorization is no longer valid", detail="no such person")
        return self._person

    def _session_facts(self) -> SessionFacts:
        grant = self._grant
        return SessionFacts(
            id=grant.sid.hex,
            acr=grant.acr,
            amr=tuple(grant.amr.split()),
            auth_time=self._auth_time,
        )


@dataclass(frozen=True, slots=True)
class GrantFacts:
    """What UserInfo needs of a grant and a token does not carry; it never changes."""

    user_id: uuid.UUID | None = None
    claims_request: ClaimsRequest | None = None
    amr: tuple[str, ...] = ()


@lru_cache(maxsize=4096)
def facts_of(grant_id: uuid.UUID | None) -> GrantFacts:
    """The facts of a grant, read once in a process."""
    if grant_id is None:
        return GrantFacts()
    row = Grant.objects.filter(pk=grant_id).values_list("user_id", "claims_request", "amr").first()
    if row is None:
        return GrantFacts()
    return GrantFacts(row[0], read_claims_request(row[1]), tuple(row[2].split()))


def read_claims_request(stored: str) -> ClaimsRequest | None:
    """The claims parameter of a grant (OIDC Core §5.5), None where there was none."""
    return claims_request.from_dict(orjson.loads(stored)) if stored else None


def _record(authorization: Authorization, *, grant_type: str, origin: audit.Origin) -> None:
    grant = authorization.grant
    facts: dict[str, Any] = {}
    if grant is not None:
        facts = {"user_id": grant.user_id, "session_id": grant.session_id}
    audit.buffer(
        "token.issued",
        application=authorization.client.application,
        request=origin,
        details={
            "grant_type": grant_type,
            "scope": authorization.token_scope,
            "audience": authorization.audience,
        },
        **facts,
    )
