"""What a service provider asks for, and what of the mapping's attributes that leaves.

Asked for are the RequestedAttributes of one of its services (SAML Metadata §2.4.4.2) and the
attributes of its entity categories. It only ever takes away: metadata releases nothing by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from federation.identity_provider import entity_categories
from federation.models import ServiceProvider
from federation.saml import vocabulary
from federation.saml.metadata import attribute_consuming_service
from federation.saml.metadata.attribute_consuming_service import (
    AttributeConsumingService,
    RequestedAttribute,
)
from idp.claims.reasons import Reason
from idp.claims.release import Release
from idp.claims.saml_attributes import SamlAttribute

NOT_ASKED = "the service provider's metadata does not ask for it"
OTHER_VALUES = "the service provider's metadata asks for other values"


def services(row: ServiceProvider) -> tuple[AttributeConsumingService, ...]:
    """Its services as they are stored; of one that is stored without them, the default alone."""
    stored = row.attribute_consuming_services or [{"attributes": row.requested_attributes}]
    return tuple(
        AttributeConsumingService(
            index=one.get("index"),
            is_default=one.get("is_default"),
            attributes=tuple(_requested(one.get("attributes", ()))),
        )
        for one in stored
    )


def _requested(stored: Iterable[Mapping[str, Any]]) -> Iterable[RequestedAttribute]:
    for one in stored:
        yield RequestedAttribute(
            name=one.get("name", ""),
            name_format=one.get("name_format", vocabulary.NAME_FORMAT_UNSPECIFIED),
            friendly_name=one.get("friendly_name", ""),
            required=bool(one.get("required")),
            values=tuple(one.get("values", ())),
        )


def is_limited(row: ServiceProvider) -> bool:
    """Whether only what is asked for goes out."""
    return row.attribute_release != ServiceProvider.AttributeRelease.MAPPING


def limited(released: Release, row: ServiceProvider, *, index: int | None = None) -> Release:
    """What of a release goes to this service provider.

    `index`: of the service that the request names, None for the default one.
    """
    if not is_limited(row):
        return released
    service = attribute_consuming_service.choose(services(row), index=index)
    asked = service.attributes if service is not None else ()
    bundle = entity_categories.asked_for(entity_categories.of(row.entity_attributes))
    kept, why = [], {reason.claim: reason for reason in released.reasons}
    for attribute in released.attributes:
        values, because = _kept(attribute, asked=asked, bundle=bundle)
        if values:
            kept.append(attribute._replace(values=values))
        else:
            source = why[attribute.name].source if attribute.name in why else ""
            why[attribute.name] = Reason(attribute.name, False, because, source)
    return replace(released, attributes=tuple(kept), reasons=tuple(why.values()))


class Asked(Protocol):
    """An attribute that metadata or a query asks for."""

    @property
    def name(self) -> str: ...
    @property
    def name_format(self) -> str: ...
    @property
    def values(self) -> tuple[str, ...]: ...


def named(
    attributes: Iterable[SamlAttribute], *, asked: Sequence[Asked]
) -> tuple[SamlAttribute, ...]:
    """What of these a query names (SAML Core §3.3.2.3); one that names nothing means all."""
    if not asked:
        return tuple(attributes)
    found = ((one, _kept(one, asked=asked, bundle=frozenset())[0]) for one in attributes)
    return tuple(one._replace(values=values) for one, values in found if values)


def _kept(
    attribute: SamlAttribute, *, asked: Sequence[Asked], bundle: frozenset[str]
) -> tuple[tuple[str, ...], str]:
    """The values that are asked for, and why there is none."""
    matching = [one for one in asked if names(one.name, one.name_format, attribute)]
    if attribute.name in bundle or any(not one.values for one in matching):
        return attribute.values, ""
    if not matching:
        return (), NOT_ASKED
    wanted = {value for one in matching for value in one.values}
    return tuple(value for value in attribute.values if value in wanted), OTHER_VALUES


def names(name: str, name_format: str, attribute: SamlAttribute) -> bool:
    """Whether a name that is asked for is this attribute's; without a format it is in any."""
    if name_format not in ("", vocabulary.NAME_FORMAT_UNSPECIFIED, attribute.name_format):
        return False
    return bool(name) and name == attribute.name
