"""Certificates of service providers as administrators read them: whose, until when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from federation.saml import certificate, errors

# Eight pairs of hexadecimal digits.
SHOWN = 23


@dataclass(frozen=True)
class Certificate:
    """One certificate: for what, until when, the beginning of its SHA-256 fingerprint."""

    use: str
    subject: str
    not_after: datetime | None
    fingerprint: str

    def is_expired(self, now: datetime) -> bool:
        """Whether its time is over."""
        return self.not_after is not None and self.not_after < now


def read(use: str, stored: Iterable[str]) -> list[Certificate]:
    """The certificates of one purpose (base64 DER); one that cannot be read is said to be so."""
    return [_read(use, text) for text in stored]


def _read(use: str, text: str) -> Certificate:
    try:
        found = certificate.load(text)
    except errors.InvalidMetadata:
        return Certificate(use, "cannot be read", None, "")
    beginning = certificate.fingerprint(found)[:SHOWN]
    return Certificate(use, _subject(found), found.not_valid_after_utc, beginning)


def _subject(found: x509.Certificate) -> str:
    """Whose it says it is: its key is used even if nobody can read that."""
    try:
        return found.subject.rfc4514_string()
    except ValueError:
        return "a subject that cannot be read"
