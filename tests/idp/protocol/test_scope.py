"""Scope syntax and arithmetic."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol import scope
from idp.protocol.errors import InvalidScope


@pytest.mark.standard("RFC 6749", "3.3", "scopes are separated by spaces, order kept")
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, ()),
        ("", ()),
        ("openid", ("openid",)),
        ("openid profile openid", ("openid", "profile")),
        ("b a  c ", ("b", "a", "c")),
        ("https://api.example.org/read!~", ("https://api.example.org/read!~",)),
    ],
)
def test_parse(value: str | None, expected: tuple[str, ...]) -> None:
    assert scope.parse(value) == expected


@pytest.mark.standard("RFC 6749", "A.4", "characters of a scope token")
@pytest.mark.parametrize(
    "value", ['a"b', "a\\b", "a\tb", "a\nb", "é", "a\x7f", "a\x00", "a\u3000b"]
)
def test_refuses_other_characters(value: str) -> None:
    with pytest.raises(InvalidScope):
        scope.parse(value)


def test_is_bounded() -> None:
    with pytest.raises(InvalidScope, match="100"):
        scope.parse(" ".join(f"s{n}" for n in range(101)))
    with pytest.raises(InvalidScope, match="long"):
        scope.parse("a" * 4001)


@given(st.text())
def test_nothing_but_invalid_scope_escapes(value: str) -> None:
    try:
        found = scope.parse(value)
    except InvalidScope:
        return
    assert all(scope.is_token(one) for one in found)
    assert scope.parse(scope.join(found)) == found


def test_within() -> None:
    assert scope.within(("c", "a", "x"), {"a", "b", "c"}) == ("c", "a")


@pytest.mark.standard("RFC 6749", "6", "a refresh never widens the scope")
def test_narrowed() -> None:
    assert scope.narrowed((), ("a", "b")) == ("a", "b")
    assert scope.narrowed(("b",), ("a", "b")) == ("b",)
    with pytest.raises(InvalidScope, match="c was not granted"):
        scope.narrowed(("b", "c"), ("a", "b"))
