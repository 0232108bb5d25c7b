"""The channel of service providers that have only a Redirect or POST address: people take it along.

A `ThroughBrowser` channel of `idp.accounts.logout_channels`, whose `journey` says why it takes the
whole window: in frames most of them would not be given their own cookies.
"""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet

from federation.identity_provider.single_logout import outgoing, services, telling
from federation.models import ServiceProvider
from federation.saml import bindings
from federation.saml.logout import Way
from idp.models import Application, LogoutNotification, Participant
from idp.protocol.message import Response


def wanting(participants: QuerySet[Participant]) -> QuerySet[Participant]:
    """Those without a SOAP address that know the person by a name."""
    listening = services.listeners().browser
    if not listening:
        return participants.none()
    return participants.filter(application_id__in=listening).filter(name_id__gt="")


def listens(application: Application) -> bool:
    """Whether it has an address, and none for SOAP."""
    return application.pk in services.listeners().browser


def depart(
    notice: LogoutNotification, *, request_id: str, relay_state: str, now: datetime
) -> Response | None:
    """Take the LogoutRequest along; None if there is no address any more."""
    row = (
        ServiceProvider.objects.select_related("application")
        .defer("application__logo", "metadata_xml")
        .filter(pk=notice.application_id)
        .first()
    )
    service = services.front_channel(row) if row is not None else None
    if row is None or service is None:
        return None
    element = telling.request(notice, row, request_id=request_id, destination=service.url, now=now)
    way = Way(service.binding, service.url, relay_state)
    return outgoing.by_browser(element, row, by=way, kind=bindings.MESSAGES[0])
