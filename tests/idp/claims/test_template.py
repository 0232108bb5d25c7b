"""The template transform: replaces names, and nothing else."""

from __future__ import annotations

import contextlib
import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.claims import template, values
from idp.claims.errors import MappingError
from idp.claims.facts import Facts


def fill(text: str, facts: Facts, value: values.JSON = None) -> str | None:
    return template.fill(template.parse(text), value=value, facts=facts)


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("{given_name} {family_name}", "Alice Example"),
        ("{email}", "alice@example.org"),
        ("{value}!", "V!"),
        ("{attribute.department}/{attribute.level}", "R&D/3"),
        ("{address.country}", "DE"),
        ("{email_verified}", "true"),
        ("plain", "plain"),
        ("%s $name %(name)s", "%s $name %(name)s"),
    ],
)
def test_fills(text: str, filled: str, facts: Facts) -> None:
    assert fill(text, facts, "V") == filled


@pytest.mark.parametrize(
    "text",
    [
        "{value.__class__}",
        "{name.__init__.__globals__}",
        "{0}",
        "{}",
        "{name!r}",
        "{name:>9}",
        "{attributes}",
        "{attribute.}",
        "{groups}",
        "{password}",
        "{person}",
        "{{name}}",
        "{name",
        "name}",
        "{na{me}}",
    ],
)
def test_refuses_anything_but_known_names(text: str) -> None:
    with pytest.raises(MappingError):
        template.parse(text)


def test_suggests_the_nearest_name() -> None:
    with pytest.raises(MappingError) as caught:
        template.parse("{givenname}")
    assert caught.value.suggestion == "given_name"


def test_a_custom_attribute_is_a_key_never_a_path(facts: Facts) -> None:
    assert fill("{attribute.object.a}", facts) is None
    assert fill("{attribute.__class__}", facts) is None


def test_what_a_value_contains_is_not_looked_at_again(facts: Facts) -> None:
    assert facts.person is not None
    sly = dataclasses.replace(facts.person, name="{email} {value.__class__}")
    assert fill("{name}", Facts(sly, facts.application)) == "{email} {value.__class__}"


@pytest.mark.parametrize("name", ["{attribute.missing}", "{attribute.nothing}", "{value}"])
def test_gives_nothing_rather_than_half_a_text(name: str, facts: Facts) -> None:
    assert fill("before " + name + " after", facts) is None


def test_without_a_person_there_is_nothing_to_fill_in(facts: Facts) -> None:
    assert fill("{name}", Facts(None, facts.application)) is None


@pytest.mark.parametrize("name", ["{attribute.teams}", "{attribute.object}", "{address}"])
def test_refuses_lists_and_objects(name: str, facts: Facts) -> None:
    with pytest.raises(MappingError, match="one text"):
        fill(name, facts)


def test_output_is_capped(facts: Facts) -> None:
    with pytest.raises(MappingError, match="more than"):
        fill("{value}{value}", facts, "x" * (values.MAX_TEXT // 2 + 1))


@pytest.mark.parametrize(
    "text", ["", None, 7, ["{name}"], "x" * 1001, "{name}" * 21, "nul\x00", "\ud800"]
)
def test_refuses_what_is_no_template(text: object) -> None:
    with pytest.raises(MappingError):
        template.parse(text)


@given(st.text("{}.anmev_ \x00!:", max_size=30) | st.text())
def test_never_raises_anything_else(text: str) -> None:
    with contextlib.suppress(MappingError):
        template.parse(text)


def test_knows_what_it_reads() -> None:
    made = template.parse("{value} {name} {attribute.department}")
    assert made.uses_value
    assert made.names("user") == ("name",)
    assert made.names("attribute") == ("department",)
