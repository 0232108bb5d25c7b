"""What a service provider's metadata asks for, as an administrator reads it beside the choice."""

from __future__ import annotations

from django.utils.html import format_html_join

from federation.identity_provider import entity_categories, requested_attributes
from federation.identity_provider import subject_identifiers as identifiers
from federation.models import ServiceProvider
from federation.saml.metadata.attribute_consuming_service import RequestedAttribute

NOTHING = "Nothing: with “only what its metadata asks for” it gets no attributes."
_CATEGORIES = {
    entity_categories.RESEARCH_AND_SCHOLARSHIP: "Research and Scholarship",
    entity_categories.ANONYMOUS: "Anonymous Access",
    entity_categories.PSEUDONYMOUS: "Pseudonymous Access",
    entity_categories.PERSONALIZED: "Personalized Access",
    **dict.fromkeys(entity_categories.CODE_OF_CONDUCT, "Data Protection Code of Conduct"),
}


def shown(provider: ServiceProvider) -> str:
    """One line for each service, the entity categories, and the subject identifier."""
    lines = [*_services(provider), *_categories(provider), *_identifier(provider)]
    if not lines:
        return NOTHING
    return format_html_join("", "<div>{}</div>", ((line,) for line in lines))


def _services(provider: ServiceProvider) -> list[str]:
    lines = []
    services = requested_attributes.services(provider)
    for service in services:
        named = f"Service {service.index}: " if len(services) > 1 else ""
        words = ", ".join(_name(one) for one in service.attributes)
        if words:
            lines.append(named + words)
    return lines


def _name(one: RequestedAttribute) -> str:
    """The friendly name decides nothing, and metadata chooses it at will."""
    return f"{one.friendly_name} ({one.name})" if one.friendly_name else one.name


def _categories(provider: ServiceProvider) -> list[str]:
    categories = entity_categories.of(provider.entity_attributes)
    words = [_CATEGORIES.get(one, one) for one in categories]
    return [f"Entity categories: {', '.join(words)}"] if words else []


def _identifier(provider: ServiceProvider) -> list[str]:
    kind = identifiers.wanted(provider)
    return [f"Subject identifier that it gets: {kind}"] if kind else []
