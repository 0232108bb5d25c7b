"""The closed list of transforms: what each takes and gives for texts, lists and nothing."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from idp.claims import values
from idp.claims.errors import MappingError
from idp.claims.facts import Facts
from idp.claims.transforms import MAX_TABLE, TRANSFORMS

CLOSED_LIST = [
    *("lower", "upper", "trim", "default", "first", "join", "split"),
    *("prefix", "strip_prefix", "filter_prefix", "filter_glob", "map_table", "template"),
    *("to_bool", "to_int", "unique", "sort", "limit"),
]

TABLE = {"staff": "editor", "admins": ["admin", "editor"], "n": 1}


def run(name: str, value: Any, facts: Facts, arg: Any = None) -> Any:
    transformer = TRANSFORMS[name]
    return transformer.run(value, transformer.prepare(arg), facts)


def test_the_list_is_closed() -> None:
    assert list(TRANSFORMS) == CLOSED_LIST


@pytest.mark.parametrize(
    ("name", "arg", "value", "result"),
    [
        ("lower", None, "AbC", "abc"),
        ("lower", None, ["A", "b"], ["a", "b"]),
        ("upper", "", "straße", "STRASSE"),
        ("trim", None, " a\t\n", "a"),
        ("default", "x", None, "x"),
        ("default", "x", "", "x"),
        ("default", ["x"], [], ["x"]),
        ("default", "x", {}, "x"),
        ("default", 5, None, 5),
        ("default", False, None, False),
        ("default", "x", False, False),
        ("default", "x", 0, 0),
        ("default", "x", "y", "y"),
        ("first", None, ["a", "b"], "a"),
        ("first", None, [], None),
        ("first", None, "a", "a"),
        ("join", ";", ["a", "b"], "a;b"),
        ("join", None, ["a", 1, True], "a, 1, true"),
        ("join", ";", [], None),
        ("join", ";", "a", "a"),
        ("split", ",", "a,b,,c", ["a", "b", "c"]),
        ("split", ",", "", []),
        ("prefix", "role:", "a", "role:a"),
        ("prefix", "role:", ["a", "b"], ["role:a", "role:b"]),
        ("strip_prefix", "app-", ["app-a", "b", "app-"], ["a", "b", ""]),
        ("strip_prefix", "app-", "app-app-x", "app-x"),
        ("filter_prefix", "app-", ["app-a", "b"], ["app-a"]),
        ("filter_prefix", "app-", "b", None),
        ("filter_prefix", "app-", "app-b", "app-b"),
        ("filter_glob", "a*z", ["az", "abz", "b"], ["az", "abz"]),
        ("filter_glob", "a?", "abc", None),
        ("map_table", TABLE, "staff", "editor"),
        ("map_table", TABLE, "admins", ["admin", "editor"]),
        ("map_table", TABLE, "unknown", None),
        ("map_table", TABLE, ["staff", "unknown", "admins", "n"], ["editor", "admin", "editor", 1]),
        ("map_table", {"*": "user", "root": "admin"}, "anyone", "user"),
        ("map_table", {"*": "user", "root": "admin"}, ["root", "x"], ["admin", "user"]),
        ("template", "<{value}>", "a", "<a>"),
        ("template", "<{value}>", ["a", 1], ["<a>", "<1>"]),
        ("template", "{username}", ["whatever"], "alice"),
        ("template", "{username}", None, "alice"),
        ("template", "{username}", {"an": "object"}, "alice"),
        ("to_bool", None, " Yes ", True),
        ("to_bool", None, "0", False),
        ("to_bool", None, 1, True),
        ("to_bool", None, True, True),
        ("to_bool", None, ["on", "off"], [True, False]),
        ("to_int", None, " -12 ", -12),
        ("to_int", None, 3.0, 3),
        ("to_int", None, 3, 3),
        ("to_int", None, ["1", "2"], [1, 2]),
        ("unique", None, ["b", "a", "b", 1, True, "1"], ["b", "a", 1, True, "1"]),
        ("unique", None, "a", "a"),
        ("sort", None, ["b", "a", "B"], ["B", "a", "b"]),
        ("sort", None, [3, 1.5, 2], [1.5, 2, 3]),
        ("sort", None, [], []),
        ("sort", None, "a", "a"),
        ("limit", 2, ["a", "b", "c"], ["a", "b"]),
        ("limit", "1", ["a", "b"], ["a"]),
        ("limit", 1, "abc", "abc"),
    ],
)
def test_gives(name: str, arg: Any, value: Any, result: Any, facts: Facts) -> None:
    given = run(name, value, facts, arg)
    assert given == result
    assert type(given) is type(result)


ARGUMENTS = {
    "default": "x",
    "split": ",",
    "prefix": "x",
    "strip_prefix": "x",
    "filter_prefix": "x",
    "filter_glob": "x",
    "map_table": {"a": "b"},
    "template": "{value}",
    "limit": 1,
}


@pytest.mark.parametrize("name", [n for n in CLOSED_LIST if n != "default"])
def test_nothing_stays_nothing(name: str, facts: Facts) -> None:
    assert run(name, None, facts, ARGUMENTS.get(name)) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((n, 7) for n in ("lower", "upper", "trim", "prefix", "strip_prefix", "split")),
        *((n, 7) for n in ("filter_prefix", "filter_glob", "map_table")),
        *((n, {"a": 1}) for n in CLOSED_LIST if n not in ("default",)),
        *((n, [["nested"]]) for n in CLOSED_LIST if n not in ("default", "first", "limit")),
        ("split", ["a"]),
        ("sort", ["a", 1]),
        ("sort", [True, False]),
        ("to_bool", "maybe"),
        ("to_bool", 2),
        ("to_int", True),
        ("to_int", "1.5"),
        ("to_int", "٣"),
        ("to_int", "1_000"),
        ("to_int", "9" * 17),
        ("to_int", 1.5),
        ("to_int", "--1"),
        ("to_int", ""),
        ("unique", [None]),
        ("join", [None]),
    ],
)
def test_refuses_values_of_another_type(name: str, value: Any, facts: Facts) -> None:
    with pytest.raises(MappingError):
        run(name, value, facts, ARGUMENTS.get(name))


@pytest.mark.parametrize(
    ("name", "arg"),
    [
        *((n, "x") for n in ("lower", "upper", "trim", "first", "to_bool", "to_int")),
        *((n, "x") for n in ("unique", "sort")),
        *((n, None) for n in ARGUMENTS),
        *((n, "") for n in ARGUMENTS),
        *((n, "x" * 257) for n in ("split", "prefix", "strip_prefix", "filter_prefix", "join")),
        *((n, 7) for n in ("split", "prefix", "join", "map_table", "template", "filter_glob")),
        ("prefix", "\ud800"),
        ("prefix", "\x00"),
        ("default", {"an": "object"}),
        ("default", ["a", None]),
        ("default", "x" * 257),
        ("default", 2**53),
        ("filter_glob", "x" * 201),
        ("filter_glob", "*" * 9),
        ("filter_glob", "?" * 9),
        ("map_table", {}),
        ("map_table", {"a": None}),
        ("map_table", {"a": {"b": 1}}),
        ("map_table", {"a": ["b", ["c"]]}),
        ("map_table", {"x" * 257: "b"}),
        ("map_table", {1: "b"}),
        ("map_table", {str(n): "x" for n in range(MAX_TABLE + 1)}),
        ("limit", 0),
        ("limit", -1),
        ("limit", True),
        ("limit", 1.5),
        ("limit", "many"),
        ("limit", values.MAX_ITEMS + 1),
        ("limit", "9" * 5000),
    ],
)
def test_refuses_arguments_at_save(name: str, arg: Any) -> None:
    with pytest.raises(MappingError):
        TRANSFORMS[name].prepare(arg)


def test_a_table_cannot_multiply_without_bound(facts: Facts) -> None:
    table = {"a": ["x"] * 500}
    with pytest.raises(MappingError, match="more than"):
        run("map_table", ["a"] * 2000, facts, table)


def test_every_transform_has_words_for_a_picker() -> None:
    assert all(one.summary for one in TRANSFORMS.values())


def test_no_transform_changes_what_it_was_given(facts: Facts) -> None:
    for name in CLOSED_LIST:
        value = ["b", "a", "b"]
        with contextlib.suppress(MappingError):
            run(name, value, facts, ARGUMENTS.get(name))
        assert value == ["b", "a", "b"]
