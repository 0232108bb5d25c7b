"""NameID: formats, policy, qualifiers."""

from __future__ import annotations

import pytest

from federation.saml import errors, name_id, vocabulary, xml
from federation.saml.name_id import NameID, NameIDPolicy

ALL = (
    vocabulary.PERSISTENT,
    vocabulary.TRANSIENT,
    vocabulary.EMAIL_ADDRESS,
    vocabulary.UNSPECIFIED,
)


@pytest.mark.standard("SAML Core", "3.4.1.1", "NameIDPolicy chooses the format")
@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (None, vocabulary.PERSISTENT),
        (NameIDPolicy(), vocabulary.PERSISTENT),
        (NameIDPolicy(vocabulary.UNSPECIFIED), vocabulary.PERSISTENT),
        (NameIDPolicy(vocabulary.TRANSIENT), vocabulary.TRANSIENT),
        (NameIDPolicy(vocabulary.EMAIL_ADDRESS), vocabulary.EMAIL_ADDRESS),
    ],
)
def test_chooses_the_format(policy: NameIDPolicy | None, expected: str) -> None:
    assert name_id.choose_format(policy, supported=ALL, default=vocabulary.PERSISTENT) == expected


@pytest.mark.parametrize("wanted", [vocabulary.ENCRYPTED, vocabulary.ENTITY, "urn:x", "persistent"])
def test_refuses_other_formats(wanted: str) -> None:
    with pytest.raises(errors.InvalidNameIDPolicy) as refused:
        name_id.choose_format(NameIDPolicy(wanted), supported=ALL, default=vocabulary.TRANSIENT)
    assert refused.value.status == (vocabulary.REQUESTER, vocabulary.INVALID_NAME_ID_POLICY)
    assert refused.value.check == "InvalidNameIDPolicy"


def test_refuses_another_service_providers_namespace() -> None:
    name_id.check_qualifier(None, entity_id="urn:sp")
    name_id.check_qualifier(NameIDPolicy(), entity_id="urn:sp")
    name_id.check_qualifier(NameIDPolicy(sp_name_qualifier="urn:sp"), entity_id="urn:sp")
    group = NameIDPolicy(sp_name_qualifier="urn:group")
    name_id.check_qualifier(group, entity_id="urn:sp", affiliation="urn:group")
    name_id.check_qualifier(NameIDPolicy(), entity_id="urn:sp", affiliation="urn:group")
    for affiliation in ("", "urn:another"):
        with pytest.raises(errors.InvalidNameIDPolicy):
            name_id.check_qualifier(group, entity_id="urn:sp", affiliation=affiliation)


@pytest.mark.standard("SAML Core", "8.3.8", "transient identifiers are new each time")
def test_transient_is_new_each_time() -> None:
    one, two = (name_id.transient(issuer="urn:idp", audience="urn:sp") for _ in range(2))
    assert one.value != two.value
    assert one.format == vocabulary.TRANSIENT
    again = name_id.transient(one.value, issuer="urn:idp", audience="urn:sp")
    assert again == one


@pytest.mark.standard("SAML Core", "8.3.7", "persistent identifiers are qualified")
def test_persistent_is_qualified() -> None:
    root = xml.new("saml:Subject")
    name_id.add(root, name_id.persistent("4f3a", issuer="urn:idp", audience="urn:sp"))
    assert dict(root[0].attrib) == {
        "Format": vocabulary.PERSISTENT,
        "NameQualifier": "urn:idp",
        "SPNameQualifier": "urn:sp",
    }
    assert root[0].text == "4f3a"


def test_no_empty_qualifiers() -> None:
    root = xml.new("saml:Subject")
    name_id.add(root, NameID("alice@example.org", vocabulary.EMAIL_ADDRESS))
    assert dict(root[0].attrib) == {"Format": vocabulary.EMAIL_ADDRESS}


@pytest.mark.parametrize("value", ["", "x" * 257, "a\0b"])
def test_refuses_values_that_are_none(value: str) -> None:
    with pytest.raises(errors.InvalidContent):
        name_id.add(xml.new("saml:Subject"), NameID(value))


def test_reads_what_was_written() -> None:
    root = xml.new("saml:Subject")
    written = name_id.persistent("a<b>&c", issuer="urn:idp", audience="urn:sp")
    name_id.add(root, written)
    assert name_id.read(xml.parse(xml.serialise(root))[0]) == written


ACTUAL = name_id.persistent("4f3a", issuer="urn:idp", audience="urn:sp")


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (NameID("4f3a"), True),
        (ACTUAL, True),
        (NameID("4f3a", vocabulary.PERSISTENT), True),
        (NameID("4F3A"), False),
        (NameID("4f3a "), False),
        (NameID("4f3a", vocabulary.TRANSIENT), False),
        (NameID("4f3a", name_qualifier="urn:other"), False),
        (NameID("4f3a", sp_name_qualifier="urn:other"), False),
        (NameID("4f3a", sp_name_qualifier="urn:sp"), True),
    ],
)
def test_matches_a_requested_subject(wanted: NameID, expected: bool) -> None:
    assert name_id.matches(wanted, ACTUAL) is expected
