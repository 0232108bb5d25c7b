"""SAML's nouns: service providers, their keys and metadata, NameIDs, what is remembered."""

from federation.models.artifact import StoredArtifact
from federation.models.key_pin import ExpiryWarning, KeyPin
from federation.models.metadata_source import (
    MetadataEntity,
    MetadataProposal,
    MetadataSource,
    Subscription,
)
from federation.models.service_provider import PersistentNameId, SeenMessage, ServiceProvider

__all__ = [
    "ExpiryWarning",
    "KeyPin",
    "MetadataEntity",
    "MetadataProposal",
    "MetadataSource",
    "PersistentNameId",
    "SeenMessage",
    "ServiceProvider",
    "StoredArtifact",
    "Subscription",
]
