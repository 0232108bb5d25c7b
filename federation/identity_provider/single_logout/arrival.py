"""A browser brings back a LogoutResponse to a LogoutRequest of ours (SAML Profiles §4.4.3.5).

What it answers is looked up by the handle in RelayState, which only this browser and the service
provider have seen. Whatever is wrong with the answer itself, the journey goes on: then the ledger
says that the application has not confirmed it.
"""

from __future__ import annotations

from collections.abc import Sequence

from federation.identity_provider import entity, refusal, remedies, service_providers
from federation.identity_provider.errors import UnknownServiceProvider
from federation.identity_provider.single_logout import checks, refusing
from federation.identity_provider.single_logout.errors import (
    UnexpectedAnswer,
    UnsignedLogout,
    WrongLogoutDestination,
)
from federation.models import ServiceProvider
from federation.saml import errors, logout, signature, vocabulary
from federation.saml.bindings import Message
from federation.saml.logout import LogoutResponse
from idp.accounts import cookies
from idp.accounts.logout_channels import journey
from idp.accounts.logout_channels.journey import Trip
from idp.protocol.message import Request, Response, redirect


def check_alone(message: Message) -> None:
    """What can be said of it without knowing what it answers. Raises SamlError."""
    _signed(message, None)


def take(message: Message, request: Request) -> Response:
    """Write down what the service provider answered, and lead the person on."""
    browser = cookies.read(request.cookies, "browser")
    trip = journey.find(message.relay_state or "", browser=browser, now=request.now)
    if trip is None:
        return refusing.page(UnexpectedAnswer("relay_state", "nothing is under way"), request)
    error = _verdict(message, trip, request)
    journey.arrive(trip, error=error, now=request.now)
    return redirect(trip.way_back)


def _verdict(message: Message, trip: Trip, request: Request) -> str:
    """Empty where the application says that the person is signed out, else why not."""
    try:
        answer = _checked(message, trip, request)
    except errors.SamlError as error:
        application = trip.notice.application
        suggestion = remedies.of(error)
        refusal.note(error, request, application=application, suggestion=suggestion)
        return f"its answer was not accepted: {error.check}"
    return words(answer)


def words(answer: LogoutResponse) -> str:
    """What a verified answer means, for administrators; empty for a success."""
    if answer.status[0] == vocabulary.SUCCESS:
        return ""
    codes = ", ".join(code.rpartition(":")[2] for code in answer.status)
    return f"it answers {codes}"[:200]


def _checked(message: Message, trip: Trip, request: Request) -> LogoutResponse:
    row = ServiceProvider.objects.filter(pk=trip.notice.application_id).first()
    if row is None:
        raise UnknownServiceProvider("unknown_issuer", "no service provider any more")
    answer = _signed(message, row.entity_id)
    if answer.destination != entity.single_logout_url():
        raise WrongLogoutDestination("destination", answer.destination or "none")
    checks.check_instant(answer.issue_instant, now=request.now)
    check_answers(answer, request_id=trip.notice.request_id)
    return answer


def check_answers(answer: LogoutResponse, *, request_id: str) -> None:
    """It is signed and answers this request. Raises SamlError (SAML Profiles §4.4.4.2)."""
    if not answer.signed:
        raise UnsignedLogout("unsigned")
    if answer.in_response_to != request_id:
        raise errors.InvalidMessage("in_response_to", answer.in_response_to or "none")


def _signed(message: Message, entity_id: str | None) -> LogoutResponse:
    """The answer, verified and signed. `entity_id`: whose it has to be, if that is known."""
    answer = logout.receive_response(message, keys_of=lambda issuer: keys_of(issuer, entity_id))
    if not answer.signed:
        raise UnsignedLogout("unsigned")
    return answer


def keys_of(issuer: str, wanted: str | None) -> Sequence[signature.VerificationKey]:
    """The keys of the service provider. Raises UnknownServiceProvider for another one."""
    known = service_providers.find(issuer)
    if known is None or wanted not in (None, issuer):
        raise UnknownServiceProvider("unknown_issuer", issuer)
    return known.signing_keys
