"""SAML's nouns: service providers and the keys that sign for them, NameIDs, what is remembered."""

from federation.models.artifact import StoredArtifact
from federation.models.key_pin import ExpiryWarning, KeyPin
from federation.models.service_provider import PersistentNameId, SeenMessage, ServiceProvider

__all__ = [
    "ExpiryWarning",
    "KeyPin",
    "PersistentNameId",
    "SeenMessage",
    "ServiceProvider",
    "StoredArtifact",
]
