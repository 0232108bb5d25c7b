"""The Django application for SAML 2.0."""

from django.apps import AppConfig


class FederationConfig(AppConfig):
    """Registers the SAML identity provider with the core: features, interactions, kinds."""

    name = "federation"
    verbose_name = "SAML"

    def ready(self) -> None:
        from federation.identity_provider import (
            continuation,
            metadata,
            single_logout,
            single_sign_on,
        )
        from federation.models import SeenMessage, ServiceProvider
        from idp import directory, features, prune

        features.register(single_sign_on.FEATURE)
        single_logout.install()
        features.register(metadata.FEATURE)
        continuation.install()
        directory.watch(ServiceProvider)
        prune.register(
            "SAML messages seen", lambda now: SeenMessage.objects.filter(expires_at__lt=now)
        )
