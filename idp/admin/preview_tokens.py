"""What an OAuth or OpenID Connect application would receive, for the preview.

Tokens come from `tokens.issuance`, which issues: they are really signed, then measured and taken
apart here. The grant behind them is never stored, so nobody could use them for anything.
"""

from __future__ import annotations

import copy
import uuid
from typing import Any

import orjson

from idp import subjects
from idp.admin import kinds, preview
from idp.admin.preview import Case, NothingIssued, Shown, Target
from idp.claims import applications, attributes, release
from idp.claims.facts import SessionFacts
from idp.claims.mapping import ACCESS_TOKEN, ID_TOKEN, USERINFO
from idp.claims.release import Release
from idp.models import Client, Grant, User
from idp.protocol import jose
from idp.protocol.errors import ProtocolError
from idp.protocol.scope import OPENID
from idp.tokens import entitlement, issuance

ACR, AMR = "pwd", ("pwd",)
NONCE = "a-nonce-of-the-application"


def client_of(case: Case) -> Client:
    """The client of a case with the case's rows in place of the saved ones.

    Nothing is encrypted to it: what it reads is inside.
    """
    client: Client = copy.copy(case.half)
    client.id_token_encrypted_response_alg = ""
    client.application = applications.with_rows(case.application, case.rows)
    return client


def released(case: Case, target: str) -> Release:
    """The decision about one target, with its reasons, as the issuing code takes it."""
    return release.release(
        attributes.of(case.user) if case.user else None,
        application=applications.of_client(case.half),
        target=target,
        scopes=case.scopes,
        session=_session(case),
        rows=case.rows,
    )


def _session(case: Case) -> SessionFacts | None:
    if case.user is None:
        return None
    auth_time = int(case.now.timestamp())
    return SessionFacts(id=_sid(case).hex, acr=ACR, amr=AMR, auth_time=auth_time)


def _sid(case: Case) -> uuid.UUID:
    """A `sid` that stays the same while somebody types."""
    return uuid.uuid5(case.application.pk, "preview")


def _grant(case: Case, user: User) -> Grant:
    """What a sign-in of just now would have established."""
    return Grant(
        id=uuid.uuid5(case.application.pk, "preview grant"),
        application_id=case.application.pk,
        user_id=user.pk,
        sid=_sid(case),
        scope=" ".join(case.scopes),
        resources=" ".join(case.resources),
        acr=ACR,
        amr=" ".join(AMR),
        authenticated_at=case.now,
        created_at=case.now,
    )


def _issued(case: Case) -> dict[str, Any]:
    """The members of the token response, from the code that issues."""
    client = client_of(case)
    if case.user is not None and not case.user.is_active:
        raise NothingIssued(f"{case.user} is disabled: nothing is issued.")
    try:
        return issuance.issue(
            issuance.Authorization(
                client=client,
                scope=case.scopes,
                resources=case.resources,
                grant=_grant(case, case.user) if case.user else None,
                nonce=NONCE if case.user else "",
            ),
            now=case.now,
        )
    except ProtocolError as error:
        raise NothingIssued(f"{error.error}: {error.description}") from error


def _jwt(token: str, case: Case, target: str) -> Shown:
    header, payload, _signature = token.split(".")
    text = f"{_pretty(jose.decode(header))}\n{_pretty(_steady(jose.decode(payload)))}"
    return Shown(text, len(token), released(case, target).reasons)


def _steady(payload: bytes) -> bytes:
    """The claims without what differs from one token to the next by chance alone."""
    claims = orjson.loads(payload)
    for name in ("jti", "at_hash"):
        if name in claims:
            claims[name] = "…"
    return orjson.dumps(claims)


def _pretty(document: bytes) -> str:
    return orjson.dumps(orjson.loads(document), option=orjson.OPT_INDENT_2).decode()


def id_token(case: Case) -> Shown:
    """The ID token: header and claims."""
    if case.user is None:
        raise NothingIssued("A machine gets no ID token: nobody signs in.")
    if OPENID not in case.scopes:
        raise NothingIssued("Without the scope openid there is no ID token.")
    return _jwt(_issued(case)["id_token"], case, ID_TOKEN)


def access_token(case: Case) -> Shown:
    """The access token: header and claims."""
    return _jwt(_issued(case)["access_token"], case, ACCESS_TOKEN)


def userinfo(case: Case) -> Shown:
    """The UserInfo answer."""
    if case.user is None:
        raise NothingIssued("A machine has no UserInfo: nobody signs in.")
    if not case.user.is_active:
        raise NothingIssued(f"{case.user} is disabled: UserInfo says nothing.")
    if OPENID not in case.scopes:
        raise NothingIssued("Without the scope openid there is no UserInfo.")
    decision = released(case, USERINFO)
    answer = orjson.dumps({**decision.claims, "sub": subjects.of(case.half, case.user.pk)})
    return Shown(_pretty(answer), len(answer), decision.reasons)


def scopes_of(client: Client) -> tuple[str, ...]:
    """What the client may ask for, in the usual order."""
    allowed = entitlement.of(client).scopes
    known = [scope for scope in _ORDER if scope in allowed]
    return (*known, *sorted(allowed - set(known)))


_ORDER = ("openid", "profile", "email", "groups", "address", "phone", "offline_access")


def _claims(target: str) -> Any:
    return lambda case: released(case, target).claims


preview.register(Target("id_token", "ID token", kinds.OIDC, id_token, _claims(ID_TOKEN)))
preview.register(
    Target("userinfo", "UserInfo", kinds.OIDC, userinfo, _claims(USERINFO), budget=False)
)
preview.register(
    Target(
        "access_token",
        "Access token",
        kinds.OIDC,
        access_token,
        _claims(ACCESS_TOKEN),
        machines=True,
    )
)
