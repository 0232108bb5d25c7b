"""The Django application for SAML 2.0."""

from django.apps import AppConfig


class FederationConfig(AppConfig):
    """Registers the SAML identity provider with the core: features, interactions, kinds."""

    name = "federation"
    verbose_name = "SAML"
