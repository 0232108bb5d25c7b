"""The service providers in a document of one or of thousands of entities (SAML Metadata §2.3.1).

The signature is over the whole document and verified before anything is told of it; a signature
over a single entity of a group counts for nothing here. What each entity says is read when it is
registered or refreshed, from its own XML: one that is of no use does not keep the others away.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import BinaryIO

from federation.saml import errors, signature, vocabulary, xml
from federation.saml.metadata import presentation, service_provider


@dataclass(frozen=True, slots=True)
class Entity:
    """One service provider. `document`: its own XML, with every namespace that it needs.

    `valid_until`: the earliest of its own and its groups'; the document's is told apart.
    """

    entity_id: str
    display_name: str
    document: bytes
    valid_until: datetime | None


@dataclass(frozen=True, slots=True)
class Aggregate:
    """The document as a whole. `signed`: verified with one of the given keys.

    `passed_over`: service providers that are valid no longer, or that no pattern fits.
    """

    entities: tuple[xml.Element, ...]
    signed: bool
    valid_until: datetime | None
    cache_duration: timedelta | None
    passed_over: int
    now: datetime

    def read(self) -> Iterator[Entity]:
        """Yield the service providers one by one, in document order."""
        for element in self.entities:
            yield _read(element, now=self.now)


def read(
    file: BinaryIO,
    *,
    now: datetime,
    signing_keys: Sequence[signature.VerificationKey] = (),
    patterns: Sequence[str] = (),
    limits: xml.Limits = xml.AGGREGATE,
) -> Aggregate:
    """Return what a file describes. `patterns`: of entity IDs, as shells know them; none: all.

    With `signing_keys` the root must be signed by one of them. Raises InvalidMetadata.
    """
    service_provider.refuse_web_page(file.read(service_provider.BEGINNING))
    file.seek(0)
    try:
        root = service_provider.metadata_root(xml.parse_file(file, limits=limits))
        if signing_keys:
            service_provider.verify(root, keys=signing_keys)
        # Said of the whole: what has passed is refused as a whole.
        valid_until = service_provider.earliest_end((root,), now=now)
        found = service_provider.service_providers(root)
        kept = tuple(
            element
            for entity_id, element in found.items()
            if _fits(entity_id, patterns) and _is_valid(element, now=now)
        )
        return Aggregate(
            entities=kept,
            signed=bool(signing_keys),
            valid_until=valid_until,
            cache_duration=service_provider.shortest_duration((root,)),
            passed_over=len(found) - len(kept),
            now=now,
        )
    except errors.InvalidMessage as error:
        raise service_provider.unreadable(error) from error


def _fits(entity_id: str, patterns: Sequence[str]) -> bool:
    return not patterns or any(fnmatch.fnmatchcase(entity_id, one) for one in patterns)


def _is_valid(element: xml.Element, *, now: datetime) -> bool:
    try:
        service_provider.earliest_end(_holders(element), now=now)
    except (errors.InvalidMetadata, errors.InvalidMessage):
        return False
    return True


def _holders(element: xml.Element) -> tuple[xml.Element, ...]:
    """Return the entity and every group that it is in, but for the whole document."""
    groups = element.iterancestors(vocabulary.name("md:EntitiesDescriptor"))
    return (element, *(one for one in groups if one.getparent() is not None))


def _read(element: xml.Element, *, now: datetime) -> Entity:
    return Entity(
        entity_id=service_provider.identifier_of(element),
        display_name=_display_name(element),
        document=xml.serialise(element),
        valid_until=service_provider.earliest_end(_holders(element), now=now),
    )


def _display_name(element: xml.Element) -> str:
    try:
        return presentation.display_name(element, service_provider.roles_of(element)[0])
    except errors.InvalidMessage:
        return ""
