"""What of SAML ends soon: keys and metadata of service providers; and what of ours is fetched."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.urls import reverse
from django.utils import timezone

from federation.admin import certificates, roll_over
from federation.identity_provider import entity
from federation.models import MetadataSource, ServiceProvider
from idp.admin import home, signing_keys
from idp.admin.home import Expiry
from idp.admin.signing_keys import Document
from idp.models import SigningKey

IMPORT = "import newer metadata"
# Metadata is made anew every few days or weeks: earlier there is nothing to be done about it.
METADATA_SOON = timedelta(days=30)


def expiries(until: datetime) -> Iterable[Expiry]:
    """Metadata and certificates of enabled service providers that end before `until`."""
    rows = ServiceProvider.objects.filter(application__enabled=True)
    rows = rows.select_related("application", "subscription__source")
    rows = rows.defer("metadata_xml", "application__logo")
    metadata_until = min(until, timezone.now() + METADATA_SOON)
    for row in rows.iterator(chunk_size=200):
        name = row.application.name
        url = reverse("admin:idp_application_change", args=[row.pk]) + "#protocol"
        ends = _end_of_metadata(row)
        if ends is not None and ends < metadata_until:
            yield Expiry(f"Metadata of {name}", ends, url, IMPORT)
        for one in [
            *certificates.read("signing", row.signing_certificates),
            *certificates.read("encryption", row.encryption_certificates),
        ]:
            if one.not_after is not None and one.not_after < until:
                yield Expiry(f"{name}: {one.use} certificate", one.not_after, url, IMPORT)


def _end_of_metadata(row: ServiceProvider) -> datetime | None:
    """When it ends; None while it is made anew by itself, which somebody hears of if it fails."""
    ends = row.metadata_valid_until
    subscription = getattr(row, "subscription", None)
    if ends is None or subscription is None:
        return ends
    source = subscription.source
    follows = source.kind != MetadataSource.Kind.FILE and not subscription.error
    return None if follows and not source.error and ends > timezone.now() else ends


def documents() -> list[Document]:
    """Our metadata."""
    return [Document("SAML metadata", entity.METADATA_PATH)]


home.add_expiries(expiries)
home.add_findings(roll_over.finding)
signing_keys.add_documents(SigningKey.Purpose.SAML, documents)
