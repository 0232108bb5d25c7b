"""What a service provider that asked for a sign-out is told: the LogoutResponse (SAML Core §3.7.2).

It comes after everybody else has been told, so what it says is what the ledger says: Success, with
PartialLogout inside where any other application in the session is not known to be told, whether it
could not be reached or has no address (SAML Core §3.7.3.2: "if not all session participants can be
contacted"). Who waits for slow ones sees a page, which is not for long.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import orjson

from federation.identity_provider import entity, pages, service_providers
from federation.identity_provider.service_providers import KnownServiceProvider
from federation.identity_provider.single_logout import outgoing, services
from federation.saml import bindings, logout, vocabulary, xml
from federation.saml.logout import OutgoingResponse, Way
from idp import audit, keys
from idp.accounts.logout import SIGNED_OUT_PATH
from idp.accounts.logout_channels import ledger
from idp.accounts.logout_channels.ledger import Entry
from idp.models import Application
from idp.protocol import jose
from idp.protocol.errors import MethodNotAllowed
from idp.protocol.message import Request, Response, redirect

PURPOSE = "SAML logout reply"
TICKET = "ticket"
LIFETIME = timedelta(minutes=30)
LONGEST_TICKET = 32 * 1024
# How long applications that we ask ourselves are waited for.
PATIENCE = timedelta(seconds=5)
ACTION = "saml.logout_response"

SUCCESS = (vocabulary.SUCCESS,)
PARTIAL = (vocabulary.SUCCESS, vocabulary.PARTIAL_LOGOUT)
UNKNOWN = (vocabulary.REQUESTER, vocabulary.UNKNOWN_PRINCIPAL)
_WORDS = {
    SUCCESS: "",
    PARTIAL: "The session has ended. Not every application in it is known to have been told.",
    UNKNOWN: "No session of this name and index is known here.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """An answer that is owed to a service provider: to which request, about which sessions."""

    entity_id: str
    in_response_to: str
    binding: str
    relay_state: str | None
    session_ids: tuple[uuid.UUID, ...]
    since: datetime


def can_be_given(known: KnownServiceProvider) -> bool:
    """Whether a browser can bring the service provider anything."""
    return services.front_channel(known.row) is not None


def path(owed: Owed) -> str:
    """The path of ours that gives the answer, for whoever comes by with it."""
    content = orjson.dumps(
        [
            owed.since.timestamp(),
            *(owed.entity_id, owed.in_response_to, owed.binding, owed.relay_state),
            [one.hex for one in owed.session_ids],
        ]
    )
    sealed = jose.encode(keys.seal(PURPOSE, content))
    return f"{entity.SINGLE_LOGOUT_REPLY_PATH}?{TICKET}={sealed}"


def _read(query: str, *, now: datetime) -> Owed | None:
    """What a path of ours says; None for anything but a recent one."""
    name, _, sealed = query.partition("=")
    if name != TICKET or len(sealed) > LONGEST_TICKET:
        return None
    try:
        content = orjson.loads(keys.unseal(PURPOSE, jose.decode(sealed)))
    except (jose.InvalidJwt, keys.Unsealable):
        return None
    since, entity_id, in_response_to, binding, relay_state, session_ids = content
    if now.timestamp() - since > LIFETIME.total_seconds():
        return None
    return Owed(
        entity_id=entity_id,
        in_response_to=in_response_to,
        binding=binding,
        relay_state=relay_state,
        session_ids=tuple(uuid.UUID(hex=one) for one in session_ids),
        since=datetime.fromtimestamp(since, UTC),
    )


def give(request: Request) -> Response:
    """Answer the service provider as soon as there is something true to say."""
    if request.method != "GET":
        raise MethodNotAllowed(allow=("GET",))
    owed = _read(request.query, now=request.now)
    known = service_providers.find(owed.entity_id) if owed is not None else None
    if owed is None or known is None or not known.application.enabled:
        return redirect(SIGNED_OUT_PATH)
    entries = others(owed.session_ids, known.application)
    if ledger.is_pending(entries) and request.now - owed.since < PATIENCE:
        return _wait(entries, request)
    return send(owed, known, status_of(entries), request)


def _wait(entries: list[Entry], request: Request) -> Response:
    values = {"applications": entries, "continue_url": f"{request.path}?{request.query}"}
    page = pages.page("idp/logout_waiting.html", values)
    page.headers.append(("Refresh", "1"))
    return page


def others(session_ids: Iterable[uuid.UUID], asked: Application) -> list[Entry]:
    """What became of everybody in these sessions but the application that asked."""
    found = ledger.of(session_ids)
    return [
        entry for entries in found.values() for entry in entries if entry.application.pk != asked.pk
    ]


def status_of(entries: Iterable[Entry]) -> tuple[str, ...]:
    """Success, and whether that is the whole truth."""
    return SUCCESS if all(entry.was_told for entry in entries) else PARTIAL


def send(
    owed: Owed, known: KnownServiceProvider, status: tuple[str, ...], request: Request
) -> Response:
    """The LogoutResponse by the binding of the request, or one that the service provider has."""
    service = services.front_channel(known.row, like=owed.binding)
    if service is None:
        return redirect(SIGNED_OUT_PATH)
    url = service.response_url or service.url
    content = _content(owed.in_response_to, status, destination=url, now=request.now)
    answer = outgoing.by_browser(
        logout.build_response(content),
        known.row,
        by=Way(service.binding, url, owed.relay_state),
        kind=bindings.MESSAGES[1],
    )
    _audit(content, known, request)
    return answer


def element(
    in_response_to: str,
    known: KnownServiceProvider,
    status: tuple[str, ...],
    request: Request,
) -> xml.Element:
    """The signed LogoutResponse as SOAP carries it: without Destination, there is no address."""
    content = _content(in_response_to, status, destination=None, now=request.now)
    signed = outgoing.signed(logout.build_response(content), known.row)
    _audit(content, known, request)
    return signed


def _content(
    in_response_to: str, status: tuple[str, ...], *, destination: str | None, now: datetime
) -> OutgoingResponse:
    return OutgoingResponse(
        issuer=entity.entity_id(),
        destination=destination,
        in_response_to=in_response_to,
        issue_instant=now,
        status=status,
        message=_WORDS[status],
    )


def _audit(content: OutgoingResponse, known: KnownServiceProvider, request: Request) -> None:
    """Every signature by its ID, as of assertions."""
    audit.buffer(
        ACTION,
        request=request,
        application=known.application,
        details={
            "response_id": content.id,
            "in_response_to": content.in_response_to,
            "status": [code.rpartition(":")[2] for code in content.status],
        },
    )
