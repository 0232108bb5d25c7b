"""What every page may show: the names of this service and where to ask for help."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, Any]:
    """Context processor: `site_name`, `help_url`."""
    return {"site_name": settings.IDP.site_name, "help_url": help_url()}


def help_url() -> str:
    """The https: or mailto: address behind *Help*, empty if the operator named none."""
    contact = settings.IDP.support_contact
    if contact.startswith(("https://", "http://", "mailto:")):
        return contact
    return f"mailto:{contact}" if "@" in contact else ""
