"""Keys and an assertion for the tests of the message layer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from federation.saml import assertion, name_id, signature, vocabulary
from tests.attacks.saml import service_provider
from tests.attacks.saml.service_provider import ServiceProvider

IDP = "https://idp.example/saml/metadata"


@pytest.fixture
def sp() -> ServiceProvider:
    return ServiceProvider()


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 11, 24, 12, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def key() -> signature.SigningKey:
    """Our own signing key."""
    private_key = service_provider.rsa_key("identity provider")
    return signature.SigningKey(
        private_key, service_provider.pem(service_provider.certificate(private_key))
    )


@pytest.fixture
def ec_key() -> signature.SigningKey:
    private_key = service_provider.ec_key("identity provider")
    return signature.SigningKey(
        private_key, service_provider.pem(service_provider.certificate(private_key))
    )


@pytest.fixture
def sp_keys(sp: ServiceProvider) -> list[signature.VerificationKey]:
    return [signature.verification_key(service_provider.base64_der(sp.certificate))]


def verification_key(key: signature.SigningKey) -> signature.VerificationKey:
    """The public half of one of our keys."""
    return signature.verification_key(key.certificate)


@pytest.fixture
def make_assertion(sp: ServiceProvider) -> Callable[..., assertion.Assertion]:
    """Make an assertion; every member can be replaced."""

    def make(**changes: Any) -> assertion.Assertion:
        instant = datetime.now(UTC)
        members: dict[str, Any] = {
            "issuer": IDP,
            "audience": sp.entity_id,
            "recipient": sp.acs_url,
            "in_response_to": "_request",
            "name_id": name_id.persistent("4f3a", issuer=IDP, audience=sp.entity_id),
            "issue_instant": instant,
            "authn_instant": instant,
            "session_index": "_session",
            "authn_context_class_ref": (
                "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
            ),
            "attributes": (
                assertion.Attribute(
                    "urn:oid:0.9.2342.19200300.100.1.3",
                    ("alice@example.org",),
                    friendly_name="mail",
                ),
                assertion.Attribute(
                    "groups", ("staff", "users"), name_format=vocabulary.NAME_FORMAT_BASIC
                ),
            ),
        }
        return assertion.Assertion(**(members | changes))

    return make
