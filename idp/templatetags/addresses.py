"""Addresses as pages show them."""

from __future__ import annotations

from urllib.parse import urlsplit

from django import template

register = template.Library()


@register.filter
def hostname(address: str) -> str:
    """The host of an address, or an empty string: what cannot be dressed up."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""
