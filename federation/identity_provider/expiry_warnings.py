"""Certificates that end: administrators are warned by mail 90, 30 and 7 days ahead.

Ours, and those of enabled service providers. Each once per distance; the overview shows all of them
all the time. Without mail set nothing is sent, and nothing counts as sent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from django.conf import settings
from django.template.loader import render_to_string
from django.utils import timezone
from django_tasks import task

from federation.models import ExpiryWarning, ServiceProvider
from federation.saml import certificate, errors
from idp import mail, prune, schedule
from idp.mail import Message
from idp.models import SigningKey, User

DAYS = (7, 30, 90)
EVERY = timedelta(hours=6)
KEPT = timedelta(days=3650)


class NotSent(RuntimeError):
    """No administrator could be written to; the next run tries again."""


@dataclass(frozen=True)
class Ending:
    """A certificate that ends. `key`: says which one, and at what distance it is warned of."""

    what: str
    at: datetime
    key: str


@task()
def warn_of_expiry() -> int:
    """Warn of what ends."""
    return warn(now=timezone.now())


def warn(*, now: datetime) -> int:
    """Write to the administrators what they have not been told; returns how much it was.

    Raises NotSent: what failed shows on the overview, and is tried again.
    """
    if not mail.is_configured():
        return 0
    found = due(now=now)
    people = _administrators()
    if not found or not people:
        return 0
    outcomes = mail.send([_message(found, person) for person in people])
    if all(outcomes):
        raise NotSent
    ExpiryWarning.objects.bulk_create(
        [ExpiryWarning(key=one.key, sent_at=now) for one in found], ignore_conflicts=True
    )
    return len(found)


def due(*, now: datetime) -> list[Ending]:
    """What ends soon and was not warned of at this distance, the first to end first."""
    found = {one.key: one for one in _endings(now=now)}
    sent = ExpiryWarning.objects.filter(key__in=found).values_list("key", flat=True)
    for key in list(sent):
        del found[key]
    return sorted(found.values(), key=lambda one: one.at)


def _endings(*, now: datetime) -> Iterator[Ending]:
    ours = SigningKey.objects.exclude(certificate="").exclude(state=SigningKey.State.RETIRED)
    for key in ours.defer("private_key"):
        yield from _ending(f"Our {key.state} {key}", "own", [key.certificate], now=now)
    rows = ServiceProvider.objects.filter(application__enabled=True).select_related("application")
    for row in rows.defer("metadata_xml", "application__logo").iterator(chunk_size=200):
        whose = row.application.pk.hex
        name = row.application.name
        yield from _ending(f"{name}: signing", whose, row.signing_certificates, now=now)
        yield from _ending(f"{name}: encryption", whose, row.encryption_certificates, now=now)


def _ending(what: str, whose: str, texts: Iterable[str], *, now: datetime) -> Iterator[Ending]:
    for text in texts:
        try:
            found = certificate.load(text)
        except errors.InvalidMetadata:
            continue
        left = found.not_valid_after_utc - now
        distance = next((days for days in DAYS if left <= timedelta(days=days)), None)
        if distance is not None:
            key = f"{_fingerprint(found)}:{whose}:{distance}"
            yield Ending(what, found.not_valid_after_utc, key)


def _fingerprint(found: x509.Certificate) -> str:
    return hashlib.sha256(found.public_bytes(Encoding.DER)).hexdigest()[:40]


def _administrators() -> list[User]:
    people = User.objects.filter(is_superuser=True, is_active=True, email_verified=True)
    return [person for person in people if mail.is_address(person.email)]


def _message(found: list[Ending], person: User) -> Message:
    name = settings.IDP.site_name
    number = len(found)
    certificates = "a certificate ends" if number == 1 else f"{number} certificates end"
    context = {"found": found, "site_name": name, "url": settings.IDP.url("/admin/")}
    body = render_to_string("mail/expiry_warning.txt", context)
    return Message((person.email,), f"{name}: {certificates} soon", body)


def install() -> None:
    """Register the job, and what becomes of its notes; called once at start."""
    schedule.register("warn-of-expiry", warn_of_expiry, every=EVERY)
    prune.register(
        "warnings of expiry", lambda now: ExpiryWarning.objects.filter(sent_at__lt=now - KEPT)
    )
