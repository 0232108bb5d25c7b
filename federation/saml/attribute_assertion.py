"""The assertion that answers an AttributeQuery: who, and what (SAML Profiles §6.4.2).

No AuthnStatement, since nobody has signed in for it, and no confirmation: it goes to the service
provider that has asked, and proves nothing to anybody else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from federation.saml import assertion, datatypes, errors, name_id, xml


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeAssertion:
    """All that goes into it. `issuer`, `audience`: our entity ID and the service provider's."""

    issuer: str
    audience: str
    name_id: name_id.NameID
    issue_instant: datetime
    attributes: tuple[assertion.Attribute, ...]
    lifetime: timedelta = assertion.MAX_LIFETIME
    id: str = field(default_factory=datatypes.new_id)

    def __post_init__(self) -> None:
        """Refuse what nobody may be told. Raises InvalidContent."""
        if not timedelta(0) < self.lifetime <= assertion.MAX_LIFETIME:
            raise errors.InvalidContent("lifetime", f"{self.lifetime}")
        if not (self.issuer and self.audience and self.attributes):
            raise errors.InvalidContent("content", "issuer, audience or attributes")


def build(content: AttributeAssertion) -> xml.Element:
    """Return the saml:Assertion as the root of a document of its own. Raises InvalidContent."""
    element = assertion.begin(
        content.id, issuer=content.issuer, issue_instant=content.issue_instant
    )
    name_id.add(xml.add(element, "saml:Subject"), content.name_id)
    assertion.add_conditions(
        element,
        audience=content.audience,
        issue_instant=content.issue_instant,
        lifetime=content.lifetime,
    )
    assertion.add_attribute_statement(element, content.attributes)
    return element
