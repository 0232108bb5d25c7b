"""SAML's nouns: service providers, persistent NameIDs, messages seen."""

from federation.models.service_provider import PersistentNameId, SeenMessage, ServiceProvider

__all__ = ["PersistentNameId", "SeenMessage", "ServiceProvider"]
