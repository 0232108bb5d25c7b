"""What others say of an entity by attributes (SAML Metadata Extension for Entity Attributes §2).

Entity categories and the subject identifier that it needs. Only plain attributes are read: signed
assertions about an entity are not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from federation.saml import vocabulary, xml

# The only name that counts for each; with NameFormat uri, as both specifications demand.
ENTITY_CATEGORY = "http://macedir.org/entity-category"
SUBJECT_ID_REQ = "urn:oasis:names:tc:SAML:profiles:subject-id:req"


@dataclass(frozen=True, slots=True)
class EntityAttribute:
    """One attribute of an entity."""

    name: str
    values: tuple[str, ...]


def read(entity: xml.Element) -> tuple[EntityAttribute, ...]:
    """Return the attributes of NameFormat uri, in order. Raises InvalidMessage."""
    extensions = xml.child(entity, "md:Extensions")
    holders = [] if extensions is None else xml.children(extensions, "mdattr:EntityAttributes")
    return tuple(
        EntityAttribute(
            one.get("Name", ""),
            tuple(xml.token(value) for value in xml.children(one, "saml:AttributeValue")),
        )
        for holder in holders
        for one in xml.children(holder, "saml:Attribute")
        if one.get("NameFormat") == vocabulary.NAME_FORMAT_URI
    )


def values(attributes: Iterable[EntityAttribute], name: str) -> tuple[str, ...]:
    """Return all values under a name."""
    return tuple(value for one in attributes if one.name == name for value in one.values)
