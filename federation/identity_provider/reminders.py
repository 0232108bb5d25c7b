"""Reminders: what a service provider's people have to do, with the exact files they need.

They go to the technical contacts of its metadata, else to those for support or administration.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string

from federation.identity_provider import entity, metadata, readiness
from federation.identity_provider.readiness import Standing
from federation.models import KeyPin, ServiceProvider
from federation.saml import certificate
from idp import audit, keys, mail
from idp.mail import Attachment, Message
from idp.models import User

REMINDED = "application.key_reminded"
KINDS = ("technical", "support", "administrative")
MOST_ADDRESSES = 5
METADATA_FILE = "gatehouse-metadata.xml"
CERTIFICATE_FILE = "gatehouse-next-certificate.pem"


@dataclass(frozen=True)
class Sender:
    """The administrator who has it sent. `email`: empty where there is none to answer to."""

    name: str
    email: str = ""


def sender(person: User) -> Sender:
    """How an administrator is named: one line, whatever they call themselves."""
    email = person.email or ""
    return Sender(
        name=" ".join(person.display_name.split()),
        email=email if mail.is_address(email) else "",
    )


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


def text(provider: ServiceProvider, following: keys.SamlKey, *, by: Sender) -> str:
    """What they have to do, in plain words."""
    current = keys.saml_signing()
    return render_to_string(
        "mail/key_reminder.txt",
        {
            "site_name": settings.IDP.site_name,
            "sender": by,
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
    return certificate.fingerprint(certificate.load(key.certificate))


def message(
    provider: ServiceProvider, following: keys.SamlKey, *, by: Sender, now: datetime
) -> Message:
    """The reminder, with our metadata as it is for this service provider and the certificate."""
    document = metadata.document(provider, now=now)
    return Message(
        to=addresses(provider),
        subject=subject(provider),
        body=text(provider, following, by=by),
        attachments=(
            Attachment(METADATA_FILE, document.body, metadata.MEDIA_TYPE),
            Attachment(CERTIFICATE_FILE, following.certificate.encode(), "application/x-pem-file"),
        ),
        reply_to=(by.email,) if by.email else (),
    )


def remind(
    last: Mapping[Standing, datetime | None],
    following: keys.SamlKey,
    *,
    by: Sender,
    now: datetime,
    origin: Mapping[str, Any],
) -> list[tuple[Standing, str]]:
    """Write to each once; returns those written to, with an empty string or what went wrong.

    `last`: when each was last reminded, as whoever decided saw it. Who was reminded since is
    passed over: of two who send at once, one does. A reminder that fails is as if never sent.
    """
    written = {one: message(one.provider, following, by=by, now=now) for one in last}
    fresh = [KeyPin(service_provider_id=one.provider.pk) for one in last]
    KeyPin.objects.bulk_create(fresh, ignore_conflicts=True)
    claimed = [one for one in last if _note(one, before=last[one], after=now)]
    sent = mail.send([written[one] for one in claimed])
    outcomes = list(zip(claimed, sent, strict=True))
    for one, problem in outcomes:
        if problem:
            _note(one, before=now, after=last[one])
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


def _note(one: Standing, *, before: datetime | None, after: datetime | None) -> bool:
    """Note when it was reminded, in one statement; False where `before` is no longer true."""
    rows = KeyPin.objects.filter(pk=one.provider.pk, reminded_at=before)
    return rows.update(reminded_at=after) == 1
