"""The end_session endpoint (OIDC RP-Initiated Logout §2): an application asks to sign a person out.

At once if its hint belongs to the session of this browser; otherwise the person is asked (§6).
Back to the application only at an address registered for it, and only with a hint of ours, or with
its client_id and the person's word (§3).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from idp import directory, keys, subjects
from idp.accounts import cookies, logout
from idp.accounts import session as sessions
from idp.authorization import refusal
from idp.authorization.request import LONGEST_STATE
from idp.features import Feature
from idp.models import Client, Participant, Session
from idp.protocol import jose, response_mode
from idp.protocol import parameters as forms
from idp.protocol.errors import InvalidRequest, MethodNotAllowed, ProtocolError
from idp.protocol.message import Request, Response, redirect
from idp.protocol.parameters import Parameters
from idp.tokens import id_token

PATH = "/end_session"
TITLE = "This sign-out request does not work"
PURPOSE = "end_session"
TICKET = "ticket"
TICKET_LIFETIME = timedelta(minutes=5)
LONGEST_TICKET = 32 * 1024
_READ = ("id_token_hint", "client_id", "post_logout_redirect_uri", "state")


@dataclass(frozen=True, slots=True)
class LogoutRequest:
    """A logout request whose parameters fit each other.

    `hint`: the claims of the ID token, None without a valid one. `destination`: a registered
    address with its state, or empty.
    """

    client: Client | None
    hint: Mapping[str, Any] | None
    destination: str


def end_session(request: Request) -> Response:
    """Answer a logout request by GET or POST (RP-Initiated Logout §2)."""
    if request.method not in ("GET", "POST"):
        raise MethodNotAllowed(allow=("GET", "POST"))
    try:
        parameters = _read(request)
        if request.method == "POST" and not cookies.read(request.cookies, "session"):
            return _by_get(parameters, request)
        checked = _check(parameters, request)
    except ProtocolError as error:
        reference = refusal.note(error, request)
        return refusal.page(error, reference=reference, title=TITLE, happened=_HAPPENED)
    return _decide(checked, request)


_HAPPENED = (
    "An application asked to sign you out, in a way that this service does not accept."
    " You are still signed in here."
)


def _read(request: Request) -> Parameters:
    parameters = forms.parse(request.query) if request.method == "GET" else forms.form(request)
    parameters.refuse_repeated(except_for=())
    ticket = parameters.one(TICKET)
    return parameters if ticket is None else _open_ticket(ticket, request)


def _by_get(parameters: Parameters, request: Request) -> Response:
    """Go on by GET, to which the browser gives our cookie: it keeps it from a cross-site POST."""
    members = {name: parameters.one(name) for name in _READ if name in parameters}
    content = [request.now.timestamp(), members]
    ticket = jose.encode(keys.seal(PURPOSE, orjson.dumps(content)))
    if len(ticket) > LONGEST_TICKET:
        raise InvalidRequest("the parameters are too long")
    return redirect(f"{PATH}?{TICKET}={ticket}")


def _open_ticket(ticket: str, request: Request) -> Parameters:
    """Return the parameters that a POST carried."""
    try:
        sealed_at, members = orjson.loads(keys.unseal(PURPOSE, jose.decode(ticket)))
    except (jose.InvalidJwt, keys.Unsealable):
        raise InvalidRequest("the ticket is not valid") from None
    if request.now.timestamp() - sealed_at > TICKET_LIFETIME.total_seconds():
        raise InvalidRequest("the ticket has expired; start again in the application")
    return Parameters(members.items())


def _check(parameters: Parameters, request: Request) -> LogoutRequest:
    """Check hint, client_id and address against each other (RP-Initiated Logout §2, §3)."""
    client_id = parameters.one("client_id")
    hint = _hint(parameters, request)
    if hint is not None:
        audience = hint["aud"] if isinstance(hint["aud"], str) else hint["aud"][0]
        if client_id is not None and client_id != audience:
            raise InvalidRequest("id_token_hint was issued to another client than client_id")
        client_id = audience
    client = directory.client(client_id) if client_id else None
    wanted = parameters.one("post_logout_redirect_uri")
    if wanted is None:
        return LogoutRequest(client, hint, "")
    if client is not None and wanted not in client.post_logout_redirect_uris:
        raise InvalidRequest("post_logout_redirect_uri is not registered for this client")
    untrusted = hint is None and "id_token_hint" in parameters
    if client is None or untrusted or not client.application.enabled:
        return LogoutRequest(client, hint, "")
    return LogoutRequest(client, hint, _with_state(wanted, parameters.one("state")))


def _with_state(address: str, state: str | None) -> str:
    """The address with the state, if there is one (RP-Initiated Logout §3)."""
    if state is None:
        return address
    if len(state) > LONGEST_STATE:
        raise InvalidRequest(f"state is longer than {LONGEST_STATE} characters")
    return response_mode.query(address, {"state": state})


def _hint(parameters: Parameters, request: Request) -> Mapping[str, Any] | None:
    """Return the claims of the hint; None without one, or with one that we cannot believe.

    A hint that cannot be verified, perhaps under a key long retired, must not keep a person signed
    in: they are asked, and nothing is believed of it.
    """
    hint = parameters.one("id_token_hint")
    if hint is None:
        return None
    try:
        return id_token.read_hint(hint, client_id=None, now=request.now)
    except InvalidRequest:
        return None


def _decide(checked: LogoutRequest, request: Request) -> Response:
    session = sessions.current(cookies.read(request.cookies, "session"), now=request.now)
    if session is None and (checked.hint is not None or not checked.destination):
        return redirect(checked.destination or logout.SIGNED_OUT_PATH)
    if session is not None and _is_hinted(checked, session):
        sessions.end(session, reason="signed out by application", now=request.now, request=request)
        return _signed_out(session, checked.destination, now=request.now)
    opened = logout.question(
        application=checked.client.application if checked.client else None,
        redirect_to=checked.destination,
        origin=request,
        now=request.now,
    )
    answer = redirect(opened.path)
    answer.headers += [("Set-Cookie", cookie) for cookie in opened.cookies]
    return answer


def _is_hinted(checked: LogoutRequest, session: Session) -> bool:
    """Tell whether the hint names this session: its person, and the client's own part in it."""
    client, hint = checked.client, checked.hint
    if hint is None or client is None or hint["sub"] != subjects.of(client, session.user_id):
        return False
    try:
        sid = uuid.UUID(hex=str(hint.get("sid", "")))
    except ValueError:
        return False
    parts = Participant.objects.filter(pk=sid, session_id=session.pk)
    return parts.filter(application_id=client.application_id).exists()


def _signed_out(session: Session, destination: str, *, now: datetime) -> Response:
    """Back to the application, or to our own page; past those that listen in the browser."""
    answer = redirect(logout.way_on(session, redirect_to=destination, now=now))
    left = logout.cookies_after(session, redirect_to=destination, now=now)
    answer.headers += [("Set-Cookie", cookie) for cookie in left]
    return answer


def metadata(issuer: str) -> Mapping[str, Any]:
    """Return this endpoint's members of the discovery documents, and those of the channels.

    RP-Initiated Logout §2.1, Back-Channel Logout §2.1, Front-Channel Logout §3.
    """
    return {
        "end_session_endpoint": issuer + PATH,
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "frontchannel_logout_supported": True,
        "frontchannel_logout_session_supported": True,
    }


FEATURE = Feature(
    name="end_session",
    specification="OIDC RP-Initiated Logout §2",
    routes={PATH: end_session},
    pages=frozenset({PATH}),
    metadata=metadata,
)
