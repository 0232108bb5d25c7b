"""AttributeQuery of a service provider: what it wants to know of whom (SAML Core §3.3.2.3)."""

from __future__ import annotations

from dataclasses import dataclass

from federation.saml import errors, name_id, vocabulary, xml
from federation.saml import subject as subjects

NAME = "samlp:AttributeQuery"


@dataclass(frozen=True, slots=True)
class QueriedAttribute:
    """One attribute that is asked for. `values`: only these, where there are any."""

    name: str
    name_format: str = vocabulary.NAME_FORMAT_UNSPECIFIED
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AttributeQuery:
    """A query. `attributes`: none means all that may be told."""

    subject: name_id.NameID
    attributes: tuple[QueriedAttribute, ...] = ()


def read(
    element: xml.Element, *, decryption_keys: subjects.DecryptionKeys = subjects.no_keys
) -> AttributeQuery:
    """Return the typed query from the verified element. Raises InvalidMessage.

    A SubjectConfirmation says who may use an answer with whom; there is none in ours.
    """
    subject = xml.child(element, "saml:Subject")
    if subject is None:
        raise errors.InvalidMessage("subject", "no Subject")
    named = subjects.read(subject, keys=decryption_keys)
    attributes = tuple(
        QueriedAttribute(
            name=one.get("Name", ""),
            name_format=one.get("NameFormat", vocabulary.NAME_FORMAT_UNSPECIFIED),
            values=tuple(xml.token(value) for value in xml.children(one, "saml:AttributeValue")),
        )
        for one in xml.children(element, "saml:Attribute")
    )
    names = {(one.name, one.name_format) for one in attributes}
    if len(names) < len(attributes):
        # SAML Core §3.3.2.3: "a given Attribute element MUST NOT be repeated".
        raise errors.InvalidMessage("repeated_attribute", f"{len(attributes)} attributes")
    return AttributeQuery(named, attributes)
