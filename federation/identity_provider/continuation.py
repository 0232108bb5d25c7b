"""What becomes of a stored AuthnRequest: the kind `saml` of `accounts.interaction`.

What can have changed while it waited is checked anew: that the application is registered and
enabled, and the address still its own.
"""

from __future__ import annotations

from django.http import HttpRequest
from django.utils import timezone

from federation.identity_provider import errors as codes
from federation.identity_provider import pipeline, refusal, request, service_providers, success
from federation.identity_provider.request import SignOnRequest
from federation.saml import errors
from idp.accounts import interaction, requirement
from idp.accounts import session as sessions
from idp.accounts.interaction import Opened, Refusal
from idp.accounts.views import facts
from idp.models import Interaction, Session
from idp.protocol.message import Request, Response

KIND = "saml"
_REFUSALS: dict[str, tuple[type[errors.StatusError], str]] = {
    Refusal.CANCELLED: (errors.AuthnFailed, "the person cancelled the sign-in"),
    Refusal.NOT_ALLOWED: (errors.RequestDenied, "the person may not use this application"),
    Refusal.UNMET: (errors.NoAuthnContext, "no sign-in here reaches the demanded context"),
}


def store(sign_on: SignOnRequest, origin: Request) -> Opened:
    """Keep the request until its person has signed in."""
    return interaction.open(
        KIND,
        application=sign_on.service_provider.application,
        requirement=sign_on.requirement,
        request={**sign_on.stored(), "checks": pipeline.passed(sign_on)},
        origin=origin,
        now=origin.now,
    )


def finish(row: Interaction, session: Session, http_request: HttpRequest) -> Response:
    """Send the assertion about a person who met every requirement; called once."""
    came = origin(http_request)
    try:
        sign_on = _restored(row)
    except errors.SamlError as error:
        return _page(row, error, came)
    try:
        return success.answer(sign_on, session, came, at_once=False)
    except sessions.SessionEnded:
        ended = errors.AuthnFailed("the session has just ended")
        return refusal.fail(sign_on, ended, came, user=session.user)


def refuse(row: Interaction, reason: str, http_request: HttpRequest) -> Response:
    """Tell the service provider why its person does not come back signed in; called once."""
    came = origin(http_request)
    try:
        sign_on = _restored(row)
    except errors.SamlError as error:
        return _page(row, error, came)
    user = row.session.user if row.session else None
    return refusal.fail(sign_on, _error(sign_on, reason), came, user=user)


def _error(sign_on: SignOnRequest, reason: str) -> errors.StatusError:
    if reason == Refusal.LOGIN_REQUIRED:
        if sign_on.requirement.passive:
            return errors.NoPassive("the person has to sign in")
        return errors.UnknownPrincipal("another person signed in")
    kind, detail = _REFUSALS.get(reason, (errors.RequestDenied, reason))
    return kind(detail)


def restart(row: Interaction) -> str:
    """Where a request that waited too long begins again: only its application can ask anew.

    A start from here begins here again.
    """
    if row.application is not None and row.request["reply_to"]["in_response_to"] is None:
        return facts.start_url(row.application)
    return facts.launch_url(row.application)


def _restored(row: Interaction) -> SignOnRequest:
    """The request as it was checked, if it may still be answered. Raises SamlError."""
    entity_id = str(row.request["entity_id"])
    known = service_providers.find(entity_id)
    if known is None or known.application.pk != row.application_id:
        raise codes.UnknownServiceProvider("unknown_issuer", entity_id)
    if not known.application.enabled:
        raise codes.DisabledApplication("disabled")
    if known.is_outdated(timezone.now()):
        raise codes.OutdatedMetadata("metadata_valid_until")
    sign_on = request.restore(row.request, known, requirement.load(row.requirement))
    _check_launch(sign_on)
    reply_to = sign_on.reply_to
    registered = {
        (one.url, one.binding)
        for one in known.assertion_consumer_services
        if one.binding in known.bindings
    }
    if (reply_to.acs_url, reply_to.binding) not in registered:
        detail = reply_to.acs_url
        raise errors.UnknownAssertionConsumerService("assertion_consumer_service", detail)
    return sign_on


def _check_launch(sign_on: SignOnRequest) -> None:
    """A start from here is still allowed, and with this RelayState."""
    reply_to, row = sign_on.reply_to, sign_on.service_provider.row
    if reply_to.in_response_to is not None:
        return
    if not row.idp_initiated:
        raise codes.NotStartedHere("idp_initiated", "switched off")
    if reply_to.relay_state not in (None, *row.relay_states):
        raise codes.NotStartedHere("relay_state", "no longer listed")


def _page(row: Interaction, error: errors.SamlError, came: Request) -> Response:
    reference = refusal.note(
        error, came, application=row.application, received=row.request.get("received")
    )
    return refusal.page(error, reference=reference, application=row.application)


def origin(http_request: HttpRequest) -> Request:
    """Where a page's request came from, as an endpoint's request would say it."""
    return Request(
        method=str(http_request.method),
        path=http_request.path,
        query=http_request.META.get("QUERY_STRING", ""),
        now=timezone.now(),
        cookies=http_request.COOKIES,
        client_address=getattr(http_request, "client_address", ""),
        user_agent=getattr(http_request, "user_agent", ""),
        request_id=getattr(http_request, "request_id", ""),
    )


def install() -> None:
    """Let the dispatcher lead stored AuthnRequests on; called once at start."""
    interaction.register(KIND, finish=finish, refuse=refuse, restart=restart)
