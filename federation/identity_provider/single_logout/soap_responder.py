"""The SingleLogoutService by SOAP: a service provider itself asks (SAML Bindings §3.2).

No browser is there, so whoever is only told in one is not told, and the answer says so. It waits
a moment for those that we ask ourselves, a few requests at a time: a slow service provider holds
nobody's sign-in back.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterable
from datetime import timedelta

from federation.identity_provider import entity, soap_endpoint
from federation.identity_provider.service_providers import KnownServiceProvider
from federation.identity_provider.single_logout import checks, ending, reply
from federation.identity_provider.single_logout.checks import Draft, Refused
from federation.saml import logout, xml
from idp import keys
from idp.accounts.logout_channels.ledger import Entry
from idp.accounts.logout_channels.outbox import Asked, State
from idp.models import LogoutNotification
from idp.protocol.message import Request

# A service provider holds a connection open meanwhile, and we a thread.
PATIENCE = timedelta(seconds=2)
LOOK_SECONDS = 0.1
# Half of what a process answers at once: others go on while these wait.
MOST_WAITING = 2
_places = threading.BoundedSemaphore(MOST_WAITING)


def answer(message: xml.Element, request: Request) -> xml.Element:
    """End the sessions that are meant; the signed LogoutResponse. Raises SamlError."""
    draft = Draft(
        lambda keys_of: logout.receive_request_element(
            message, keys_of=keys_of, decryption_keys=keys.saml_decryption()
        ),
        destination=entity.single_logout_soap_url(),
        by_browser=False,
        now=request.now,
    )
    try:
        wanted = checks.run(draft)
    except Refused as refused:
        raise refused.error from refused
    asked = Asked(draft.known.application, LogoutNotification.Channel.SAML_SOAP)
    match = ending.end(draft.known, wanted, asked, request)
    sessions = tuple(one.pk for one in match.sessions)
    status = _status(sessions, draft.known) if match.is_known else reply.UNKNOWN
    return reply.element(wanted.id, draft.known, status, request)


def _status(session_ids: tuple[uuid.UUID, ...], known: KnownServiceProvider) -> tuple[str, ...]:
    """What the ledger says once everybody has answered, the time is up, or no place to wait is."""
    entries = reply.others(session_ids, known.application)
    if _is_awaited(entries) and _places.acquire(blocking=False):
        try:
            entries = _waited_for(session_ids, known)
        finally:
            _places.release()
    return reply.status_of(entries)


def _waited_for(session_ids: tuple[uuid.UUID, ...], known: KnownServiceProvider) -> list[Entry]:
    end = time.monotonic() + PATIENCE.total_seconds()
    while True:
        entries = reply.others(session_ids, known.application)
        if not _is_awaited(entries) or time.monotonic() >= end:
            return entries
        time.sleep(LOOK_SECONDS)


def _is_awaited(entries: Iterable[Entry]) -> bool:
    """Whether somebody is being asked for the first time: a second one comes too late for this."""
    return any(one.state == State.WAITING for entry in entries for one in entry.notices)


ENDPOINT = soap_endpoint.handler(answer)
