"""System checks: what must hold before the service may start or deploy."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

from idp import features


@register(Tags.urls)
def discovery_is_valid(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """The discovery document passes an independent validator (OIDC Discovery §3)."""
    from authlib.oidc.discovery import OpenIDProviderMetadata

    document = features.metadata(settings.IDP.issuer)
    if not settings.IDP.https:
        return []
    try:
        OpenIDProviderMetadata(document).validate()
    except ValueError as error:
        return [Error(f"The discovery document is not valid: {error}", id="idp.E001")]
    return []
