"""Where a Response may be posted: one registered assertion consumer service (SAML Core §3.4.1).

By URL, exactly as registered; by index; or the default. What is not registered gets nothing, not
even an error Response.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from federation.saml import authn_request, errors, vocabulary


@dataclass(frozen=True, slots=True)
class AssertionConsumerService:
    """One md:AssertionConsumerService. None: the metadata does not say."""

    url: str
    binding: str = vocabulary.POST
    index: int | None = None
    is_default: bool | None = None


def choose(
    services: Sequence[AssertionConsumerService],
    *,
    request: authn_request.AuthnRequest | None,
    bindings: Sequence[str] = (vocabulary.POST,),
) -> AssertionConsumerService:
    """Return the service to answer at; None for the request means the default.

    `bindings`: those by which an answer can go out; of two services that fit alike, the one of the
    first binding. Raises UnknownAssertionConsumerService: show the error here, send nothing.
    """
    usable = [service for binding in bindings for service in services if service.binding == binding]
    if request is None:
        return default(usable)
    if request.protocol_binding is not None:
        usable = [service for service in usable if service.binding == request.protocol_binding]
        if request.protocol_binding not in bindings:
            raise errors.UnknownAssertionConsumerService(
                "protocol_binding", f"ProtocolBinding {request.protocol_binding!r}"
            )
    if request.acs_url is not None:
        wanted = [service for service in usable if service.url == request.acs_url]
        # One URL may be registered under several indexes: any of them is the same place.
        return _first(wanted, f"AssertionConsumerServiceURL {request.acs_url!r}")
    if request.acs_index is not None:
        wanted = [service for service in usable if service.index == request.acs_index]
        return _only(wanted, f"AssertionConsumerServiceIndex {request.acs_index}")
    return default(usable)


def default(services: Sequence[AssertionConsumerService]) -> AssertionConsumerService:
    """Return the default: said to be, not said not to be, or the first (SAML Metadata §2.2.3).

    Among those of the first one's binding: another is used where it is asked for.
    """
    alike = [service for service in services if service.binding == services[0].binding]
    preferred = [service for service in alike if service.is_default]
    neutral = [service for service in alike if service.is_default is None]
    return _first(preferred or neutral or alike, "no service with a binding that is used here")


def _first(services: Sequence[AssertionConsumerService], wanted: str) -> AssertionConsumerService:
    if not services:
        raise errors.UnknownAssertionConsumerService("assertion_consumer_service", wanted)
    return services[0]


def _only(services: Sequence[AssertionConsumerService], wanted: str) -> AssertionConsumerService:
    """Return the only one: an index that stands twice names no place."""
    if len({service.url for service in services}) > 1:
        raise errors.UnknownAssertionConsumerService("ambiguous_index", wanted)
    return _first(services, wanted)
