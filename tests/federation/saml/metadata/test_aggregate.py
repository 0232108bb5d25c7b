"""Documents of many entities: what is taken, what is refused as a whole."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from federation.saml import errors, signature, vocabulary, xml
from federation.saml.metadata import aggregate, service_provider
from tests.attacks.saml.metadata import ATTACKS
from tests.attacks.saml.service_provider import ServiceProvider
from tests.support.metadata import Federation, in_days, provider
from tests.support.metadata import group as group_of
from tests.support.receiver import Receiver

NOW = datetime.now(UTC)
A, B = provider("a"), provider("b")


def read(document: bytes, **options: Any) -> aggregate.Aggregate:
    return aggregate.read(io.BytesIO(document), now=NOW, **options)


def entity_ids(document: bytes, **options: Any) -> list[str]:
    return [one.entity_id for one in read(document, **options).read()]


def test_yields_every_service_provider() -> None:
    nested = group_of(A.metadata(), group_of(B.metadata()))
    assert entity_ids(nested) == [A.entity_id, B.entity_id]


def test_says_of_a_web_page_that_it_is_one() -> None:
    with pytest.raises(errors.InvalidMetadata, match=r"a web page \(HTML\)"):
        read(b"\n<!DOCTYPE html><html><p>Sign in<br>here</html>")


def test_each_document_stands_alone() -> None:
    marked = A.metadata().replace(b"<md:SPSSO", b"<md:Extensions><x:y/></md:Extensions><md:SPSSO")
    (entity,) = read(group_of(marked, attributes='xmlns:x="urn:x"')).read()
    assert xml.parse(entity.document).tag == vocabulary.name("md:EntityDescriptor")
    assert service_provider.parse(entity.document, now=NOW).entity_id == A.entity_id


def test_one_entity_is_a_document_too() -> None:
    assert entity_ids(A.metadata()) == [A.entity_id]


def test_a_group_that_has_ended_is_passed_over() -> None:
    found = read(group_of(A.metadata(), group_of(B.metadata(), days=-1)))
    assert [one.entity_id for one in found.read()] == [A.entity_id]
    assert found.passed_over == 1


@pytest.mark.parametrize("end", [in_days(-1), "soon"])
def test_an_entity_that_has_ended_is_passed_over(end: str) -> None:
    found = read(group_of(A.metadata(), B.metadata(attributes=f'validUntil="{end}"')))
    assert [one.entity_id for one in found.read()] == [A.entity_id]
    assert found.passed_over == 1


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        ((), [A.entity_id, B.entity_id]),
        ((B.entity_id,), [B.entity_id]),
        (("urn:other", "https://a.*"), [A.entity_id]),
        (("urn:other",), []),
        ((A.entity_id.upper(),), []),
    ],
)
def test_takes_those_whose_entity_ids_fit(patterns: tuple[str, ...], expected: list[str]) -> None:
    assert entity_ids(group_of(A.metadata(), B.metadata()), patterns=patterns) == expected


def test_names_them_as_their_metadata_does() -> None:
    named = (
        f'<md:Extensions><mdui:UIInfo xmlns:mdui="{vocabulary.MDUI}">'
        '<mdui:DisplayName xml:lang="en">The Application</mdui:DisplayName></mdui:UIInfo>'
        "</md:Extensions>"
    ).encode()
    begin, end = A.metadata().split(b"<md:KeyDescriptor", 1)
    document = b"%s%s<md:KeyDescriptor%s" % (begin, named, end)
    found = read(group_of(document, B.metadata())).read()
    assert [one.display_name for one in found] == ["The Application", ""]


def test_an_end_of_a_group_is_its_entities() -> None:
    inner = group_of(B.metadata(attributes=f'validUntil="{in_days(5)}"'), days=3)
    (entity,) = read(group_of(inner, days=9)).read()
    assert entity.valid_until is not None
    assert entity.valid_until < datetime.now(UTC) + timedelta(days=3)


def test_a_useless_entity_does_not_keep_the_others_away() -> None:
    useless = B.metadata(role="<md:NameIDFormat>urn:x</md:NameIDFormat>")
    assert entity_ids(group_of(A.metadata(), useless)) == [A.entity_id, B.entity_id]


OF_THE_ROLE = {
    *("endpoint_url", "no_assertion_consumer_service", "index", "weak_key", "key_type"),
    *("key_use", "certificate", "text", "too_many_keys", "boolean", "several_roles"),
    # An aggregate may be larger, and hold several.
    *("size", "several_entities", "elements", "namespaces"),
}
WHOLE = [name for name, (check, _) in ATTACKS.items() if check not in OF_THE_ROLE]


@pytest.mark.parametrize("name", WHOLE)
def test_refuses_what_a_single_import_refuses(name: str) -> None:
    check, build = ATTACKS[name]
    document = build(ServiceProvider())
    with pytest.raises(errors.InvalidMetadata) as refused:
        read(document)
    assert refused.value.check == check


@pytest.mark.parametrize(
    ("document", "check"),
    [
        (b"<a>" + b"\xff" + b"</a>", "utf8"),
        (b"<a>\xe2\x82", "utf8"),
        (b" " * 7 + b"<a/>" + b"\n" * 300_000 + b"<!DOCTYPE a>", "doctype"),
        (b"<a b='" + b"x" * (xml.CHUNK - 10) + b"'/><!DOCTYPE a>", "doctype"),
        (b'<?xml version="1.0" encoding="latin1"?><a/>', "encoding"),
        (b"<a><b></a>", "well_formed"),
        (b"", "well_formed"),
    ],
    ids=["octet", "cut", "late", "across", "encoding", "open", "empty"],
)
def test_a_file_is_parsed_by_the_same_rules(document: bytes, check: str) -> None:
    with pytest.raises(errors.InvalidMessage) as refused:
        xml.parse_file(io.BytesIO(document), limits=xml.AGGREGATE)
    assert refused.value.check == check


def test_what_lies_across_two_pieces_is_seen() -> None:
    for shift in range(1, len(b"<!DOCTYPE")):
        document = b"<a>" + b" " * (xml.CHUNK - 3 - shift) + b"<!DOCTYPE x></a>"
        with pytest.raises(errors.InvalidMessage) as refused:
            xml.parse_file(io.BytesIO(document), limits=xml.AGGREGATE)
        assert refused.value.check == "doctype", shift


def test_namespaces_are_counted_across_pieces() -> None:
    limits = xml.Limits(10_000_000, 32, 100_000, 4_096, namespaces=2)
    declared = b" " * (xml.CHUNK - 6) + b"<b xmlns:p='urn:p'/>"
    document = b"<a>" + declared + declared + b"</a>"
    assert xml.parse_file(io.BytesIO(document), limits=limits) is not None
    with pytest.raises(errors.InvalidMessage) as refused:
        xml.parse_file(io.BytesIO(b"<a>" + declared * 3 + b"</a>"), limits=limits)
    assert refused.value.check == "namespaces"


def test_tags_are_counted_over_all_pieces() -> None:
    limits = xml.Limits(10_000_000, 32, elements=100, attribute=4_096, namespaces=10)
    some = b"<b/>" * 90 + b" " * xml.CHUNK
    assert len(xml.parse_file(io.BytesIO(b"<a>" + some + b"</a>"), limits=limits)) == 90
    flood = b"<a>" + some * 5 + b"<never closed"
    with pytest.raises(errors.InvalidMessage) as refused:
        xml.parse_file(io.BytesIO(flood), limits=limits)
    assert refused.value.check == "elements"


def test_the_size_is_counted_over_all_pieces() -> None:
    limits = xml.Limits(2 * xml.CHUNK, 32, 100, 4_096, 10)
    document = b"<a>" + b" " * (2 * xml.CHUNK) + b"</a>"
    with pytest.raises(errors.MessageTooLarge):
        xml.parse_file(io.BytesIO(document), limits=limits)


def test_a_byte_order_mark_is_dropped() -> None:
    assert xml.parse_file(io.BytesIO(b"\xef\xbb\xbf<a/>"), limits=xml.AGGREGATE).tag == "a"


# --- Signatures moved to where something else is read (XML signature wrapping) --------------------

FEDERATION = Federation(Receiver())
EVIL = ServiceProvider(entity_id=A.entity_id, acs_url="https://evil.example/acs")
KEYS = [signature.verification_key(FEDERATION.certificate)]


def parts(document: bytes) -> tuple[bytes, bytes, bytes]:
    """The opening tag, the signature, the rest."""
    begin, end = document.index(b"<ds:Signature"), document.index(b"</ds:Signature>") + 15
    return document[:begin], document[begin:end], document[end:]


def inside_extensions(signed: bytes) -> bytes:
    extensions = b"<md:Extensions>" + signed + b"</md:Extensions>"
    return group_of(extensions, EVIL.metadata())


def signature_copied(signed: bytes) -> bytes:
    """The evil root carries the signature, the signed element sits further down."""
    _, one, _ = parts(signed)
    return group_of(one, b"<md:Extensions>" + signed + b"</md:Extensions>", EVIL.metadata())


def signature_moved(signed: bytes) -> bytes:
    opening, one, rest = parts(signed)
    return group_of(one, opening + rest, EVIL.metadata())


def evil_beside(signed: bytes) -> bytes:
    return signed.replace(
        b"</md:EntitiesDescriptor>", EVIL.metadata() + b"</md:EntitiesDescriptor>"
    )


def evil_in_object(signed: bytes) -> bytes:
    inside = b"<ds:Object>" + EVIL.metadata() + b"</ds:Object></ds:Signature>"
    return signed.replace(b"</ds:Signature>", inside)


def two_signatures(signed: bytes) -> bytes:
    opening, one, rest = parts(signed)
    return opening + one + one + rest


def same_id(signed: bytes) -> bytes:
    """The evil root has the ID that the signature names."""
    identifier = signed.partition(b' ID="')[2].partition(b'"')[0]
    _, one, _ = parts(signed)
    return group_of(one, EVIL.metadata()).replace(
        b"<md:EntitiesDescriptor", b'<md:EntitiesDescriptor Id="' + identifier + b'"', 1
    )


WRAPPINGS = (
    *(inside_extensions, signature_copied, signature_moved, evil_beside),
    *(evil_in_object, two_signatures, same_id),
)


@pytest.mark.parametrize("wrap", WRAPPINGS, ids=lambda wrap: wrap.__name__)
def test_a_wrapped_signature_is_refused(wrap: Any) -> None:
    signed = FEDERATION.sign(group_of(A.metadata()))
    assert entity_ids(signed, signing_keys=KEYS) == [A.entity_id]
    with pytest.raises(errors.InvalidMetadata):
        read(wrap(signed), signing_keys=KEYS)
