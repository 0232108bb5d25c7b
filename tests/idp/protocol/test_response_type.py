"""Response types: one spelling each, and what they bring."""

from __future__ import annotations

from itertools import permutations

import pytest

from idp.protocol import response_type, vocabulary


@pytest.mark.standard("OAuth Multiple Response Types", "3", "the order of the words means nothing")
@pytest.mark.parametrize("known", vocabulary.RESPONSE_TYPES)
def test_any_order(known: str) -> None:
    for words in permutations(known.split(" ")):
        assert response_type.canonical(" ".join(words)) == known


@pytest.mark.parametrize(
    "value",
    [
        *("", " ", "code ", " code", "code  id_token", "code code", "id_token id_token", "token"),
        *("none", "Code", "code,id_token", "code\tid_token", "code id_token token token", "x code"),
    ],
)
def test_others(value: str) -> None:
    assert response_type.canonical(value) is None


def test_what_they_bring() -> None:
    assert not response_type.brings_tokens("code")
    assert all(map(response_type.brings_tokens, vocabulary.FRONT_CHANNEL_RESPONSE_TYPES))
    assert response_type.words("code id_token") == {"code", "id_token"}
    assert not response_type.brings_tokens("nonsense")
