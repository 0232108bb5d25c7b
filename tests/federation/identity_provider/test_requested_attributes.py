"""What a service provider asks for takes away from the mapping, and never adds to it."""

from __future__ import annotations

from typing import Any

import pytest

from federation.identity_provider import entity_categories, requested_attributes
from federation.saml import vocabulary
from federation.saml.metadata import entity_attributes
from idp.claims.reasons import Reason
from idp.claims.release import Release
from idp.claims.saml_attributes import SamlAttribute
from tests.support.factories import ServiceProviderFactory
from tests.support.protocol import cookie_of, header
from tests.support.saml import Party, SamlWorld, posted
from tests.support.sign_in import Browser

URI, BASIC = vocabulary.NAME_FORMAT_URI, vocabulary.NAME_FORMAT_BASIC
MAIL, UID = "urn:oid:0.9.2342.19200300.100.1.3", "urn:oid:0.9.2342.19200300.100.1.1"
RELEASED = Release(
    {},
    (
        SamlAttribute(MAIL, URI, "mail", ("a@example.org",)),
        SamlAttribute("role", BASIC, "", ("admin", "editor")),
        SamlAttribute(UID, URI, "uid", ("alice",)),
    ),
    (Reason(MAIL, True, "mapping row 1", "user.email"), Reason("absent", False, "empty", "")),
)


def provider(*services: Any, categories: tuple[str, ...] = (), **fields: Any) -> Any:
    fields.setdefault("attribute_release", "requested")
    return ServiceProviderFactory.build(
        application=None,
        attribute_consuming_services=list(services),
        entity_attributes=[{"name": entity_attributes.ENTITY_CATEGORY, "values": categories}],
        **fields,
    )


def service(*names: Any, **members: Any) -> dict[str, Any]:
    attributes = [{"name": one} if isinstance(one, str) else one for one in names]
    return {"attributes": attributes, **members}


def kept(row: Any, **options: Any) -> dict[str, tuple[str, ...]]:
    released = requested_attributes.limited(RELEASED, row, **options)
    return {one.name: one.values for one in released.attributes}


def test_everything_unless_it_is_chosen() -> None:
    row = provider(service(MAIL), attribute_release="mapping")
    assert requested_attributes.limited(RELEASED, row) is RELEASED


def test_only_what_is_asked_for_and_nothing_that_the_mapping_does_not_give() -> None:
    assert kept(provider(service(MAIL, "never", ""))) == {MAIL: ("a@example.org",)}


@pytest.mark.parametrize(
    ("name_format", "given"),
    [("", True), (vocabulary.NAME_FORMAT_UNSPECIFIED, True), (BASIC, True), (URI, False)],
)
def test_a_name_is_of_its_format(name_format: str, given: bool) -> None:
    asked = {"name": "role", "name_format": name_format}
    assert ("role" in kept(provider(service(asked)))) is given


def test_only_the_values_that_are_asked_for() -> None:
    only = {"name": "role", "values": ["editor", "owner"]}
    assert kept(provider(service(only))) == {"role": ("editor",)}
    assert kept(provider(service({"name": "role", "values": ["owner"]}))) == {}
    assert kept(provider(service(only, "role"))) == {"role": ("admin", "editor")}


def test_nothing_is_asked_for() -> None:
    assert kept(provider()) == {}
    assert kept(provider(service())) == {}


def test_the_default_service_or_the_one_that_is_named() -> None:
    row = provider(
        service(UID, index=0),
        service(MAIL, index=1, is_default=True),
        service("role", index=2),
    )
    assert set(kept(row)) == {MAIL}
    assert set(kept(row, index=0)) == {UID}
    assert set(kept(row, index=2)) == {"role"}
    assert kept(row, index=3) == {}


def test_one_that_was_imported_before_services_were_stored() -> None:
    row = provider(requested_attributes=[{"name": UID, "required": True}])
    assert set(kept(row)) == {UID}


@pytest.mark.parametrize(
    ("category", "given"),
    [
        (entity_categories.RESEARCH_AND_SCHOLARSHIP, {MAIL}),
        (entity_categories.PERSONALIZED, {MAIL}),
        (entity_categories.PSEUDONYMOUS, set()),
        (entity_categories.ANONYMOUS, set()),
        (entity_categories.CODE_OF_CONDUCT[0], set()),
        (entity_categories.RESEARCH_AND_SCHOLARSHIP + "/", set()),
    ],
)
def test_entity_categories_ask_too(category: str, given: set[str]) -> None:
    assert set(kept(provider(categories=(category,)))) == given
    assert set(kept(provider(service(UID), categories=(category,)))) == given | {UID}


def test_says_why_an_attribute_is_not_there() -> None:
    row = provider(service({"name": "role", "values": ["owner"]}))
    released = requested_attributes.limited(RELEASED, row)
    assert {one.claim: (one.released, one.because) for one in released.reasons} == {
        MAIL: (False, requested_attributes.NOT_ASKED),
        "role": (False, requested_attributes.OTHER_VALUES),
        UID: (False, requested_attributes.NOT_ASKED),
        "absent": (False, "empty"),
    }
    assert released.reasons[0].source == "user.email"


# ----- on the wire -----

SERVICES = [
    service(MAIL, index=0, is_default=True),
    service(UID, index=5),
]


@pytest.fixture
def asking(saml: SamlWorld) -> Party:
    return saml.party(attribute_release="requested", attribute_consuming_services=SERVICES)


def test_the_index_of_the_request_counts(saml: SamlWorld, asking: Party) -> None:
    assert set(posted(asking.redirect(saml.session)).attributes) == {"mail"}
    named = asking.redirect(saml.session, attributes='AttributeConsumingServiceIndex="5"')
    assert set(posted(named).attributes) == {"uid"}


def test_an_unknown_index_releases_nothing(saml: SamlWorld, asking: Party) -> None:
    named = asking.redirect(saml.session, attributes='AttributeConsumingServiceIndex="1"')
    form = posted(named)
    assert form.status == ("Requester", "RequestUnsupported")
    assert not form.all("//saml:Assertion")


def test_the_index_waits_with_the_request(saml: SamlWorld, asking: Party) -> None:
    waiting = asking.post(None, signed=True, attributes='AttributeConsumingServiceIndex="5"')
    browser = Browser()
    browser.cookies.load(cookie_of(saml.session))
    assert set(posted(browser.open(header(waiting, "Location"))).attributes) == {"uid"}
