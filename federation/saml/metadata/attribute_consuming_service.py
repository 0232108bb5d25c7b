"""Which attributes a service provider asks for, and for which of its services.

SAML Metadata §2.4.4.1, §2.4.4.2. Says what is asked for; what is given is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from federation.saml import datatypes, vocabulary, xml
from federation.saml.metadata import endpoint


@dataclass(frozen=True, slots=True)
class RequestedAttribute:
    """An attribute the service provider asks for (SAML Metadata §2.4.4.2).

    `values`: only these, where it lists any.
    """

    name: str
    name_format: str = vocabulary.NAME_FORMAT_UNSPECIFIED
    friendly_name: str = ""
    required: bool = False
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AttributeConsumingService:
    """One md:AttributeConsumingService. None: the metadata does not say."""

    index: int | None = None
    is_default: bool | None = None
    attributes: tuple[RequestedAttribute, ...] = ()


def read(role: xml.Element) -> tuple[AttributeConsumingService, ...]:
    """Return all of them, in order. Raises InvalidMetadata, InvalidMessage."""
    return tuple(
        AttributeConsumingService(
            index=endpoint.index(one),
            is_default=datatypes.boolean(one.get("isDefault")) if one.get("isDefault") else None,
            attributes=tuple(_requested(one) for one in xml.children(one, "md:RequestedAttribute")),
        )
        for one in xml.children(role, "md:AttributeConsumingService")
    )


def _requested(element: xml.Element) -> RequestedAttribute:
    return RequestedAttribute(
        name=element.get("Name", ""),
        name_format=element.get("NameFormat", vocabulary.NAME_FORMAT_UNSPECIFIED),
        friendly_name=element.get("FriendlyName", ""),
        required=datatypes.boolean(element.get("isRequired")),
        values=tuple(xml.token(one) for one in xml.children(element, "saml:AttributeValue")),
    )


def choose(
    services: Sequence[AttributeConsumingService], *, index: int | None = None
) -> AttributeConsumingService | None:
    """Return the service of this index, None for the default, else the first (§2.2.3, §2.4.4).

    None where there is none such.
    """
    if index is not None:
        return next((one for one in services if one.index == index), None)
    preferred = [one for one in services if one.is_default]
    neutral = [one for one in services if one.is_default is None]
    return next(iter(preferred or neutral or services), None)
