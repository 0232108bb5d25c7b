"""Which attributes the entity categories of research and education stand for.

Facts of REFEDS' specifications, names by their URIs: a service provider of a category asks for
these without listing them. The data protection codes of conduct name none: they are promises about
what is listed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from federation.saml.metadata import entity_attributes

RESEARCH_AND_SCHOLARSHIP = "http://refeds.org/category/research-and-scholarship"
ANONYMOUS = "https://refeds.org/category/anonymous"
PSEUDONYMOUS = "https://refeds.org/category/pseudonymous"
PERSONALIZED = "https://refeds.org/category/personalized"
CODE_OF_CONDUCT = (
    "http://www.geant.net/uri/dataprotection-code-of-conduct/v1",
    "https://refeds.org/category/code-of-conduct/v2",
)

_EDU_PERSON = "urn:oid:1.3.6.1.4.1.5923.1.1.1"
MAIL = "urn:oid:0.9.2342.19200300.100.1.3"
DISPLAY_NAME = "urn:oid:2.16.840.1.113730.3.1.241"
GIVEN_NAME, SN = "urn:oid:2.5.4.42", "urn:oid:2.5.4.4"
PRINCIPAL_NAME = f"{_EDU_PERSON}.6"
SCOPED_AFFILIATION = f"{_EDU_PERSON}.9"
TARGETED_ID = f"{_EDU_PERSON}.10"
ASSURANCE = f"{_EDU_PERSON}.11"
UNIQUE_ID = f"{_EDU_PERSON}.13"
HOME_ORGANIZATION = "urn:oid:1.3.6.1.4.1.25178.1.2.9"

_NAMES = (DISPLAY_NAME, GIVEN_NAME, SN)
BUNDLES: Mapping[str, frozenset[str]] = {
    # Research and Scholarship 1.3 §5.
    RESEARCH_AND_SCHOLARSHIP: frozenset(
        (PRINCIPAL_NAME, TARGETED_ID, UNIQUE_ID, MAIL, SCOPED_AFFILIATION, *_NAMES)
    ),
    # Anonymous, Pseudonymous and Personalized Access 2.0 §5; their identifiers are asked for by
    # subject-id:req.
    ANONYMOUS: frozenset((SCOPED_AFFILIATION, HOME_ORGANIZATION)),
    PSEUDONYMOUS: frozenset((SCOPED_AFFILIATION, HOME_ORGANIZATION, ASSURANCE)),
    PERSONALIZED: frozenset((MAIL, SCOPED_AFFILIATION, HOME_ORGANIZATION, ASSURANCE, *_NAMES)),
}


def of(stored: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """The categories among the entity attributes of a service provider."""
    return tuple(
        str(value)
        for one in stored
        if one.get("name") == entity_attributes.ENTITY_CATEGORY
        for value in one.get("values", ())
    )


def asked_for(categories: Iterable[str]) -> frozenset[str]:
    """The attribute names that these categories stand for."""
    return frozenset().union(*(BUNDLES.get(one, frozenset()) for one in categories))
