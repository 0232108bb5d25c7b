"""Ourselves as a SAML entity: identifier, addresses, the key that signs (SAML Metadata §2.3.2)."""

from __future__ import annotations

from django.conf import settings

from federation.models import ServiceProvider
from federation.saml import signature
from idp import directory, keys

METADATA_PATH = "/saml/metadata"
SINGLE_SIGN_ON_PATH = "/saml/sso"
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


def single_logout_url() -> str:
    """Where logout messages go through a browser, by either binding."""
    return settings.IDP.url(SINGLE_LOGOUT_PATH)


def single_logout_soap_url() -> str:
    """Where LogoutRequests go by SOAP."""
    return settings.IDP.url(SINGLE_LOGOUT_SOAP_PATH)


def metadata_url(service_provider: ServiceProvider) -> str:
    """Where this service provider finds our metadata as it suits it."""
    return settings.IDP.url(f"{METADATA_PATH}/{service_provider.slug}")


def signing_key() -> signature.SigningKey:
    """The current key, kept ready to sign; raises keys.NoKey."""
    return directory.cached("saml-signing-key", _signing_key)


def _signing_key() -> signature.SigningKey:
    stored = keys.saml_signing()
    return signature.SigningKey(stored.private_key, stored.certificate)
