"""The Django application for SAML 2.0."""

from datetime import timedelta

from django.apps import AppConfig

PROPOSALS_KEPT = timedelta(days=365)


class FederationConfig(AppConfig):
    """Registers the SAML identity provider with the core: features, interactions, kinds."""

    name = "federation"
    verbose_name = "SAML"

    def ready(self) -> None:
        from federation.identity_provider import continuation, metadata, single_sign_on
        from federation.identity_provider.metadata_sources import jobs
        from federation.models import MetadataProposal, SeenMessage, ServiceProvider, Subscription
        from idp import directory, features, prune

        features.register(single_sign_on.FEATURE)
        features.register(metadata.FEATURE)
        continuation.install()
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
