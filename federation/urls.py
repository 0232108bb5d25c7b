"""Addresses of SAML that Django answers itself; the protocol endpoints come with their features."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from federation.identity_provider import launch, metadata

urlpatterns: list[URLPattern | URLResolver] = [
    path("saml/metadata/<slug:slug>", metadata.of_service_provider, name="saml-metadata"),
    path("saml/launch/<slug:slug>", launch.start, name="saml-launch"),
]
