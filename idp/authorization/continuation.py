"""What becomes of a stored authorization request: the kind `oidc` of `accounts.interaction`.

The request is checked anew when its person is ready, because an application may have been disabled
or an address removed meanwhile; then the code is issued, or the refusal sent.
"""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlencode

from django.http import HttpRequest
from django.utils import timezone

from idp import audit
from idp.accounts import consents, interaction, requirement
from idp.accounts import session as sessions
from idp.accounts.consents import ConsentQuestion
from idp.accounts.interaction import Opened, Refusal
from idp.authorization import consent, issuing, pipeline, refusal, response
from idp.authorization.pipeline import Refused
from idp.authorization.request import AuthorizationRequest, restore
from idp.models import Application, Consent, Interaction, Session
from idp.protocol.errors import (
    AccessDenied,
    ConsentRequired,
    LoginRequired,
    ProtocolError,
    UnmetAuthenticationRequirements,
)
from idp.protocol.message import Request, Response

KIND = "oidc"
LONGEST_ADDRESS = 2000
_REFUSALS: dict[str, tuple[type[ProtocolError], str]] = {
    Refusal.CANCELLED: (AccessDenied, "the person cancelled the sign-in"),
    Refusal.CONSENT_DENIED: (AccessDenied, "the person did not agree"),
    Refusal.NOT_ALLOWED: (AccessDenied, "the person may not use this application"),
    Refusal.LOGIN_REQUIRED: (LoginRequired, "the person has to sign in"),
    Refusal.CONSENT_REQUIRED: (ConsentRequired, "the person has to agree"),
    Refusal.UNMET: (UnmetAuthenticationRequirements, "no sign-in here reaches the demanded acr"),
}


def store(request: AuthorizationRequest, origin: Request) -> Opened:
    """Keep the request until its person has signed in and agreed."""
    return interaction.open(
        KIND,
        application=request.client.application,
        requirement=request.requirement,
        request=request.stored(),
        origin=origin,
        now=origin.now,
    )


def finish(row: Interaction, session: Session, request: HttpRequest) -> Response:
    """Issue the code to a person who met every requirement; called once."""
    now = timezone.now()
    origin = _origin(request)
    try:
        checked = _check(row, now=now)
    except Refused as refused:
        return _refused(refused, origin)
    stored = consents.given(session.user, checked.client.application)
    if not _is_agreed(row, session, checked, stored):
        return _fail(checked, ConsentRequired("the consent was withdrawn"), origin, session)
    try:
        members = _issue(checked, session, stored, now=now, origin=origin)
    except sessions.SessionEnded:
        return _fail(checked, LoginRequired("the session has just ended"), origin, session)
    except LoginRequired as error:
        return _fail(checked, error, origin, session)
    application = checked.client.application
    audit.trace(
        protocol=refusal.PROTOCOL,
        result="success",
        request=origin,
        user=session.user,
        application=application,
        received=refusal.masked(checked.parameters),
        trace=[{"name": pipeline.describe(one), "passed": True} for one in pipeline.CHECKS],
    )
    return response.success(checked.reply_to, members, application=application)


def _is_agreed(
    row: Interaction, session: Session, checked: AuthorizationRequest, stored: Consent | None
) -> bool:
    """Whether nothing has to be asked any more, or this person has just been asked."""
    asked = row.consented_at is not None and row.session_id == session.pk
    return asked or consent.question(checked, session, stored) is None


def _issue(
    checked: AuthorizationRequest,
    session: Session,
    stored: Consent | None,
    *,
    now: datetime,
    origin: Request,
) -> dict[str, str]:
    participant = sessions.participate(session, checked.client.application, now)
    return issuing.issue(
        checked,
        user_id=session.user_id,
        session_id=session.pk,
        sid=participant.id,
        authenticated_at=session.authenticated_at,
        acr=session.acr,
        amr=session.amr,
        consented=stored.scopes if stored else (),
        now=now,
        origin=origin,
    )


def refuse(row: Interaction, reason: str, request: HttpRequest) -> Response:
    """Tell the client why its person does not come back with a code; called once."""
    origin = _origin(request)
    kind, description = _REFUSALS.get(reason, (AccessDenied, "the request was refused"))
    try:
        checked = _check(row, now=timezone.now())
    except Refused as refused:
        return _refused(refused, origin)
    return _fail(checked, kind(description), origin, row.session)


def ask(row: Interaction, session: Session) -> ConsentQuestion | None:
    """What the person still has to agree to; nothing where the request will be refused anyway."""
    try:
        checked = _check(row, now=timezone.now())
    except Refused:
        return None
    stored = consents.given(session.user, checked.client.application)
    return consent.question(checked, session, stored)


def restart(row: Interaction) -> str:
    """Where a request that waited too long can begin again."""
    if row.request.get("signed"):
        # Only the application can sign it anew.
        return row.application.launch_url if row.application else ""
    parameters = restore(row.request)
    query = urlencode(parameters.as_dict(), doseq=True)
    address = f"/authorize?{query}"
    if len(address) <= LONGEST_ADDRESS:
        return address
    return row.application.launch_url if row.application else ""


def _check(row: Interaction, *, now: datetime) -> AuthorizationRequest:
    """The stored request through every check again, with the requirement it had at first."""
    signed = bool(row.request.get("signed"))
    checked = pipeline.run(restore(row.request), now=now, signed=signed)
    return checked._replace(requirement=requirement.load(row.requirement))


def _refused(refused: Refused, origin: Request) -> Response:
    return refusal.answer(refused, origin)


def _fail(
    checked: AuthorizationRequest,
    error: ProtocolError,
    origin: Request,
    session: Session | None,
) -> Response:
    application: Application = checked.client.application
    refusal.note(
        error,
        origin,
        application=application,
        user=session.user if session else None,
        received=refusal.masked(checked.parameters),
    )
    return response.failure(checked.reply_to, error, application=application)


def _origin(request: HttpRequest) -> Request:
    """Where a page's request came from, as the checks' refusals want it."""
    return Request(
        method=str(request.method),
        path=request.path,
        now=timezone.now(),
        cookies=request.COOKIES,
        client_address=getattr(request, "client_address", ""),
        user_agent=getattr(request, "user_agent", ""),
        request_id=getattr(request, "request_id", ""),
    )


def install() -> None:
    """Let the dispatcher lead stored authorization requests on; called once at start."""
    interaction.register(KIND, finish=finish, refuse=refuse, consent=ask, restart=restart)
