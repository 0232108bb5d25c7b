"""System checks: what must hold before the service may start or deploy."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import DatabaseError

from idp import features


@register(Tags.urls)
def discovery_is_valid(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """The discovery document passes an independent validator (OIDC Discovery §3).

    What is offered depends on rows: before there is a database, there is nothing to say.
    """
    from authlib.oidc.discovery import OpenIDProviderMetadata

    try:
        document = features.metadata(settings.IDP.issuer)
    except DatabaseError:
        return []
    if not settings.IDP.https:
        return []
    try:
        OpenIDProviderMetadata(document).validate()
    except ValueError as error:
        return [Error(f"The discovery document is not valid: {error}", id="idp.E001")]
    return []
