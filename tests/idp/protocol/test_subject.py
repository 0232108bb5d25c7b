"""Subject identifiers of people and of clients."""

from __future__ import annotations

import hmac
import json
from uuid import UUID, uuid4

import pytest

from idp.protocol import subject
from idp.protocol.errors import InvalidClientMetadata

PERSON = UUID("0192f0c1-2345-7abc-8def-0123456789ab")


@pytest.mark.standard("OIDC Core", "2", "sub: at most 255 ASCII characters")
def test_round_trip() -> None:
    sub = subject.of_person(PERSON)
    assert sub == "0192f0c123457abc8def0123456789ab"
    assert subject.person(sub) == PERSON


@pytest.mark.parametrize(
    "sub",
    ["", str(PERSON), PERSON.hex.upper(), PERSON.hex + "\n", PERSON.hex[:-1], "x" * 32, "٣" * 32],
)
def test_only_one_spelling_is_a_person(sub: str) -> None:
    assert subject.person(sub) is None


@pytest.mark.standard("RFC 9700", "4.15", "no client_id looks like a person's sub")
def test_client_id_never_looks_like_a_person() -> None:
    person = uuid4()
    for client_id in (person.hex, str(person), person.hex.upper(), str(person).upper()):
        assert not subject.may_be_client_id(client_id)


@pytest.mark.parametrize("client_id", ["", "a b", "é", "x" * 256, "a\n", "a\x00"])
def test_refuses_malformed_client_ids(client_id: str) -> None:
    assert not subject.may_be_client_id(client_id)


@pytest.mark.parametrize("client_id", ["a", "c_" + "0" * 32, "s6BhdRkqt3", "https://c.example/x"])
def test_accepts_client_ids(client_id: str) -> None:
    assert subject.may_be_client_id(client_id)


# --- pairwise ---

OTHER = UUID("0192f0c1-2345-7abc-8def-0123456789ac")


def mac(data: bytes) -> bytes:
    return hmac.digest(b"secret", data, "sha256")


@pytest.mark.standard("OIDC Core", "8.1", "one sub per person and sector, the same each time")
def test_pairwise() -> None:
    sub = subject.pairwise("client.example.org", PERSON, mac=mac)
    assert sub == subject.pairwise("client.example.org", PERSON, mac=mac)
    others = {
        subject.pairwise("other.example.org", PERSON, mac=mac),
        subject.pairwise("client.example.org", OTHER, mac=mac),
        subject.pairwise("client.example.org", PERSON, mac=lambda data: mac(data + b"x")),
        subject.of_person(PERSON),
    }
    assert len(others) == 4
    assert sub not in others
    assert len(sub) == 64
    assert PERSON.hex not in sub


@pytest.mark.standard("OIDC Core", "8.1", "a pairwise sub leads back to nobody")
def test_pairwise_is_no_public_one() -> None:
    sub = subject.pairwise("client.example.org", PERSON, mac=mac)
    assert subject.person(sub) is None
    assert subject.is_person(sub)
    assert subject.is_person(subject.of_person(PERSON))
    assert not subject.is_person("s6BhdRkqt3")


def test_client_id_never_looks_like_a_pairwise_sub() -> None:
    sub = subject.pairwise("client.example.org", PERSON, mac=mac)
    for client_id in (sub, sub.upper(), "-".join((sub[:8], sub[8:]))):
        assert not subject.may_be_client_id(client_id)


@pytest.mark.parametrize("tag", [b"", b"x" * 16, b"x" * 31, b"x" * 33])
def test_demands_a_whole_mac(tag: bytes) -> None:
    with pytest.raises(ValueError, match="not 32"):
        subject.pairwise("client.example.org", PERSON, mac=lambda _: tag)


@pytest.mark.standard("OIDC Core", "8.1", "the sector is a host")
@pytest.mark.parametrize(
    ("redirect_uris", "sector_identifier_uri", "expected"),
    [
        (["https://a.example/x", "https://A.example:8443/y?z"], "", "a.example"),
        (["https://a.example/x", "https://b.example/y"], "https://C.example/file", "c.example"),
        (["com.example.app:/x"], "https://c.example/file.json", "c.example"),
        ([], "https://c.example/", "c.example"),
    ],
)
def test_sector(redirect_uris: list[str], sector_identifier_uri: str, expected: str) -> None:
    assert subject.sector_of(redirect_uris, sector_identifier_uri) == expected


@pytest.mark.standard("OIDC Core", "8.1", "several hosts need a sector_identifier_uri")
@pytest.mark.parametrize(
    ("redirect_uris", "sector_identifier_uri"),
    [
        ([], ""),
        (["https://a.example/", "https://b.example/"], ""),
        (["https://a.example/", "https://a.example.evil.example/"], ""),
        (["com.example.app:/x"], ""),
        (["http://127.0.0.1/x"], ""),
        (["http://localhost:8000/x"], ""),
        (["https://a.example/"], "http://a.example/"),
        (["https://a.example/"], "https://u@a.example/"),
        (["https://a.example/"], "urn:x:y"),
    ],
)
def test_no_sector(redirect_uris: list[str], sector_identifier_uri: str) -> None:
    with pytest.raises(InvalidClientMetadata, match=r"sector|user name"):
        subject.sector_of(redirect_uris, sector_identifier_uri)


LISTED = ["https://a.example/x", "https://b.example/y"]


@pytest.mark.standard("OIDC Registration", "5", "all redirect URIs are in the sector's document")
def test_sector_document() -> None:
    subject.check_sector(json.dumps([*LISTED, "https://c.example/z"]).encode(), LISTED)
    for document in ([LISTED[0]], [], [*LISTED[:1], LISTED[1] + "/"], [[*LISTED]]):
        with pytest.raises(InvalidClientMetadata, match="does not list"):
            subject.check_sector(json.dumps(document).encode(), LISTED)


@pytest.mark.parametrize(
    "document",
    [b"", b"x", b"{}", b'"x"', b"null", b"\xff", b"[" * 9999, b"[" + b" " * 70_000 + b"]"],
    ids=lambda value: value[:5],
)
def test_refuses_other_sector_documents(document: bytes) -> None:
    with pytest.raises(InvalidClientMetadata, match="gives no JSON"):
        subject.check_sector(document, [])
