"""What of SAML ends soon: keys and metadata of service providers; and what of ours is fetched."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.urls import reverse
from django.utils import timezone

from federation.admin import certificates, roll_over
from federation.identity_provider import entity
from federation.models import ServiceProvider
from idp.admin import home, signing_keys
from idp.admin.home import Expiry
from idp.admin.signing_keys import Document
from idp.models import SigningKey

IMPORT = "import newer metadata"
# Metadata is made anew every few days or weeks: earlier there is nothing to be done about it.
METADATA_SOON = timedelta(days=30)


def expiries(until: datetime) -> Iterable[Expiry]:
    """Metadata and certificates of enabled service providers that end before `until`."""
    rows = ServiceProvider.objects.filter(application__enabled=True).select_related("application")
    rows = rows.defer("metadata_xml", "application__logo")
    metadata_until = min(until, timezone.now() + METADATA_SOON)
    for row in rows.iterator(chunk_size=200):
        name = row.application.name
        url = reverse("admin:idp_application_change", args=[row.pk]) + "#protocol"
        if row.metadata_valid_until is not None and row.metadata_valid_until < metadata_until:
            yield Expiry(f"Metadata of {name}", row.metadata_valid_until, url, IMPORT)
        for one in [
            *certificates.read("signing", row.signing_certificates),
            *certificates.read("encryption", row.encryption_certificates),
        ]:
            if one.not_after is not None and one.not_after < until:
                yield Expiry(f"{name}: {one.use} certificate", one.not_after, url, IMPORT)


def documents() -> list[Document]:
    """Our metadata."""
    return [Document("SAML metadata", entity.METADATA_PATH)]


home.add_expiries(expiries)
home.add_findings(roll_over.finding)
signing_keys.add_documents(SigningKey.Purpose.SAML, documents)
