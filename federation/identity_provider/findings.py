"""What is missing before the first sign-in at a service provider, and what is worth knowing.

`of` is a function of what it is given: a service provider, saved or only drafted, its mapping rows,
counts of people, the time. One sentence each, the worst first; every finding says where it is put
right.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum, StrEnum
from typing import Any
from urllib.parse import urlsplit

from federation.identity_provider import service_providers
from federation.identity_provider.coverage import Coverage
from federation.identity_provider.saas import catalogue
from federation.identity_provider.saas.template import Signs
from federation.models import ServiceProvider
from federation.saml import certificate, errors, vocabulary
from federation.saml.metadata import service_provider
from idp.claims import saml_attributes
from idp.claims.mapping import Row

SOON = timedelta(days=30)
MOST_NAMED = 10


class Severity(IntEnum):
    """How bad it is; the lower the worse."""

    STOPS = 1
    HINDERS = 2
    TELLS = 3


class Fix(StrEnum):
    """Where it is put right."""

    PROTOCOL = "protocol"
    CLAIMS = "claims"
    ACCESS = "access"
    METADATA = "metadata"
    PEOPLE = "people"


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence. `check`: its name, which stays the same."""

    check: str
    severity: Severity
    text: str
    fix: Fix


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is looked at. `wants_assertions_signed`: what its metadata says, see `wanted`."""

    row: ServiceProvider
    rows: Sequence[Row]
    now: datetime
    wants_assertions_signed: bool = False
    coverage: Coverage | None = None


Check = Callable[[Subject], Iterable[Finding]]


def of(subject: Subject) -> tuple[Finding, ...]:
    """Everything that is found, the worst first."""
    found = [finding for check in CHECKS for finding in check(subject)]
    return tuple(sorted(found, key=lambda one: one.severity))


def wanted(metadata_xml: str, *, entity_id: str) -> bool:
    """Whether the stored metadata says WantAssertionsSigned (SAML Metadata §2.4.4)."""
    if not metadata_xml:
        return False
    try:
        # That it has ended since is a finding of its own.
        read = service_provider.parse(
            metadata_xml.encode(), now=datetime.min.replace(tzinfo=UTC), entity_id=entity_id
        )
    except errors.SamlError:
        return False
    return read.want_assertions_signed


def _addresses(subject: Subject) -> Iterator[Finding]:
    """There is an address for Responses, each index once, by https (SAML Metadata §2.4.4)."""
    services = service_providers.assertion_consumer_services(subject.row)
    taken = {one.binding for one in services if one.url}
    if not taken.intersection(service_providers.RESPONSE_BINDINGS):
        text = "It has no address that responses are posted to."
        yield Finding("no_consumer", Severity.STOPS, text, Fix.PROTOCOL)
    elif vocabulary.POST not in taken and not subject.row.signing_certificates:
        text = (
            "It takes artifacts alone, and only a signed question is answered: its key is missing."
        )
        yield Finding("artifacts_unverified", Severity.STOPS, text, Fix.METADATA)
    indexes = Counter(one.index for one in services if one.index is not None)
    repeated = [str(index) for index, count in indexes.items() if count > 1]
    if repeated:
        text = (
            f"Two of its addresses have the index {', '.join(repeated)}: a request that names it"
            " is answered at the first."
        )
        yield Finding("repeated_index", Severity.HINDERS, text, Fix.METADATA)
    if services and all(urlsplit(one.url).scheme == "http" for one in services):
        text = "Its addresses are http alone, which only a browser on its own machine reaches."
        yield Finding("only_http", Severity.HINDERS, text, Fix.PROTOCOL)


def _request_keys(subject: Subject) -> Iterator[Finding]:
    """Requests that are signed can be verified (SAML Metadata §2.4.4)."""
    if subject.row.signing_certificates:
        return
    template = catalogue.find(subject.row.template)
    if template is not None and template.signs == Signs.YES:
        text = f"{template.title} signs its requests, and its key is not known: all are refused."
        yield Finding("no_signing_key", Severity.STOPS, text, Fix.METADATA)
    elif subject.row.want_authn_requests_signed:
        text = (
            "Its requests have to be signed, and none of its signing keys is known: every request"
            " is refused. Import its metadata, or switch the demand off."
        )
        yield Finding("no_signing_key", Severity.STOPS, text, Fix.METADATA)
    else:
        text = "No signing key of it is known: unsigned requests are accepted, signed ones refused."
        yield Finding("requests_unverified", Severity.TELLS, text, Fix.METADATA)


def _certificates(subject: Subject) -> Iterator[Finding]:
    """Whose time is over (SAML V2.0 Metadata Interoperability Profile §2.6.1: only a word)."""
    for use, stored in (
        ("signing", subject.row.signing_certificates),
        ("encryption", subject.row.encryption_certificates),
    ):
        for text in stored:
            ended = _ended(str(text), subject.now)
            if ended is not None:
                words = f"Its {use} certificate ended on {ended:%Y-%m-%d}; the key still counts."
                yield Finding("certificate_ended", Severity.TELLS, words, Fix.METADATA)


def _ended(text: str, now: datetime) -> datetime | None:
    try:
        ends = certificate.load(text).not_valid_after_utc
    except errors.InvalidMetadata:
        return None
    return ends if ends <= now else None


def _signatures(subject: Subject) -> Iterator[Finding]:
    """What it wants signed is signed (SAML Profiles §4.1.4.5)."""
    row = subject.row
    if not (row.sign_response or row.sign_assertion):
        text = "Neither response nor assertion is signed: nothing is sent."
        yield Finding("unsigned", Severity.STOPS, text, Fix.PROTOCOL)
    elif subject.wants_assertions_signed and not row.sign_assertion:
        text = "Its metadata wants assertions signed, and only the response is: switch it on."
        yield Finding("assertion_unsigned", Severity.STOPS, text, Fix.PROTOCOL)


def _encryption(subject: Subject) -> Iterator[Finding]:
    """An assertion can be encrypted, or goes in the clear (SAML Profiles §4.1.4.5)."""
    row = subject.row
    try:
        key = service_providers.encryption_key(row)
    except errors.NoCommonAlgorithm:
        text = (
            "It lists none of the encryption algorithms that are used here (AES-GCM with RSA-OAEP):"
            " nothing is sent until encryption is switched off, or its metadata lists one."
        )
        yield Finding("no_common_algorithm", Severity.STOPS, text, Fix.PROTOCOL)
        return
    except errors.SamlError:
        text = "Its encryption key cannot be used: import newer metadata, or switch encryption off."
        yield Finding("encryption_key", Severity.STOPS, text, Fix.METADATA)
        return
    if key is None:
        why = "no key is known" if row.encrypt_assertion else "it is switched off"
        text = f"Assertions are not encrypted, since {why}: the person's browser can read them."
        yield Finding("not_encrypted", Severity.TELLS, text, Fix.METADATA)


def _logout(subject: Subject) -> Iterator[Finding]:
    """It can be told of sign-outs (SAML Profiles §4.4)."""
    if not subject.row.single_logout_services:
        text = (
            "It has no address for single logout: who signs out elsewhere stays signed in there"
            " until its own session ends."
        )
        yield Finding("no_logout", Severity.TELLS, text, Fix.METADATA)


def _validity(subject: Subject) -> Iterator[Finding]:
    """Its metadata still counts (SAML Metadata §2.3.2, validUntil)."""
    until = subject.row.metadata_valid_until
    if until is None or until > subject.now + SOON:
        return
    over = until <= subject.now
    text = f"Its metadata {'was' if over else 'is'} valid until {until:%Y-%m-%d}: import it anew."
    yield Finding("metadata_ends", Severity.HINDERS, text, Fix.METADATA)


def _attributes(subject: Subject) -> Iterator[Finding]:
    """What it requires is mapped (SAML Metadata §2.4.4.2)."""
    rows = subject.rows or saml_attributes.DEFAULT_ROWS
    mapped = {one.claim for one in rows}
    required = [one for one in subject.row.requested_attributes if _is_required(one)]
    unmapped = [_called(one) for one in required if one.get("name") not in mapped]
    if unmapped:
        text = f"It requires attributes that need a mapping row: {_listed(unmapped)}."
        yield Finding("unmapped", Severity.HINDERS, text, Fix.CLAIMS)
    if subject.coverage is None:
        return
    for one in required:
        count = subject.coverage.without_attribute.get(str(one.get("name")), 0)
        if one.get("name") in mapped and count:
            text = f"It requires {_called(one)}, which {subject.coverage.people(count)} not have."
            yield Finding("without_value", Severity.HINDERS, text, Fix.PEOPLE)


def _is_required(one: Any) -> bool:
    return isinstance(one, dict) and bool(one.get("required"))


def _called(one: dict[str, Any]) -> str:
    return str(one.get("friendly_name") or one.get("name"))[:200]


def _listed(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _name_id(subject: Subject) -> Iterator[Finding]:
    """It gets a NameID that it lists, and everybody has one (SAML Core §8.3)."""
    row = subject.row
    used = row.default_name_id_format
    listed = [one for one in row.name_id_formats if isinstance(one, str)]
    if listed and used not in listed and vocabulary.UNSPECIFIED not in listed:
        text = (
            f"Its NameID is {_short(used)}, which its metadata does not list"
            f" ({_listed([_short(one) for one in listed])})."
        )
        yield Finding("unlisted_name_id", Severity.HINDERS, text, Fix.PROTOCOL)
    if subject.coverage is None or not subject.coverage.without_name_id:
        return
    count = subject.coverage.without_name_id
    everybody = count == subject.coverage.looked_at
    what = "a verified e-mail address"
    if used != vocabulary.EMAIL_ADDRESS:
        what = f"a value in {row.name_id_source}"
    text = f"Its NameID is made of {what}, which {subject.coverage.people(count)} not have."
    severity = Severity.STOPS if everybody else Severity.HINDERS
    yield Finding("without_name_id", severity, text, Fix.PEOPLE)


def _short(format_: str) -> str:
    return format_.rpartition(":")[2]


def _people(subject: Subject) -> Iterator[Finding]:
    """Somebody may use it."""
    if subject.coverage is not None and not subject.coverage.total:
        text = "Nobody may use it: choose who, or add people."
        yield Finding("nobody", Severity.STOPS, text, Fix.ACCESS)


CHECKS: tuple[Check, ...] = (
    _addresses,
    _request_keys,
    _signatures,
    _encryption,
    _people,
    _name_id,
    _attributes,
    _validity,
    _certificates,
    _logout,
)
