"""SAML's nouns: service providers, their metadata's sources, persistent NameIDs, messages seen."""

from federation.models.metadata_source import (
    MetadataEntity,
    MetadataProposal,
    MetadataSource,
    Subscription,
)
from federation.models.service_provider import PersistentNameId, SeenMessage, ServiceProvider

__all__ = [
    "MetadataEntity",
    "MetadataProposal",
    "MetadataSource",
    "PersistentNameId",
    "SeenMessage",
    "ServiceProvider",
    "Subscription",
]
