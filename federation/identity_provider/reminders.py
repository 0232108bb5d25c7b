"""Reminders: what a service provider's people have to do, with the exact files they need.

They go to the technical contacts of its metadata, else to those for support or administration.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.conf import settings
from django.template.loader import render_to_string

from federation.identity_provider import entity, metadata, readiness
from federation.identity_provider.readiness import Standing
from federation.models import KeyPin, ServiceProvider
from idp import audit, keys, mail
from idp.mail import Attachment, Message

REMINDED = "application.key_reminded"
KINDS = ("technical", "support", "administrative")
MOST_ADDRESSES = 5
METADATA_FILE = "gatehouse-metadata.xml"
CERTIFICATE_FILE = "gatehouse-next-certificate.pem"


def addresses(provider: ServiceProvider) -> tuple[str, ...]:
    """Whom to write to; strangers wrote them, so only plain addresses count."""
    for kind in KINDS:
        listed = [
            address
            for contact in provider.contacts or ()
            if contact.get("kind") == kind
            for address in contact.get("emails", ())
            if isinstance(address, str) and mail.is_address(address)
        ]
        if listed:
            return tuple(dict.fromkeys(listed))[:MOST_ADDRESSES]
    return ()


def subject(provider: ServiceProvider) -> str:
    """What the message is called."""
    name = provider.application.name
    return f"{settings.IDP.site_name}: a new signing certificate for {name}"


def text(provider: ServiceProvider, following: keys.SamlKey) -> str:
    """What they have to do, in plain words."""
    current = keys.saml_signing()
    return render_to_string(
        "mail/key_reminder.txt",
        {
            "site_name": settings.IDP.site_name,
            "name": provider.application.name,
            "entity_id": provider.entity_id,
            "our_entity_id": entity.entity_id(),
            "metadata_url": entity.metadata_url(provider),
            "old": fingerprint(current),
            "old_ends": readiness.ends_at(current),
            "new": fingerprint(following),
            "new_ends": readiness.ends_at(following),
            "metadata_file": METADATA_FILE,
            "certificate_file": CERTIFICATE_FILE,
        },
    )


def fingerprint(key: keys.SamlKey) -> str:
    """The SHA-256 fingerprint of a certificate, as products show it."""
    found = x509.load_pem_x509_certificate(key.certificate.encode())
    digest = hashlib.sha256(found.public_bytes(Encoding.DER)).hexdigest().upper()
    return ":".join(digest[at : at + 2] for at in range(0, 64, 2))


def message(provider: ServiceProvider, following: keys.SamlKey, *, now: datetime) -> Message:
    """The reminder, with our metadata as it is for this service provider and the certificate."""
    document = metadata.document(provider, now=now)
    return Message(
        to=addresses(provider),
        subject=subject(provider),
        body=text(provider, following),
        attachments=(
            Attachment(METADATA_FILE, document.body, metadata.MEDIA_TYPE),
            Attachment(CERTIFICATE_FILE, following.certificate.encode(), "application/x-pem-file"),
        ),
    )


def remind(
    chosen: Sequence[Standing],
    following: keys.SamlKey,
    *,
    now: datetime,
    origin: Mapping[str, Any],
) -> list[tuple[Standing, str]]:
    """Write to each that has an address; returns them with an empty string or what went wrong."""
    reachable = [one for one in chosen if addresses(one.provider)]
    messages = [message(one.provider, following, now=now) for one in reachable]
    outcomes = list(zip(reachable, mail.send(messages), strict=True))
    sent = [one.provider.pk for one, problem in outcomes if not problem]
    fresh = [KeyPin(service_provider_id=pk) for pk in sent]
    KeyPin.objects.bulk_create(fresh, ignore_conflicts=True)
    KeyPin.objects.filter(pk__in=sent).update(reminded_at=now)
    audit.record_many(
        REMINDED,
        [
            {
                **origin,
                "application": one.application,
                "result": "failure" if problem else "success",
                "reason": problem,
                "details": {"key": following.kid, "to": list(addresses(one.provider))},
            }
            for one, problem in outcomes
        ],
    )
    return outcomes
