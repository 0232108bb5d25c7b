"""Addresses of SAML that Django answers itself; the protocol endpoints come with their features."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
