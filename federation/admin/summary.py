"""What registering a service provider would do, before it is done: the facts, or the difference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from federation.admin import certificates, saml_notices
from federation.admin.certificates import Certificate
from federation.identity_provider import first_sign_in, registration
from federation.models import ServiceProvider
from federation.saml import vocabulary
from federation.saml.metadata import service_provider
from idp.admin.kinds import Notice


@dataclass(frozen=True)
class Fact:
    """One line: what it is, what it would be, and what it is today ("" for a new one)."""

    label: str
    value: str
    today: str = ""
    differs: bool = False


@dataclass(frozen=True)
class Summary:
    """Everything that is looked at before the yes."""

    entity_id: str
    exists: ServiceProvider | None
    facts: tuple[Fact, ...]
    certificates: tuple[Certificate, ...]
    warnings: tuple[str, ...]
    notices: tuple[Notice, ...] = ()

    @property
    def changes(self) -> bool:
        """Whether an import would change anything."""
        return self.exists is None or any(fact.differs for fact in self.facts)


def of(draft: dict[str, Any]) -> Summary:
    """The summary of a draft. Raises InvalidMetadata."""
    if not draft["xml"]:
        return _of_addresses(draft["entity_id"], draft["acs_url"])
    metadata = service_provider.parse(
        draft["xml"].encode(), now=timezone.now(), entity_id=draft["chosen"]
    )
    exists = ServiceProvider.objects.filter(entity_id=metadata.entity_id).first()
    columns = registration.from_metadata(metadata)
    found = [
        *certificates.read("signing", metadata.signing_certificates),
        *certificates.read("encryption", metadata.encryption_certificates),
    ]
    return Summary(
        metadata.entity_id,
        exists,
        tuple(_facts(columns, exists)),
        tuple(found),
        metadata.warnings,
        notices=_notices(metadata.entity_id, columns, exists, draft["xml"]),
    )


def _of_addresses(entity_id: str, acs_url: str) -> Summary:
    exists = ServiceProvider.objects.filter(entity_id=entity_id).first()
    columns = {"assertion_consumer_services": [{"url": acs_url, "binding": vocabulary.POST}]}
    note = "No keys are known: its requests are not verified, assertions not encrypted."
    return Summary(entity_id, exists, tuple(_facts(columns, exists)), (), (note,))


_LABELS = {
    "assertion_consumer_services": "Assertion consumer services",
    "single_logout_services": "Single logout",
    "name_id_formats": "NameID formats",
    "signing_certificates": "Signing keys",
    "encryption_certificates": "Encryption keys",
    "want_authn_requests_signed": "Signs its requests",
    "requested_attributes": "Asks for",
    "entity_attributes": "Entity attributes",
    "metadata_valid_until": "Valid until",
}


def _facts(columns: dict[str, Any], exists: ServiceProvider | None) -> list[Fact]:
    facts = []
    for name, label in _LABELS.items():
        if name not in columns:
            continue
        value = _words(columns[name])
        today = _words(getattr(exists, name)) if exists is not None else ""
        facts.append(Fact(label, value, today, exists is not None and value != today))
    return facts


def _words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return "\n".join(_line(one) for one in value) or "none"
    return f"{value:%Y-%m-%d %H:%M}" if value else "not said"


def _line(entry: Any) -> str:
    if isinstance(entry, dict):
        if "url" in entry or "location" in entry:
            binding = str(entry.get("binding", "")).rpartition(":")[2]
            return f"{entry.get('url') or entry.get('location')} ({binding})"
        if entry.get("values"):
            return f"{entry.get('friendly_name') or entry['name']}: {', '.join(entry['values'])}"
        needed = ", required" if entry.get("required") else ""
        return f"{entry.get('friendly_name') or entry.get('name')}{needed}"
    text = str(entry)
    if len(text) > 200:
        return certificates.read("", [text])[0].fingerprint or "unreadable"
    return text.rpartition(":")[2]


# The metadata's own warnings say the same.
_WARNED_OF = frozenset(
    {"repeated_index", "no_signing_key", "no_common_algorithm", "certificate_ended"}
)


def _notices(
    entity_id: str, columns: dict[str, Any], exists: ServiceProvider | None, xml: str
) -> tuple[Notice, ...]:
    """What would be missing before the first sign-in."""
    draft = registration.drafted(entity_id, columns, exists)
    found = first_sign_in.look(draft, metadata_xml=xml, now=timezone.now())
    left = [one for one in found if one.check not in _WARNED_OF]
    return tuple(saml_notices.notices(left, application=exists.application if exists else None))
