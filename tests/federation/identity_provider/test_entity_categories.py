"""What the entity categories of research and education stand for."""

from __future__ import annotations

from federation.identity_provider import entity_categories
from federation.saml.metadata import entity_attributes
from idp.claims import saml_attributes


def stored(*values: str, name: str = entity_attributes.ENTITY_CATEGORY) -> list[dict[str, object]]:
    return [{"name": name, "values": list(values)}]


def test_reads_the_categories_among_other_attributes() -> None:
    both = stored("urn:a", "urn:b") + stored("urn:c", name="urn:other") + [{}]
    assert entity_categories.of(both) == ("urn:a", "urn:b")
    support = "http://macedir.org/entity-category-support"
    assert entity_categories.of(stored("urn:a", name=support)) == ()


def test_several_categories_ask_for_all_of_theirs() -> None:
    asked = entity_categories.asked_for(
        (entity_categories.ANONYMOUS, entity_categories.RESEARCH_AND_SCHOLARSHIP, "urn:unknown")
    )
    assert {entity_categories.MAIL, entity_categories.HOME_ORGANIZATION} <= asked
    assert entity_categories.asked_for(()) == frozenset()


def test_names_are_those_of_the_mapping() -> None:
    known = {one.basic: one.uri for one in saml_attributes.KNOWN}
    assert known["mail"] == entity_categories.MAIL
    assert known["displayName"] == entity_categories.DISPLAY_NAME
    assert known["givenName"] == entity_categories.GIVEN_NAME
    assert known["sn"] == entity_categories.SN
    assert known["eduPersonPrincipalName"] == entity_categories.PRINCIPAL_NAME
    assert known["eduPersonScopedAffiliation"] == entity_categories.SCOPED_AFFILIATION


def test_who_stays_anonymous_is_not_named() -> None:
    for category in (entity_categories.ANONYMOUS, entity_categories.PSEUDONYMOUS):
        asked = entity_categories.BUNDLES[category]
        assert not asked & {entity_categories.MAIL, entity_categories.SN}
