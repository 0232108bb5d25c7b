"""Wildcard patterns, held against Python's own (which is built on regular expressions)."""

from __future__ import annotations

import fnmatch
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.claims import glob


@given(st.text("ab*?", max_size=8), st.text("ab", max_size=10))
def test_agrees_with_fnmatch(pattern: str, text: str) -> None:
    assert glob.matches(text, pattern) == fnmatch.fnmatchcase(text, pattern)


@pytest.mark.parametrize(
    ("text", "pattern", "fits"),
    [
        ("app-admin", "app-*", True),
        ("app-", "app-*", True),
        ("xapp-admin", "app-*", False),
        ("a", "?", True),
        ("", "?", False),
        ("", "*", True),
        ("aa", "a*a", True),
        ("a", "a*a", False),
        ("App", "app", False),
        ("[ab]", "[ab]", True),
        ("a", "[ab]", False),
        ("äöü", "?ö?", True),
        ("line\nbreak", "line*break", True),
    ],
)
def test_matches(text: str, pattern: str, fits: bool) -> None:
    assert glob.matches(text, pattern) is fits


def test_the_worst_pattern_takes_no_time_to_speak_of() -> None:
    text = "a" * 65_000
    pattern = "*".join(["a?" * 1 + "a" * 20] * 8) + "b"
    started = time.process_time()
    assert not glob.matches(text, pattern)
    assert not glob.matches(text, "*" + "a" * 180 + "?" * 8 + "b*")
    assert time.process_time() - started < 5
