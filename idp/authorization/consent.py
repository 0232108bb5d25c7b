"""What a person must be asked before an application gets it, and what they then read.

OIDC Core §3.1.2.4, §11; RFC 8252 §8.6. Stored consent is `accounts.consents`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from idp.accounts.consents import ConsentQuestion, Item
from idp.authorization.request import AuthorizationRequest
from idp.claims import applications, attributes, describe, release
from idp.claims.describe import ConsentLine
from idp.claims.facts import SessionFacts
from idp.models import Application, Client, Consent, Session
from idp.protocol import scope as scopes
from idp.protocol import uri
from idp.protocol.claims_request import ClaimsRequest
from idp.tokens import standing

_IDENTITY = frozenset(scopes.OPENID_SCOPES) - {scopes.OFFLINE_ACCESS}


def is_settled(
    request: AuthorizationRequest, *, scope: Collection[str], claims: Collection[str]
) -> bool:
    """Whether nothing has to be asked, given what the person allowed before.

    A program on a device cannot prove who it is, so it is asked about every time, unless its
    answer goes to an address of the web that only its owner can read (RFC 8252 §8.6).
    offline_access alone is never a reason to ask: without a page for it, it is ignored.
    """
    if request.requirement.consent or _may_be_posed(request):
        return False
    if not standing.needs_consent(request.client):
        return True
    return set(_needed(request.scope)) <= set(scope) and set(beyond_scopes(request)) <= set(claims)


def _may_be_posed(request: AuthorizationRequest) -> bool:
    claimed = request.reply_to.redirect_uri.startswith("https://")
    return standing.is_unverifiable(request.client) and not claimed


def _needed(scope: Iterable[str]) -> tuple[str, ...]:
    return tuple(one for one in scope if one != scopes.OFFLINE_ACCESS)


def beyond_scopes(request: AuthorizationRequest) -> tuple[str, ...]:
    """Claims requested by name that no granted scope holds (OIDC Core §5.5)."""
    if not (request.claims.userinfo or request.claims.id_token):
        return ()
    return release.requested_beyond_scopes(
        request.claims,
        scopes=request.scope,
        application=applications.of_client(request.client),
    )


def granted_scope(request: AuthorizationRequest, *, consented: Collection[str]) -> tuple[str, ...]:
    """The scopes that go out: offline_access only where a page has asked for it (OIDC Core §11)."""
    return tuple(one for one in request.scope if one != scopes.OFFLINE_ACCESS or one in consented)


def question(
    request: AuthorizationRequest, session: Session, stored: Consent | None
) -> ConsentQuestion | None:
    """What to ask now; None if everything is settled."""
    before = frozenset(stored.scopes) if stored else frozenset()
    claims_before = frozenset(stored.claims) if stored else frozenset()
    if is_settled(request, scope=before, claims=claims_before):
        return None
    claims = beyond_scopes(request)
    known = before.intersection(request.scope)
    is_all_known = set(_needed(request.scope)) <= before and set(claims) <= claims_before
    if is_all_known:
        known = frozenset()
    client = request.client
    asked = tuple(one for one in request.scope if one not in known)
    return ConsentQuestion(
        application=client.application,
        scopes=asked,
        claims=claims,
        items=_items(request, session, _needed(asked), claims=request.claims),
        granted=_granted(request, session, _needed(one for one in request.scope if one in known)),
        offline_access=scopes.OFFLINE_ACCESS in asked,
        api_only=_IDENTITY.isdisjoint(request.scope),
        **_destination(request),
        **_published(client),
    )


def _items(
    request: AuthorizationRequest,
    session: Session,
    scope: tuple[str, ...],
    *,
    claims: ClaimsRequest,
) -> tuple[Item, ...]:
    return tuple(_item(line) for line in _lines(request, session, scope, claims=claims))


def _granted(
    request: AuthorizationRequest, session: Session, scope: tuple[str, ...]
) -> tuple[Item, ...]:
    lines = _lines(request, session, scope, claims=None) if scope else ()
    return tuple(_item(line) for line in lines if line.scope in scope)


def _item(line: ConsentLine) -> Item:
    value = line.value or (describe.NOTHING if line.expects_value else "")
    return Item(line.label, value)


def _lines(
    request: AuthorizationRequest,
    session: Session,
    scope: tuple[str, ...],
    *,
    claims: ClaimsRequest | None,
) -> list[ConsentLine]:
    client = request.client
    return describe.consent_lines(
        attributes.of(session.user),
        application=applications.of_client(client),
        scopes=scope,
        claims_request=claims,
        rows=applications.rows(client.application),
        session=SessionFacts(
            acr=session.acr,
            amr=tuple(session.amr),
            auth_time=int(session.authenticated_at.timestamp()),
        ),
        descriptions=_descriptions(client),
    )


def _descriptions(client: Client) -> dict[str, str]:
    return {
        scope.name: scope.description
        for resource in client.resources.all()
        for scope in resource.scopes.all()
    }


def _destination(request: AuthorizationRequest) -> dict[str, Any]:
    """Where the browser goes next, and what to beware of."""
    parts = uri.split(request.reply_to.redirect_uri)
    host = parts.host or ""
    unverified = "unverified" if _registered_itself(request.client) else ""
    if not parts.is_web:
        return {"redirect_host": parts.scheme, "redirect_kind": "app", "warning": unverified}
    if host in uri.LOOPBACK_HOSTS:
        warning = "loopback" if request.client.is_native else unverified
        return {"redirect_host": host, "redirect_kind": "loopback", "warning": warning}
    return {"redirect_host": host, "redirect_kind": "web", "host": host, "warning": unverified}


def _registered_itself(client: Client) -> bool:
    """Whether what it says of itself was never read by an administrator."""
    return client.application.origin == Application.Origin.DYNAMIC


def _published(client: Client) -> dict[str, Any]:
    """What the application says about itself."""
    contact = client.application.contact
    return {
        "contact": contact if "@" in contact else "",
        "website": client.metadata.get("client_uri", ""),
        "privacy_url": client.metadata.get("policy_uri", ""),
        "terms_url": client.metadata.get("tos_uri", ""),
    }
