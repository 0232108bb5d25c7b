"""What an address that is registered nowhere was probably meant to be: for administrators alone.

Decides nothing: entity IDs and addresses are compared as exact strings (SAML Core §8.3.6).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from django.db.models import Q

from federation.identity_provider import service_providers
from federation.models import ServiceProvider
from idp import directory

SCHEMES = ("https://", "http://")


def entity_id(received: str) -> str:
    """A registered entity ID that differs in scheme, case or a last slash; empty if there is none.

    Kept like a service provider that was looked for, since strangers choose what is asked.
    """
    if not 0 < len(received) <= service_providers.MAX_ENTITY_ID or "\x00" in received:
        return ""
    digest = hashlib.sha256(received.encode()).digest()
    return directory.cached(("near-miss", digest), lambda: _look_up(received))


def _look_up(received: str) -> str:
    rest = plain(received)
    likely = Q()
    for scheme in (*SCHEMES, ""):
        for slash in ("", "/"):
            likely |= Q(entity_id__iexact=f"{scheme}{rest}{slash}")
    rows = ServiceProvider.objects.filter(likely).order_by("entity_id")
    return address(received, rows.values_list("entity_id", flat=True)[:1])


def address(received: str, registered: Iterable[str]) -> str:
    """The first registered one that differs in scheme, case or a last slash; or nothing."""
    alike = (one for one in registered if one != received and plain(one) == plain(received))
    return next(alike, "")


def plain(url: str) -> str:
    """An address without what is easily mistyped."""
    text = url.strip().lower()
    for scheme in SCHEMES:
        text = text.removeprefix(scheme)
    return text.rstrip("/")


def question(meant: str) -> str:
    """The words before a remedy, empty if nothing is alike."""
    return f"Did you mean “{meant}”? " if meant else ""
