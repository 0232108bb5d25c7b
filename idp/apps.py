"""The Django application that holds everything but SAML."""

from django.apps import AppConfig


class IdpConfig(AppConfig):
    """People, OAuth 2.0 and OpenID Connect."""

    name = "idp"
    verbose_name = "Identity"

    def ready(self) -> None:
        from idp import (
            audit,
            checks,  # noqa: F401 (checks register)
            client_lifecycle,
            directory,
            endpoints,
        )
        from idp.accounts import expiry
        from idp.accounts.logout_channels import channels

        directory.connect_signals()
        audit.install()
        endpoints.register_all()
        client_lifecycle.install()
        expiry.install()
        channels.install()
