"""The bounds of claim values."""

from __future__ import annotations

import math

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.claims import values
from idp.claims.errors import MappingError

ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.binary(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=12,
)


@given(ANYTHING)
def test_what_passes_can_always_be_written(value: object) -> None:
    try:
        passed = values.checked(value)
    except MappingError:
        return
    assert orjson.loads(orjson.dumps(passed)) == passed


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ("x" * (values.MAX_TEXT + 1), "longer than"),
        (["x" * values.MAX_TEXT] * 17, "characters in all"),
        (["x"] * (values.MAX_ITEMS + 1), "entries"),
        ([["x"] * 1500, ["x"] * 1500], "entries"),
        ({str(n): 1 for n in range(values.MAX_ITEMS + 1)}, "entries"),
        ([[[[[[["deep"]]]]]]], "nested deeper"),
        ("nul\x00", "NUL"),
        (["\ud800"], "surrogate"),
        ({"\ud800": 1}, "surrogate"),
        (math.nan, "not finite"),
        (math.inf, "not finite"),
        (2**53, "too large"),
        (-(2**53), "too large"),
        ({1: "number as name"}, "not JSON"),
        (b"bytes", "not JSON"),
        ({"a": object()}, "not JSON"),
        ({1, 2}, "not JSON"),
    ],
)
def test_refuses(value: object, complaint: str) -> None:
    with pytest.raises(MappingError, match=complaint):
        values.checked(value)


@pytest.mark.parametrize(
    "value",
    ["", "x" * values.MAX_TEXT, 2**53 - 1, -1.5, True, None, ["a"] * values.MAX_ITEMS, {"a": [{}]}],
)
def test_takes(value: object) -> None:
    assert values.checked(value) == value


def test_copies_what_it_checks() -> None:
    inner = {"a": ["b"]}
    passed = values.checked(inner)
    inner["a"].append("c")
    assert passed == {"a": ["b"]}


def test_refuses_a_value_that_contains_itself() -> None:
    loop: list[object] = []
    loop.append(loop)
    with pytest.raises(MappingError, match="nested deeper"):
        values.checked(loop)


@pytest.mark.parametrize("value", [None, "", [], {}])
def test_empty(value: object) -> None:
    assert values.is_empty(value)


@pytest.mark.parametrize("value", [False, 0, " ", [""], {"a": None}])
def test_not_empty(value: object) -> None:
    assert not values.is_empty(value)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "nothing"),
        (True, "true or false"),
        (1, "a number"),
        ("x", "a text"),
        ([], "a list"),
        ({}, "an object"),
        (b"", "something that is not JSON"),
    ],
)
def test_kinds_in_words(value: object, words: str) -> None:
    assert values.kind(value) == words


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), ("x", "x"), (True, "true"), (False, "false"), (7, "7"), (1.5, "1.5")],
)
def test_as_text(value: object, text: str) -> None:
    assert values.as_text(value) == text  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [[], {}, ["a"]])
def test_only_single_values_become_text(value: object) -> None:
    with pytest.raises(MappingError):
        values.as_text(value)  # type: ignore[arg-type]
