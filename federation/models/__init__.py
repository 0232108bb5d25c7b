"""SAML's nouns: service providers, persistent NameIDs, messages seen, artifacts waiting."""

from federation.models.artifact import StoredArtifact
from federation.models.service_provider import PersistentNameId, SeenMessage, ServiceProvider

__all__ = ["PersistentNameId", "SeenMessage", "ServiceProvider", "StoredArtifact"]
