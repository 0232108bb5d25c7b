"""What registering a service provider would do, before it is done: the facts, or the difference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from federation.admin import certificates, saml_notices
from federation.admin.certificates import Certificate
from federation.identity_provider import first_sign_in, registration
from federation.identity_provider.metadata_sources import changes
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
        tuple(facts(columns, exists)),
        tuple(found),
        metadata.warnings,
        notices=_notices(metadata.entity_id, columns, exists, draft["xml"]),
    )


def _of_addresses(entity_id: str, acs_url: str) -> Summary:
    exists = ServiceProvider.objects.filter(entity_id=entity_id).first()
    service = {"url": acs_url, "binding": vocabulary.POST, "index": 0, "is_default": True}
    columns = {"assertion_consumer_services": [service]}
    note = "No keys are known: its requests are not verified, assertions not encrypted."
    warnings = (note, *registration.entity_id_warnings(entity_id))
    return Summary(entity_id, exists, tuple(facts(columns, exists)), (), warnings)


# All that metadata decides: nothing is said yes to that is not shown.
_LABELS = {
    "assertion_consumer_services": "Assertion consumer services",
    "single_logout_services": "Single logout",
    "name_id_formats": "NameID formats",
    "signing_certificates": "Signing keys",
    "encryption_certificates": "Encryption keys",
    "encryption_methods": "Encryption methods",
    "want_authn_requests_signed": "Signs its requests",
    "requested_attributes": "Asks for",
    "attribute_consuming_services": "Asks for, by service",
    "entity_attributes": "Entity attributes",
    "contacts": "Contacts",
    changes.VALIDITY: "Valid until",
}


def label_of(column: str) -> str:
    """What a column of metadata is called here."""
    return _LABELS.get(column, column)


def facts(columns: dict[str, Any], exists: ServiceProvider | None) -> list[Fact]:
    """The lines; what differs is told by the values themselves, not by their words."""
    if exists is None:
        return [Fact(label, _words(columns[name])) for name, label in _shown(columns)]
    changed = set(changes.changes(exists, columns))
    found = []
    for name, label in _shown(columns):
        today = _words(getattr(exists, name))
        moved = name == changes.VALIDITY and _words(columns[name]) != today
        differs = moved or name in changed
        found.append(Fact(label, _words(columns[name]) if differs else today, today, differs))
    return found


def _shown(columns: dict[str, Any]) -> list[tuple[str, str]]:
    return [(name, label) for name, label in _LABELS.items() if name in columns]


def _words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}" if value else "not said"
    return "\n".join(_line(one) for one in value) or "none"


def _line(entry: Any) -> str:
    if isinstance(entry, dict):
        return next((words(entry) for key, words in _ENTRIES.items() if key in entry), "")
    text = str(entry)
    if len(text) > 200:
        return certificates.read("", [text])[0].fingerprint or "unreadable"
    return text.rpartition(":")[2]


def _endpoint(entry: dict[str, Any]) -> str:
    facts = [str(entry.get("binding", "")).rpartition(":")[2], *_place(entry)]
    if entry.get("response_url"):
        facts.append(f"answers to {entry['response_url']}")
    return f"{entry['url']} ({', '.join(facts)})"


def _place(entry: dict[str, Any]) -> list[str]:
    """Which one of several it is, and whether it is taken where none is named."""
    index, is_default = entry.get("index"), entry.get("is_default")
    words = [] if index is None else [f"index {index}"]
    if is_default is not None:
        words.append("default" if is_default else "not default")
    return words


def _service(entry: dict[str, Any]) -> str:
    place = ", ".join(_place(entry)) or "service"
    return f"{place}: {'; '.join(_attribute(one) for one in entry['attributes']) or 'nothing'}"


def _attribute(entry: dict[str, Any]) -> str:
    """Its name beside the friendly one, which the metadata can choose at will."""
    name, friendly = entry.get("name") or "", entry.get("friendly_name")
    shown = f"{friendly} ({name})" if friendly else name
    values = f": {', '.join(entry['values'])}" if entry.get("values") else ""
    return f"{shown}{', required' if entry.get('required') else ''}{values}"


def _method(entry: dict[str, Any]) -> str:
    return ", ".join(str(value).rpartition("#")[2] for value in entry.values() if value)


def _contact(entry: dict[str, Any]) -> str:
    names = (entry.get(name) for name in ("given_name", "surname", "company"))
    return " ".join([f"{entry['kind']}:", *filter(None, names), *entry.get("emails", ())])


# By a member that no other kind of entry has.
_ENTRIES: dict[str, Callable[[dict[str, Any]], str]] = {
    "url": _endpoint,
    "attributes": _service,
    "algorithm": _method,
    "kind": _contact,
    "name": _attribute,
}


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
