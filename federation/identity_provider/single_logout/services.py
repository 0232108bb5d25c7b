"""The SingleLogoutServices of service providers: who listens where (SAML Metadata §2.4.2)."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from federation.models import ServiceProvider
from federation.saml import errors, vocabulary
from federation.saml.metadata import endpoint
from federation.saml.metadata.endpoint import SingleLogoutService
from idp import directory

# Redirect first: its messages are shorter, and it needs no form.
FRONT_CHANNEL = (vocabulary.REDIRECT, vocabulary.POST)


@dataclass(frozen=True, slots=True)
class Listeners:
    """Applications by how they are told: by SOAP, or only through the browser."""

    soap: frozenset[uuid.UUID]
    browser: frozenset[uuid.UUID]


def of(row: ServiceProvider) -> tuple[SingleLogoutService, ...]:
    """Its usable services in the order of its metadata.

    An address that could not be registered is left out, however it came there.
    """
    stored = (
        SingleLogoutService(
            url=str(one.get("url", "")),
            binding=str(one.get("binding", "")),
            response_url=str(one.get("response_url", "")),
        )
        for one in row.single_logout_services
    )
    return tuple(one for one in stored if _is_usable(one))


def _is_usable(service: SingleLogoutService) -> bool:
    try:
        endpoint.check(service.url, what="The single logout service")
        if service.response_url:
            endpoint.check(service.response_url, what="The single logout service")
    except errors.InvalidMetadata:
        return False
    return True


def soap(row: ServiceProvider) -> str:
    """Where it is asked by SOAP, empty if nowhere."""
    found = [one.url for one in of(row) if one.binding == vocabulary.SOAP_BINDING]
    return found[0] if found else ""


def front_channel(row: ServiceProvider, *, like: str = "") -> SingleLogoutService | None:
    """Where a browser brings it messages; by the binding `like` where it has that one."""
    by_binding: dict[str, SingleLogoutService] = {}
    for one in of(row):
        by_binding.setdefault(one.binding, one)
    order = (like, *FRONT_CHANNEL)
    return next(
        (by_binding[one] for one in order if one in FRONT_CHANNEL and one in by_binding), None
    )


def listeners() -> Listeners:
    """Every application that is told, by how; kept until a registration changes."""
    return directory.cached("saml-logout-listeners", _listeners)


def _listeners() -> Listeners:
    by_soap: set[uuid.UUID] = set()
    by_browser: set[uuid.UUID] = set()
    rows = ServiceProvider.objects.only("single_logout_services").exclude(single_logout_services=[])
    for row in rows.iterator():
        if soap(row):
            by_soap.add(row.pk)
        elif front_channel(row) is not None:
            by_browser.add(row.pk)
    return Listeners(frozenset(by_soap), frozenset(by_browser))
