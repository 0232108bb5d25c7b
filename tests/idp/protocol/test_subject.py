"""Subject identifiers of people and of clients."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest

from idp.protocol import subject

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
