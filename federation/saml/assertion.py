"""The assertion an identity provider makes about a person (SAML Core §2.3, SAML Profiles §4.1.4).

One AuthnStatement, at most one AttributeStatement, one bearer confirmation, one audience. Built
with lxml only, so every value is escaped by the serializer. Neither signed nor encrypted here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from federation.saml import datatypes, errors, name_id, vocabulary, xml

MAX_LIFETIME = timedelta(minutes=5)
# Clocks of service providers run minutes late; the bearer confirmation still ends in time.
NOT_BEFORE_ALLOWANCE = timedelta(minutes=3)


@dataclass(frozen=True, slots=True)
class Attribute:
    """A SAML attribute; each value becomes an element of its own (SAML Core §2.7.3.1)."""

    name: str
    values: tuple[str, ...]
    name_format: str = vocabulary.NAME_FORMAT_URI
    friendly_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """All that goes into an assertion.

    `issuer`, `audience`: our entity ID and the service provider's. `recipient`: the assertion
    consumer service it is posted to. `in_response_to`: the request's ID, None without request.
    `name_id`: None for an assertion without NameID. `authn_instant`: when the person really proved
    who it is. `lifetime`: at most five minutes.
    """

    issuer: str
    audience: str
    recipient: str
    in_response_to: str | None
    name_id: name_id.NameID | None
    issue_instant: datetime
    authn_instant: datetime
    session_index: str
    authn_context_class_ref: str
    session_not_on_or_after: datetime | None = None
    authenticating_authorities: tuple[str, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    lifetime: timedelta = MAX_LIFETIME
    id: str = field(default_factory=datatypes.new_id)

    def __post_init__(self) -> None:
        """Refuse what the profile forbids. Raises InvalidContent."""
        if not timedelta(0) < self.lifetime <= MAX_LIFETIME:
            raise errors.InvalidContent("lifetime", f"{self.lifetime}")
        if not (self.issuer and self.audience and self.recipient and self.session_index):
            raise errors.InvalidContent("content", "issuer, audience, recipient or session index")


def build(assertion: Assertion) -> xml.Element:
    """Return the saml:Assertion as the root of a document of its own. Raises InvalidContent."""
    element = begin(assertion.id, issuer=assertion.issuer, issue_instant=assertion.issue_instant)
    _add_subject(element, assertion)
    add_conditions(
        element,
        audience=assertion.audience,
        issue_instant=assertion.issue_instant,
        lifetime=assertion.lifetime,
    )
    _add_authn_statement(element, assertion)
    add_attribute_statement(element, assertion.attributes)
    return element


def begin(identifier: str, *, issuer: str, issue_instant: datetime) -> xml.Element:
    """Return a saml:Assertion with its Issuer, as a root element (SAML Core §2.3.3)."""
    element = xml.new("saml:Assertion")
    xml.set_attribute(element, "ID", identifier)
    xml.set_attribute(element, "Version", "2.0")
    xml.set_attribute(element, "IssueInstant", datatypes.format_instant(issue_instant))
    xml.add(element, "saml:Issuer", issuer)
    return element


def _ends(assertion: Assertion) -> str:
    return datatypes.format_instant(assertion.issue_instant + assertion.lifetime)


def _add_subject(parent: xml.Element, assertion: Assertion) -> None:
    """Bearer, to this recipient, for five minutes, without NotBefore (SAML Profiles §4.1.4.2)."""
    subject = xml.add(parent, "saml:Subject")
    if assertion.name_id is not None:
        name_id.add(subject, assertion.name_id)
    confirmation = xml.add(
        subject, "saml:SubjectConfirmation", attributes={"Method": vocabulary.BEARER}
    )
    data = {"NotOnOrAfter": _ends(assertion), "Recipient": assertion.recipient}
    if assertion.in_response_to is not None:
        data["InResponseTo"] = assertion.in_response_to
    xml.add(confirmation, "saml:SubjectConfirmationData", attributes=data)


def add_conditions(
    parent: xml.Element, *, audience: str, issue_instant: datetime, lifetime: timedelta
) -> None:
    """For this service provider only, now (SAML Core §2.5)."""
    conditions = xml.add(
        parent,
        "saml:Conditions",
        attributes={
            "NotBefore": datatypes.format_instant(issue_instant - NOT_BEFORE_ALLOWANCE),
            "NotOnOrAfter": datatypes.format_instant(issue_instant + lifetime),
        },
    )
    restriction = xml.add(conditions, "saml:AudienceRestriction")
    xml.add(restriction, "saml:Audience", audience)


def _add_authn_statement(parent: xml.Element, assertion: Assertion) -> None:
    """When, how, and in which session of this service provider (SAML Core §2.7.2)."""
    attributes = {
        "AuthnInstant": datatypes.format_instant(assertion.authn_instant),
        "SessionIndex": assertion.session_index,
    }
    if assertion.session_not_on_or_after is not None:
        ends = datatypes.format_instant(assertion.session_not_on_or_after)
        attributes["SessionNotOnOrAfter"] = ends
    statement = xml.add(parent, "saml:AuthnStatement", attributes=attributes)
    context = xml.add(statement, "saml:AuthnContext")
    xml.add(context, "saml:AuthnContextClassRef", assertion.authn_context_class_ref)
    for authority in assertion.authenticating_authorities:
        xml.add(context, "saml:AuthenticatingAuthority", authority)


def add_attribute_statement(parent: xml.Element, attributes: Iterable[Attribute]) -> None:
    """Add the statement, unless there is nothing to state: it may not be empty (§2.7.3)."""
    merged = merge(attributes)
    if not merged:
        return
    statement = xml.add(parent, "saml:AttributeStatement")
    for attribute in merged:
        described = {"Name": attribute.name, "NameFormat": attribute.name_format}
        if attribute.friendly_name:
            described["FriendlyName"] = attribute.friendly_name
        element = xml.add(statement, "saml:Attribute", attributes=described)
        for value in dict.fromkeys(attribute.values):
            xml.add(element, "saml:AttributeValue", value)


def merge(attributes: Iterable[Attribute]) -> list[Attribute]:
    """Return one attribute per name and format, without those that have no value.

    Service providers refuse a name that stands twice.
    """
    merged: dict[tuple[str, str], Attribute] = {}
    for attribute in attributes:
        key = (attribute.name, attribute.name_format)
        earlier = merged.get(key)
        merged[key] = attribute if earlier is None else _joined(earlier, attribute)
    return [attribute for attribute in merged.values() if attribute.values]


def _joined(earlier: Attribute, later: Attribute) -> Attribute:
    return Attribute(
        name=earlier.name,
        values=earlier.values + later.values,
        name_format=earlier.name_format,
        friendly_name=earlier.friendly_name or later.friendly_name,
    )
