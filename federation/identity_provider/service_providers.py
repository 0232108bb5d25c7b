"""The service providers that are registered, as a request needs them: found, parsed, kept.

Kept by the directory until configuration changes; shared between threads, so never written to.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from federation.models import ServiceProvider
from federation.saml import encryption, signature, vocabulary
from federation.saml.assertion_consumer_service import AssertionConsumerService
from federation.saml.metadata import endpoint
from idp import directory
from idp.models import Application

MAX_ENTITY_ID = 1_024
MAX_SLUG = 40
# The usual one first.
RESPONSE_BINDINGS = (vocabulary.POST, vocabulary.ARTIFACT)


@dataclass(frozen=True, slots=True, eq=False)
class KnownServiceProvider:
    """A registered service provider: its row, its addresses, its keys, parsed once."""

    row: ServiceProvider
    assertion_consumer_services: tuple[AssertionConsumerService, ...]
    signing_keys: tuple[signature.VerificationKey, ...]

    @property
    def entity_id(self) -> str:
        """Its entity ID."""
        return self.row.entity_id

    @property
    def bindings(self) -> tuple[str, ...]:
        """By what a Response can go out: an artifact needs a key to be fetched with."""
        return RESPONSE_BINDINGS if self.signing_keys else RESPONSE_BINDINGS[:1]

    @property
    def follows_a_source(self) -> bool:
        """Whether its metadata is refreshed, so that its end is meant (SAML Metadata §2.3.2)."""
        return hasattr(self.row, "subscription")

    def is_outdated(self, now: datetime) -> bool:
        """Whether its metadata ended, though it is refreshed (SAML Metadata §2.3.2)."""
        ends = self.row.metadata_valid_until
        return ends is not None and self.follows_a_source and now >= ends

    @property
    def application(self) -> Application:
        """The application whose half it is."""
        return self.row.application


def find(entity_id: str) -> KnownServiceProvider | None:
    """The service provider of this entity ID, compared as an exact string (SAML Core §8.3.6)."""
    if not 0 < len(entity_id) <= MAX_ENTITY_ID or "\x00" in entity_id:
        return None
    # Strangers choose what is asked for: a digest keeps what is remembered of it small.
    digest = hashlib.sha256(entity_id.encode()).digest()
    return directory.cached(("service-provider", digest), lambda: _load(entity_id=entity_id))


def find_by_slug(slug: str) -> KnownServiceProvider | None:
    """The service provider at the end of an address of ours."""
    if not 0 < len(slug) <= MAX_SLUG:
        return None
    return directory.cached(("service-provider-slug", slug), lambda: _load(slug=slug))


def _load(**key: str) -> KnownServiceProvider | None:
    row = (
        ServiceProvider.objects.select_related("application", "subscription")
        .prefetch_related("application__mappings", "application__allowed_groups")
        .defer("metadata_xml", "application__logo")
        .filter(**key)
        .first()
    )
    return None if row is None else parsed(row)


def parsed(row: ServiceProvider) -> KnownServiceProvider:
    """The row with its addresses and keys as objects.

    Raises InvalidMetadata for a key or address that could not be registered: however it came
    there, no browser is sent to it.
    """
    services = assertion_consumer_services(row)
    for service in services:
        endpoint.check(service.url, what="The assertion consumer service")
    return KnownServiceProvider(
        row=row,
        assertion_consumer_services=services,
        signing_keys=tuple(signature.verification_key(one) for one in row.signing_certificates),
    )


def assertion_consumer_services(row: ServiceProvider) -> tuple[AssertionConsumerService, ...]:
    """Its registered addresses, in the order of its metadata."""
    return tuple(
        AssertionConsumerService(
            url=str(one.get("url", "")),
            binding=one.get("binding", vocabulary.POST),
            index=one.get("index"),
            is_default=one.get("is_default"),
        )
        for one in row.assertion_consumer_services
    )


def encryption_key(row: ServiceProvider) -> encryption.EncryptionKey | None:
    """The key to encrypt to, None if it has none or encryption is switched off for it.

    Raises NoCommonAlgorithm: what should be encrypted is never sent in the clear.
    """
    if not (row.encrypt_assertion and row.encryption_certificates):
        return None
    return encryption.encryption_key(
        row.encryption_certificates[0], tuple(_methods(row.encryption_methods))
    )


def _methods(stored: Iterable[Mapping[str, Any]]) -> Iterable[encryption.EncryptionMethod]:
    for one in stored:
        yield encryption.EncryptionMethod(
            algorithm=one.get("algorithm", ""),
            digest_method=one.get("digest_method", ""),
            mask_function=one.get("mask_function", ""),
        )
