"""The SingleLogoutService by Redirect and POST (SAML Profiles §4.4, SAML Bindings §3.4, §3.5).

LogoutRequests of service providers come here, and their LogoutResponses to ours. A POST comes from
another site, so a browser keeps our cookies from it: it is checked, sealed, and goes on by GET.
"""

from __future__ import annotations

import zlib
from datetime import timedelta
from urllib.parse import parse_qsl

import orjson

from federation.identity_provider import checks as sign_on_checks
from federation.identity_provider import entity
from federation.identity_provider import request as sign_on
from federation.identity_provider.single_logout import (
    arrival,
    checks,
    ending,
    refusing,
    reply,
    soap_responder,
)
from federation.identity_provider.single_logout.checks import Draft, Refused
from federation.saml import bindings, errors, logout, vocabulary
from federation.saml.bindings import Message
from idp import keys
from idp.accounts import cookies
from idp.accounts import logout as sign_out
from idp.accounts import session as sessions
from idp.accounts.logout_channels import ledger, outbox
from idp.features import Feature
from idp.models import LogoutNotification, Session
from idp.protocol import jose
from idp.protocol.errors import MethodNotAllowed
from idp.protocol.message import Request, Response, redirect

PURPOSE = "SAML logout"
TICKET = "ticket"
TICKET_LIFETIME = timedelta(minutes=5)
LONGEST_TICKET = 32 * 1024


def single_logout(request: Request) -> Response:
    """Answer a LogoutRequest, or take the LogoutResponse to one of ours."""
    if request.method not in ("GET", "POST"):
        raise MethodNotAllowed(allow=("GET", "POST"))
    try:
        message = _read(request)
    except errors.SamlError as error:
        return refusing.page(error, request)
    if message.kind == bindings.MESSAGES[1]:
        return _response(message, request)
    return _request(message, request)


def _read(request: Request) -> Message:
    """Return the message, also out of a ticket that a POST has left. Raises InvalidMessage."""
    if request.method == "GET" and request.query.startswith(f"{TICKET}="):
        return _open_ticket(dict(parse_qsl(request.query)).get(TICKET, ""), request)
    draft = sign_on.Draft(request)
    sign_on_checks.decoded_message(draft)
    if draft.message is None:
        raise errors.InvalidMessage("one_message", "no message")
    return draft.message


def _by_get(message: Message, request: Request) -> Response | None:
    """Go on by GET, to which the browser gives our cookies; None if it is too long for that."""
    head = orjson.dumps([request.now.timestamp(), message.kind, message.relay_state])
    content = head + b"\0" + zlib.compress(message.xml)
    ticket = jose.encode(keys.seal(PURPOSE, content))
    if len(ticket) > LONGEST_TICKET:
        return None
    return redirect(f"{entity.SINGLE_LOGOUT_PATH}?{TICKET}={ticket}")


def _open_ticket(ticket: str, request: Request) -> Message:
    """Return the message that a POST carried. Raises InvalidMessage."""
    try:
        head, _, packed = keys.unseal(PURPOSE, jose.decode(ticket)).partition(b"\0")
    except (jose.InvalidJwt, keys.Unsealable):
        raise errors.InvalidMessage("ticket", "not one of ours") from None
    sealed_at, kind, relay_state = orjson.loads(head)
    if request.now.timestamp() - sealed_at > TICKET_LIFETIME.total_seconds():
        raise errors.InvalidMessage("ticket", "too old")
    return Message(vocabulary.POST, kind, zlib.decompress(packed), relay_state)


def _response(message: Message, request: Request) -> Response:
    """Take the answer to a LogoutRequest of ours."""
    if request.method == "POST" and not cookies.read(request.cookies, "browser"):
        try:
            arrival.check_alone(message)
        except errors.SamlError as error:
            return refusing.page(error, request)
        led_on = _by_get(message, request)
        if led_on is not None:
            return led_on
    return arrival.take(message, request)


def _request(message: Message, request: Request) -> Response:
    """Check a LogoutRequest, at a POST without cookies twice, and do what it asks."""
    token = cookies.read(request.cookies, "session")
    led_on = None if token or request.method != "POST" else _by_get(message, request)
    draft = Draft(
        lambda keys_of: logout.receive_request(
            message, keys_of=keys_of, decryption_keys=keys.saml_decryption()
        ),
        destination=entity.single_logout_url(),
        by_browser=True,
        now=request.now,
        message=message,
    )
    try:
        checks.run(draft, for_good=led_on is None)
    except Refused as refused:
        return refusing.answer(refused, request)
    return led_on or _sign_out(draft, message, request, token=token)


def _sign_out(draft: Draft, message: Message, request: Request, *, token: str) -> Response:
    """End the sessions that are meant, then see who else is to be told (SAML Profiles §4.4.3)."""
    known, wanted = draft.known, draft.verified
    own = sessions.current(token, now=request.now)
    asked = outbox.Asked(known.application, LogoutNotification.Channel.SAML_BROWSER)
    match = ending.end(known, wanted, asked, request)
    here = own if own is not None and own.pk in {one.pk for one in match.sessions} else None
    if wanted.asynchronous or not reply.can_be_given(known):
        return _to_a_page(here, redirect_to="", request=request)
    owed = reply.Owed(
        entity_id=known.entity_id,
        in_response_to=wanted.id,
        binding=message.binding,
        relay_state=message.relay_state,
        session_ids=tuple(one.pk for one in match.sessions),
        since=request.now,
    )
    if not match.is_known:
        return reply.send(owed, known, reply.UNKNOWN, request)
    entries = reply.others(owed.session_ids, known.application)
    if (here is not None and sign_out.has_listeners(here)) or ledger.is_pending(entries):
        return _to_a_page(here, redirect_to=reply.path(owed), request=request)
    answer = reply.send(owed, known, reply.status_of(entries), request)
    return _signed_out(answer, here, redirect_to=reply.path(owed), request=request)


def _to_a_page(here: Session | None, *, redirect_to: str, request: Request) -> Response:
    """Past those that are told in this browser, if its session is the one that has ended."""
    way_on = redirect_to or sign_out.SIGNED_OUT_PATH
    if here is not None:
        way_on = sign_out.way_on(here, redirect_to=redirect_to, now=request.now)
    return _signed_out(redirect(way_on), here, redirect_to=redirect_to, request=request)


def _signed_out(
    answer: Response, here: Session | None, *, redirect_to: str, request: Request
) -> Response:
    if here is not None:
        left = sign_out.cookies_after(here, redirect_to=redirect_to, now=request.now)
        answer.headers += [("Set-Cookie", cookie) for cookie in left]
    return answer


FEATURE = Feature(
    name="single logout",
    specification="SAML Profiles §4.4",
    routes={
        entity.SINGLE_LOGOUT_PATH: single_logout,
        entity.SINGLE_LOGOUT_SOAP_PATH: soap_responder.ENDPOINT,
        entity.SINGLE_LOGOUT_REPLY_PATH: reply.give,
    },
    pages=frozenset({entity.SINGLE_LOGOUT_PATH, entity.SINGLE_LOGOUT_REPLY_PATH}),
)
