"""Transforms as text: read, written back, and refused at the right column."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from idp.admin import transform_text
from idp.admin.transform_text import TransformTextError
from idp.claims.errors import MappingError


def read(text: str) -> list[dict[str, Any]]:
    return [step.as_json() for step in transform_text.parse(text)]


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("", []),
        ("   ", []),
        ("lower", [{"name": "lower"}]),
        (
            "lower | split , | first",
            [{"name": "lower"}, {"name": "split", "arg": ","}, {"name": "first"}],
        ),
        ("split ,|first", [{"name": "split", "arg": ","}, {"name": "first"}]),
        ('split "|" | first', [{"name": "split", "arg": "|"}, {"name": "first"}]),
        ('split " "', [{"name": "split", "arg": " "}]),
        ("limit 3", [{"name": "limit", "arg": 3}]),
        ("default true", [{"name": "default", "arg": True}]),
        ('default "true"', [{"name": "default", "arg": "true"}]),
        ("default 42", [{"name": "default", "arg": 42}]),
        ('default ["a", "b"]', [{"name": "default", "arg": ["a", "b"]}]),
        ("prefix 42", [{"name": "prefix", "arg": "42"}]),
        (
            "map_table staff=editor, *=reader",
            [{"name": "map_table", "arg": {"staff": "editor", "*": "reader"}}],
        ),
        (
            'map_table {"a=b": ["x", "y"]} | unique',
            [{"name": "map_table", "arg": {"a=b": ["x", "y"]}}, {"name": "unique"}],
        ),
        (
            "template {given_name} {family_name} | lower",
            [{"name": "template", "arg": "{given_name} {family_name}"}, {"name": "lower"}],
        ),
        ('template "{a}|{b}"', [{"name": "template", "arg": "{a}|{b}"}]),
    ],
)
def test_reads_what_administrators_type(text: str, stored: list[dict[str, Any]]) -> None:
    assert read(text) == stored
    assert read(transform_text.render(stored)) == stored


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("lower | spilt ,", 9, "Did you mean “split”?"),
        ("| lower", 1, "missing"),
        ("lower |", 8, "missing"),
        ("lower || upper", 8, "missing"),
        ("lowwer", 1, "Did you mean “lower”?"),
        ('default ["a"', 13, "not JSON"),
        ('default {"a": }', 15, "not JSON"),
        ('split "," first', 11, "expected"),
        ("map_table staff", 11, "staff=editor"),
        ("map_table a=b, c", 16, "staff=editor"),
        ("map_table =b", 11, "staff=editor"),
        ("__class__", 1, "There is no transform"),
    ],
)
def test_says_where_and_what_was_probably_meant(text: str, column: int, words: str) -> None:
    with pytest.raises(TransformTextError) as refused:
        transform_text.parse(text)
    assert refused.value.column == column
    assert str(refused.value).startswith(f"Column {column}: ")
    assert words in str(refused.value)


def test_refuses_what_is_too_long_or_too_deep() -> None:
    with pytest.raises(TransformTextError):
        transform_text.parse("lower " * 10_000)
    with pytest.raises(TransformTextError):
        transform_text.parse("default " + "[" * 9_000)


ARGUMENTS = st.one_of(
    st.none(),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40),
    st.integers(0, 10**15),
    st.booleans(),
    st.lists(st.text(max_size=9), min_size=1, max_size=3),
    st.dictionaries(st.text(max_size=9), st.text(max_size=9), min_size=1, max_size=3),
)
STEPS = st.builds(
    lambda name, arg: {"name": name} if arg is None else {"name": name, "arg": arg},
    st.sampled_from(sorted(transform_text.TRANSFORMS)),
    ARGUMENTS,
)


def meaning(stored: list[dict[str, Any]]) -> list[Any]:
    """What the transforms of stored steps work with."""
    return [
        (step["name"], transform_text.TRANSFORMS[step["name"]].prepare(step.get("arg")))
        for step in stored
    ]


@pytest.mark.slow
@given(st.lists(STEPS, max_size=5))
def test_whatever_can_be_stored_reads_back_the_same(stored: list[dict[str, Any]]) -> None:
    try:
        before = meaning(stored)
    except MappingError:
        assume(False)
    assert meaning(read(transform_text.render(stored))) == before


@given(st.text(max_size=200))
def test_whatever_is_typed_is_read_or_refused(text: str) -> None:
    try:
        steps = read(text)
    except TransformTextError as error:
        column, steps = error.column, []
    else:
        column = 1
    assert 1 <= column <= len(text) + 1
    assert read(transform_text.render(steps)) == steps


@pytest.mark.parametrize("stored", [None, "", [], {"odd": 1}, ["odd"], "odd"])
def test_shows_odd_values_somehow(stored: Any) -> None:
    assert isinstance(transform_text.render(stored), str)
