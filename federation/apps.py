"""The Django application for SAML 2.0."""

from datetime import timedelta

from django.apps import AppConfig

PROPOSALS_KEPT = timedelta(days=365)


class FederationConfig(AppConfig):
    """Registers the SAML identity provider with the core: features, interactions, kinds."""

    name = "federation"
    verbose_name = "SAML"

    def ready(self) -> None:
        from federation.identity_provider import (
            artifact_resolution,
            attribute_service,
            continuation,
            expiry_warnings,
            key_pins,
            launch,
            metadata,
            single_logout,
            single_sign_on,
        )
        from federation.identity_provider.metadata_sources import jobs
        from federation.models import (
            MetadataProposal,
            SeenMessage,
            ServiceProvider,
            StoredArtifact,
            Subscription,
        )
        from idp import directory, features, prune

        features.register(single_sign_on.FEATURE)
        single_logout.install()
        features.register(metadata.FEATURE)
        features.register(artifact_resolution.FEATURE)
        features.register(attribute_service.FEATURE)
        continuation.install()
        launch.install()
        key_pins.install()
        expiry_warnings.install()
        jobs.register()
        directory.watch(ServiceProvider)
        directory.watch(Subscription)
        prune.register(
            "metadata proposals decided",
            lambda now: MetadataProposal.objects.filter(decided_at__lt=now - PROPOSALS_KEPT),
        )
        prune.register(
            "SAML messages seen", lambda now: SeenMessage.objects.filter(expires_at__lt=now)
        )
        prune.register(
            "SAML artifacts", lambda now: StoredArtifact.objects.filter(expires_at__lt=now)
        )
