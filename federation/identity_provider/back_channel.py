"""A request that a service provider sends itself, in a SOAP envelope: who sends it, when.

There is no browser and no page: it must be signed (SAML Bindings §3.2.3.3). Client certificates are
not asked for. What it asks is read and answered by the endpoint.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings

from federation.identity_provider import service_providers
from federation.identity_provider.errors import (
    DisabledApplication,
    OutdatedMetadata,
    ReplayedRequest,
    StaleRequest,
    UnknownServiceProvider,
    UnsignedRequest,
    WrongDestination,
)
from federation.identity_provider.service_providers import KnownServiceProvider
from federation.models import SeenMessage
from federation.saml import datatypes, protocol_message, signature, xml
from idp.protocol.message import Request

REMEMBERED = timedelta(hours=1)


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """A request whose sender is proven. `element`: the verified one."""

    service_provider: KnownServiceProvider
    element: xml.Element

    @property
    def id(self) -> str:
        """Its ID."""
        return str(self.element.get("ID"))


def receive(element: xml.Element, request: Request, *, name: str, destination: str) -> Asked:
    """Return the request `name` out of a SOAP body, if it may be answered. Raises SamlError.

    `destination`: the endpoint's own address.
    """
    senders: list[KnownServiceProvider] = []

    def keys_of(issuer: str) -> Sequence[signature.VerificationKey]:
        known = service_providers.find(issuer)
        if known is None:
            raise UnknownServiceProvider("unknown_issuer", issuer)
        senders.append(known)
        return known.signing_keys

    received = protocol_message.receive_element(element, name=name, keys_of=keys_of)
    (sender,) = senders
    if not sender.application.enabled:
        raise DisabledApplication("disabled")
    if sender.is_outdated(request.now):
        raise OutdatedMetadata("metadata_valid_until", f"{sender.row.metadata_valid_until}")
    if not received.signed:
        raise UnsignedRequest("unsigned", f"{name} by SOAP")
    asked = Asked(sender, received.element)
    _check_destination(asked, destination)
    _check_new(asked, request)
    return asked


def _check_destination(asked: Asked, expected: str) -> None:
    """A Destination, if there, is this endpoint (SAML Core §3.2.1)."""
    named = asked.element.get("Destination", expected)
    if named != expected:
        raise WrongDestination("destination", named)


def _check_new(asked: Asked, request: Request) -> None:
    """It is of now and comes once; the insert of its ID decides (SAML Core §3.2.1)."""
    skew = settings.IDP.clock_skew
    issued = datatypes.instant(asked.element.get("IssueInstant"))
    if not request.now - skew <= issued <= request.now + skew:
        raise StaleRequest("issue_instant", datatypes.format_instant(issued))
    key = hashlib.sha256(f"{asked.service_provider.entity_id}\0{asked.id}".encode()).hexdigest()
    if not SeenMessage.objects.remember(key, until=request.now + REMEMBERED):
        raise ReplayedRequest("replay", asked.id)
