"""A federation that publishes metadata: signed documents, and the server that has them."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.conf import settings
from lxml import etree

from federation.identity_provider.metadata_sources import jobs
from federation.models import MetadataSource
from federation.saml import signature, vocabulary
from tests.attacks.saml import service_provider
from tests.attacks.saml.service_provider import ServiceProvider, base64_der
from tests.support import receiver
from tests.support.receiver import Receiver
from tests.support.saml import metadata_of

PATH = "/metadata.xml"


def provider(name: str) -> ServiceProvider:
    """A service provider that a federation knows."""
    return ServiceProvider(
        entity_id=f"https://{name}.example.edu/sp",
        acs_url=f"https://{name}.example.edu/acs",
        destination="http://localhost:8000/saml/sso",
    )


def in_days(days: float) -> str:
    """An instant as metadata writes it."""
    instant = dt.datetime.now(dt.UTC) + dt.timedelta(days=days)
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def group(*entities: bytes, days: float | None = 7, attributes: str = "") -> bytes:
    """An aggregate, not signed."""
    ends = "" if days is None else f' validUntil="{in_days(days)}"'
    head = f'<md:EntitiesDescriptor xmlns:md="{vocabulary.MD}" ID="_{secrets.token_hex(8)}"{ends}'
    return f"{head} {attributes}>".encode() + b"".join(entities) + b"</md:EntitiesDescriptor>"


def alone(document: bytes, *, days: float | None = 7) -> bytes:
    """One entity's document with an ID and an end."""
    ends = "" if days is None else f' validUntil="{in_days(days)}"'
    head = f'<md:EntityDescriptor ID="_{secrets.token_hex(8)}"{ends}'
    return document.replace(b"<md:EntityDescriptor", head.encode(), 1)


@dataclass
class Federation:
    """Its key, what it publishes, and its server."""

    server: Receiver
    key: Any = field(default_factory=lambda: service_provider.rsa_key("federation"))

    @property
    def certificate(self) -> str:
        return base64_der(service_provider.certificate(self.key))

    def sign(self, document: bytes, *, key: Any = None) -> bytes:
        """The document with a signature over its root."""
        signer = key or self.key
        pem = service_provider.pem(service_provider.certificate(signer))
        root = etree.fromstring(document)
        signature.sign(root, key=signature.SigningKey(signer, pem))
        return etree.tostring(root)

    def publish(self, document: bytes, *, path: str = PATH, **headers: str) -> None:
        """Answer with a document from now on."""
        headers.setdefault("content_type", "application/samlmetadata+xml")
        self.server.behaviours[path] = receiver.ok(document, **headers)

    def publish_entities(self, *providers: ServiceProvider, **options: Any) -> None:
        """Answer with a signed aggregate."""
        self.publish(self.sign(group(*map(metadata_of, providers), **options)))

    def source(self, *, pinned: bool = True, **fields: Any) -> MetadataSource:
        """A source that reads from here, due now."""
        values: dict[str, Any] = {
            "name": "Federation",
            "url": self.server.url(PATH),
            "signing_certificates": [self.certificate] if pinned else [],
            "next_at": dt.datetime.now(dt.UTC),
        }
        return MetadataSource.objects.create(**{**values, **fields})


@pytest.fixture
def federation(monkeypatch: pytest.MonkeyPatch) -> Iterator[Federation]:
    """A federation on this machine, which we are allowed to ask."""
    with Receiver() as server:
        allowed = settings.IDP.model_copy(update={"outbound_allow": (f"127.0.0.1:{server.port}",)})
        monkeypatch.setattr(settings, "IDP", allowed)
        yield Federation(server)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a thread would do is done before the answer."""
    monkeypatch.setattr(jobs, "_spawn", lambda work: work())
