"""Identifiers of rows, made without `uuid.UUID` finding out what it was given."""

from __future__ import annotations

import copy
import uuid

import pytest

from idp.models import identifiers

RAW = ("00" * 16, "ff" * 16, "0193a0b1c2d37e4f8a5b6c7d8e9f0a1b")


@pytest.mark.parametrize("raw", RAW)
def test_is_what_uuid_itself_makes(raw: str) -> None:
    made = identifiers.from_bytes(bytes.fromhex(raw))
    expected = uuid.UUID(raw)
    for look in (str, repr, hash, copy.copy, copy.deepcopy):
        assert look(made) == look(expected)
    assert identifiers.from_db_id(raw) == expected
    assert (made, made.bytes, made.is_safe) == (expected, expected.bytes, expected.is_safe)


def test_a_new_one_is_of_version_7() -> None:
    made = identifiers.new_id()
    assert (made.version, made.variant) == (7, uuid.RFC_4122)


def test_many_at_once_are_all_different_and_of_this_moment() -> None:
    before = identifiers.new_id()
    made = identifiers.new_ids(1000)
    assert len(set(made)) == len(made)
    assert all((one.version, one.variant) == (7, uuid.RFC_4122) for one in made)
    assert {one.int >> 80 for one in made} == {made[0].int >> 80}
    assert made[0].int >> 80 >= before.int >> 80
    assert made == sorted(made), "rows written together stay in order"
    assert identifiers.new_ids(0) == []
