"""How a service provider presents itself to people (SAML MDUI §2.1, SAML Metadata §2.3.2).

For the administrator's form and the pages; nothing here decides anything. Texts are plain text,
for the templates to escape.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from federation.saml import errors, vocabulary, xml
from federation.saml.metadata import endpoint

MAX_TEXT = 1_000
LANGUAGE = "en"

_LANGUAGE_ATTRIBUTE = f"{{{vocabulary.XML}}}lang"


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact person (SAML Metadata §2.3.2.2). `kind`: technical, support and so on."""

    kind: str
    given_name: str = ""
    surname: str = ""
    company: str = ""
    emails: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Organization:
    """Who runs the service provider (SAML Metadata §2.3.2.1)."""

    name: str = ""
    display_name: str = ""
    url: str = ""


def display_name(entity: xml.Element, role: xml.Element) -> str:
    """Return the name to show: of MDUI, else of its first service, else of its organisation."""
    services = xml.children(role, "md:AttributeConsumingService")
    named = organization(entity)
    return (
        _localised(_shown(role, "mdui:DisplayName"))
        or _localised([one for each in services for one in xml.children(each, "md:ServiceName")])
        or (named.display_name if named is not None else "")
    )


def description(role: xml.Element) -> str:
    """Return the description of MDUI, an empty string if there is none."""
    return _localised(_shown(role, "mdui:Description"))


def logo_url(role: xml.Element) -> str:
    """Return the first logo at an https address; anything else is passed over."""
    for element in _shown(role, "mdui:Logo"):
        url = xml.token(element)
        try:
            return endpoint.check(url, what="The logo")
        except errors.InvalidMetadata:
            continue
    return ""


def contacts(entity: xml.Element) -> tuple[Contact, ...]:
    """Return the contact persons of the entity."""
    return tuple(
        Contact(
            kind=one.get("contactType", "other"),
            given_name=_text(one, "md:GivenName"),
            surname=_text(one, "md:SurName"),
            company=_text(one, "md:Company"),
            emails=tuple(
                xml.token(address).removeprefix("mailto:")[:MAX_TEXT]
                for address in xml.children(one, "md:EmailAddress")
            ),
        )
        for one in xml.children(entity, "md:ContactPerson")
    )


def organization(entity: xml.Element) -> Organization | None:
    """Return the organisation of the entity, None if it names none."""
    element = xml.child(entity, "md:Organization")
    if element is None:
        return None
    return Organization(
        name=_localised(xml.children(element, "md:OrganizationName")),
        display_name=_localised(xml.children(element, "md:OrganizationDisplayName")),
        url=_localised(xml.children(element, "md:OrganizationURL")),
    )


def _shown(role: xml.Element, name: str) -> list[xml.Element]:
    """Return the elements `name` of the role's mdui:UIInfo."""
    extensions = xml.child(role, "md:Extensions")
    information = None if extensions is None else xml.child(extensions, "mdui:UIInfo")
    return [] if information is None else xml.children(information, name)


def _localised(elements: Sequence[xml.Element]) -> str:
    """Return the English text if there is one, else the first."""
    english = [one for one in elements if one.get(_LANGUAGE_ATTRIBUTE, "").startswith(LANGUAGE)]
    for element in (*english, *elements):
        text = xml.token(element)
        if text:
            return text[:MAX_TEXT]
    return ""


def _text(parent: xml.Element, name: str) -> str:
    element = xml.child(parent, name)
    return "" if element is None else xml.token(element)[:MAX_TEXT]
