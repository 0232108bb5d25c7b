"""Ourselves as a SAML entity: identifier, addresses, the key that signs (SAML Metadata §2.3.2)."""

from __future__ import annotations

from django.conf import settings

from federation.identity_provider import key_pins
from federation.models import ServiceProvider
from federation.saml import signature
from idp import directory, keys

METADATA_PATH = "/saml/metadata"
SINGLE_SIGN_ON_PATH = "/saml/sso"
SIGN_OUT_PATH = "/logout"
LAUNCH_PATH = "/saml/launch"
ARTIFACT_RESOLUTION_PATH = "/saml/artifact"
ATTRIBUTE_SERVICE_PATH = "/saml/attributes"
SINGLE_LOGOUT_PATH = "/saml/slo"
SINGLE_LOGOUT_SOAP_PATH = "/saml/slo/soap"
# Where browsers come by for the answer that we owe a service provider; nobody else is told it.
SINGLE_LOGOUT_REPLY_PATH = "/saml/slo/reply"


def entity_id() -> str:
    """Our entity ID, which is where our metadata is."""
    return settings.IDP.url(METADATA_PATH)


def single_sign_on_url() -> str:
    """Where AuthnRequests go, by either binding."""
    return settings.IDP.url(SINGLE_SIGN_ON_PATH)


def artifact_resolution_url() -> str:
    """Where service providers fetch what an artifact stands for."""
    return settings.IDP.url(ARTIFACT_RESOLUTION_PATH)


def attribute_service_url() -> str:
    """Where service providers that may ask for attributes ask."""
    return settings.IDP.url(ATTRIBUTE_SERVICE_PATH)


def sign_out_url() -> str:
    """Where people are sent who sign out elsewhere, by vendors without single logout."""
    return settings.IDP.url(SIGN_OUT_PATH)


def single_logout_url() -> str:
    """Where logout messages go through a browser, by either binding."""
    return settings.IDP.url(SINGLE_LOGOUT_PATH)


def single_logout_soap_url() -> str:
    """Where LogoutRequests go by SOAP."""
    return settings.IDP.url(SINGLE_LOGOUT_SOAP_PATH)


def metadata_url(service_provider: ServiceProvider) -> str:
    """Where this service provider finds our metadata as it suits it."""
    return settings.IDP.url(f"{METADATA_PATH}/{service_provider.slug}")


def launch_url(service_provider: ServiceProvider) -> str:
    """Where people who are signed in start this service provider without a request of its own."""
    return settings.IDP.url(f"{LAUNCH_PATH}/{service_provider.slug}")


def signing_key(service_provider: ServiceProvider | None) -> signature.SigningKey:
    """The key that signs for this service provider, kept ready; None: for all of them together.

    Raises keys.NoKey.
    """
    stored = keys.saml_signing(key_pins.kid_of(service_provider) if service_provider else "")
    return directory.cached(
        ("saml-signing-key", stored.kid),
        lambda: signature.SigningKey(stored.private_key, stored.certificate),
    )


def signing_kid(service_provider: ServiceProvider) -> str:
    """The kid of the key that signs for this service provider."""
    return keys.saml_signing(key_pins.kid_of(service_provider)).kid
