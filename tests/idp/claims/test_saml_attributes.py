"""SAML attribute names, the default rows, and values in XML."""

from __future__ import annotations

from typing import Any

import pytest

from idp.claims import mapping, saml_attributes
from idp.claims.errors import MappingError

ROW = saml_attributes.DEFAULT_ROWS[0]


@pytest.mark.standard("SAML Core", "2.7.3.1", "URI names with friendly names by default")
def test_the_default_rows() -> None:
    assert [
        (row.claim, row.friendly_name, row.source, row.key) for row in saml_attributes.DEFAULT_ROWS
    ] == [
        ("urn:oid:0.9.2342.19200300.100.1.1", "uid", "user", "username"),
        ("urn:oid:0.9.2342.19200300.100.1.3", "mail", "user", "email"),
        ("urn:oid:2.16.840.1.113730.3.1.241", "displayName", "user", "display_name"),
        ("urn:oid:2.5.4.42", "givenName", "user", "given_name"),
        ("urn:oid:2.5.4.4", "sn", "user", "family_name"),
        ("urn:oid:1.3.6.1.4.1.5923.1.5.1.1", "isMemberOf", "groups", ""),
    ]
    assert {row.name_format for row in saml_attributes.DEFAULT_ROWS} == {mapping.NAME_FORMAT_URI}


@pytest.mark.parametrize("basic", [False, True])
@pytest.mark.parametrize("known", saml_attributes.KNOWN, ids=lambda known: known.basic)
def test_every_known_attribute_is_a_row_that_can_be_saved(
    known: saml_attributes.KnownAttribute, basic: bool
) -> None:
    row = saml_attributes.row(known, basic=basic, position=1)
    saved = mapping.parse_row(
        {
            "claim": row.claim,
            "source": row.source,
            "key": row.key,
            "destinations": ["saml"],
            "name_format": row.name_format,
            "friendly_name": row.friendly_name,
        },
        position=1,
    )
    assert saved == row
    assert saved.name_format == (mapping.NAME_FORMAT_BASIC if basic else mapping.NAME_FORMAT_URI)


def test_no_name_is_known_twice() -> None:
    assert len({known.uri for known in saml_attributes.KNOWN}) == len(saml_attributes.KNOWN)
    assert len({known.basic for known in saml_attributes.KNOWN}) == len(saml_attributes.KNOWN)


@pytest.mark.standard("SAML Core", "2.7.3.1", "several values, an element for each")
@pytest.mark.parametrize(
    ("value", "texts"),
    [
        ("a", ("a",)),
        (["a", "b"], ("a", "b")),
        (["a", "", None], ("a",)),
        (True, ("true",)),
        (7, ("7",)),
        ("<b>&amp;\n\t]]>", ("<b>&amp;\n\t]]>",)),
        ("𝄞", ("𝄞",)),
    ],
)
def test_values(value: Any, texts: tuple[str, ...]) -> None:
    made = saml_attributes.attribute(ROW, value)
    assert made is not None
    assert made.values == texts


@pytest.mark.parametrize("value", [None, "", [], [""], [None]])
def test_no_value_is_no_attribute(value: Any) -> None:
    assert saml_attributes.attribute(ROW, value) is None


@pytest.mark.parametrize(
    "value", [{"a": "b"}, ["a", {"b": 1}], [["a"]], "a\x08", "\x1b", "\ufffe", "\uffff", {}]
)
def test_refuses_what_xml_cannot_carry(value: Any) -> None:
    with pytest.raises(MappingError):
        saml_attributes.attribute(ROW, value)
