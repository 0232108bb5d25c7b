"""Mapping rows: what can be saved, what is said when not, and that applying one fails closed."""

from __future__ import annotations

import contextlib
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idp.claims import facts as sources
from idp.claims import mapping, standard, transforms, values
from idp.claims.errors import MappingError
from idp.claims.facts import ApplicationFacts, Facts
from idp.claims.mapping import Row, Transform, apply, parse_row
from idp.claims.person import Person
from idp.claims.transforms import TRANSFORMS

GOOD = {"claim": "role", "source": "groups", "destinations": ["userinfo"]}


def refused(position: int = 0, **changes: Any) -> MappingError:
    with pytest.raises(MappingError) as caught:
        parse_row({**GOOD, **changes}, position=position)
    return caught.value


# --- Saving ---


def test_reads_a_whole_row() -> None:
    row = parse_row(
        {
            "claim": "roles",
            "source": "attribute",
            "key": "teams",
            "transforms": [{"name": "prefix", "arg": "team:"}, {"name": "upper"}],
            "to_id_token": True,
            "to_userinfo": False,
            "to_access_token": True,
            "to_saml": False,
            "scope": "groups",
            "name_format": "basic",
            "friendly_name": "Roles",
        },
        position=4,
    )
    assert row == Row(
        claim="roles",
        source="attribute",
        key="teams",
        transforms=(Transform("prefix", "team:"), Transform("upper", None)),
        destinations=frozenset({"id_token", "access_token"}),
        scope="groups",
        name_format=mapping.NAME_FORMAT_BASIC,
        friendly_name="Roles",
        position=4,
    )
    assert row.describe_source() == "attribute.teams | prefix | upper"


@pytest.mark.parametrize("claim", [*sorted(standard.RESERVED), "gatehouse_grant"])
@pytest.mark.parametrize("destination", ["id_token", "userinfo", "access_token"])
def test_no_row_sets_what_the_protocol_says(claim: str, destination: str) -> None:
    error = refused(claim=claim, destinations=[destination, "saml"])
    assert error.field == "claim"


@pytest.mark.standard("SAML Core", "2.7.3.1", "an attribute may have any name")
@pytest.mark.parametrize("claim", ["sub", "urn:oid:2.5.4.42", "https://acme.example/Role", "Röle"])
def test_saml_attributes_may_have_any_name(claim: str) -> None:
    assert parse_row({**GOOD, "claim": claim, "destinations": ["saml"]}).claim == claim


@pytest.mark.parametrize(
    "claim", ["", None, "two words", "tab\t", "nul\x00", "x" * 257, "\ud800", 7, "line\n", "\u202e"]
)
def test_refuses_names_that_are_none(claim: Any) -> None:
    assert refused(claim=claim).field == "claim"


@pytest.mark.parametrize(
    ("source", "key", "meant"),
    [
        ("user", "emial", "email"),
        ("user", "givenname", "given_name"),
        ("user", "address.contry", "address.country"),
        ("session", "authtime", "auth_time"),
        ("application", "nam", "name"),
    ],
)
def test_unknown_fields_are_told_with_place_and_the_nearest(
    source: str, key: str, meant: str
) -> None:
    error = refused(position=3, source=source, key=key)
    assert (error.field, error.position, error.suggestion) == ("key", 3, meant)
    assert str(error).startswith("row 3: ")
    assert str(error).endswith(f"Did you mean “{meant}”?")


def test_unknown_transforms_are_told_with_place_and_the_nearest() -> None:
    error = refused(position=2, transforms=[{"name": "lower"}, {"name": "filter_glop", "arg": "x"}])
    assert (error.field, error.position, error.step) == ("transforms", 2, 2)
    assert error.suggestion == "filter_glob"
    assert str(error).startswith("row 2, transform 2: ")


@pytest.mark.parametrize(
    ("source", "meant"), [("users", "user"), ("group", "groups"), ("__class__", ""), (None, "")]
)
def test_unknown_sources(source: Any, meant: str) -> None:
    error = refused(source=source)
    assert (error.field, error.suggestion) == ("source", meant)


@pytest.mark.parametrize(
    ("source", "key"),
    [
        ("groups", "staff"),
        ("user", ""),
        ("attribute", ""),
        ("user", "password"),
        ("user", "__class__"),
        ("user", "attributes"),
        ("attribute", "x" * 251),
        ("constant", "nul\x00"),
        ("constant", 7),
        ("session", "token_hash"),
    ],
)
def test_refuses_keys(source: str, key: Any) -> None:
    assert refused(source=source, key=key).field == "key"


@pytest.mark.parametrize(
    "raw",
    [
        "lower",
        {"name": "lower"},
        [["lower"]],
        ["lower"],
        [{"name": "lower", "arg": "x"}],
        [{"name": "lower", "more": 1}],
        [{"arg": "x"}],
        [{"name": None}],
        [{"name": ["lower"]}],
        [{"name": "__class__"}],
        [{"name": "eval", "arg": "1"}],
        [{"name": "lower"}] * 17,
        7,
    ],
)
def test_refuses_transforms(raw: Any) -> None:
    assert refused(transforms=raw).field == "transforms"


@pytest.mark.parametrize("raw", [None, "", [], ()])
def test_a_row_without_transforms(raw: Any) -> None:
    assert parse_row({**GOOD, "transforms": raw}).transforms == ()


@pytest.mark.parametrize("raw", [[], "userinfo", ["user_info"], [7], 7, {}])
def test_refuses_destinations(raw: Any) -> None:
    assert refused(destinations=raw).field == "destinations"


def test_a_row_that_goes_nowhere_is_refused() -> None:
    with pytest.raises(MappingError, match="tick at least one"):
        parse_row({"claim": "a", "source": "groups", "to_userinfo": False})


@pytest.mark.parametrize("raw", ["two words", 'qu"ote', "back\\slash", "ümlaut", "x" * 101, 7])
@pytest.mark.standard("RFC 6749", "3.3", "the scope of a mapping row is one scope token")
def test_refuses_scopes(raw: Any) -> None:
    assert refused(scope=raw).field == "scope"


@pytest.mark.parametrize(
    ("raw", "full"),
    [
        ("", mapping.NAME_FORMAT_URI),
        (None, mapping.NAME_FORMAT_URI),
        ("uri", mapping.NAME_FORMAT_URI),
        ("basic", mapping.NAME_FORMAT_BASIC),
        ("unspecified", mapping.NAME_FORMAT_UNSPECIFIED),
        (mapping.NAME_FORMAT_BASIC, mapping.NAME_FORMAT_BASIC),
        ("urn:mace:shibboleth:1.0:attributeNamespace:uri",) * 2,
    ],
)
@pytest.mark.standard("SAML Core", "2.7.3.1", "any NameFormat, uri where none is said")
def test_name_formats(raw: Any, full: str) -> None:
    assert parse_row({**GOOD, "name_format": raw}).name_format == full


def test_refuses_name_formats() -> None:
    error = refused(name_format="basik")
    assert (error.field, error.suggestion) == ("name_format", "basic")


def test_knows_what_it_reads() -> None:
    template = [{"name": "template", "arg": "{attribute.a} {attribute.b} {name}"}]
    constant = parse_row({**GOOD, "source": "constant", "key": "x"})
    filled = parse_row({**GOOD, "source": "constant", "key": "x", "transforms": template})
    direct = parse_row({**GOOD, "source": "attribute", "key": "c", "transforms": template})
    assert (constant.reads_person, filled.reads_person, direct.reads_person) == (False, True, True)
    assert (filled.attributes, direct.attributes) == (("a", "b"), ("c", "a", "b"))
    assert constant.describe_source() == "constant"


def test_every_source_has_keys_or_takes_any() -> None:
    assert {source for source in sources.SOURCES if sources.keys(source) is None} == {
        "attribute",
        "constant",
    }
    assert sources.keys("groups") == ()


def test_remarks_on_attributes_that_nobody_has() -> None:
    template = [{"name": "template", "arg": "{attribute.departmnt}"}]
    row = parse_row(
        {**GOOD, "source": "attribute", "key": "teams", "transforms": template}, position=2
    )
    assert mapping.remarks(row, attributes=["department", "teams"]) == (
        "row 2: There is no person yet with the attribute “departmnt”. Did you mean “department”?",
    )
    assert mapping.remarks(row, attributes=["departmnt", "teams"]) == ()


def _stored(**changes: Any) -> SimpleNamespace:
    return SimpleNamespace(
        **{
            "position": 10,
            "claim": "role",
            "source": "groups",
            "key": "",
            "transforms": [],
            "to_id_token": False,
            "to_userinfo": True,
            "to_access_token": False,
            "to_saml": False,
            "scope": "",
            "name_format": "",
            "friendly_name": "",
            **changes,
        }
    )


def test_reads_saved_rows_numbered_as_the_form_shows_them() -> None:
    first, second = mapping.stored_rows([_stored(position=7), _stored(position=9, claim="b")])
    assert (first.position, second.position) == (1, 2)
    assert first.destinations == {"userinfo"}


def test_a_saved_row_that_is_no_longer_valid_denies(facts: Facts) -> None:
    row = mapping.stored_row(_stored(transforms=[{"name": "gone"}]), position=1)
    assert (row.claim, row.destinations) == ("role", {"userinfo"})
    with pytest.raises(MappingError, match=r"row 1: There is no transform “gone”"):
        apply(row, facts)


# --- Applying ---


@pytest.mark.parametrize(
    ("source", "key", "value"),
    [
        ("user", "email", "alice@example.org"),
        ("user", "email_verified", True),
        ("user", "id", "0198" + "a" * 28),
        ("user", "display_name", "Alice Example"),
        ("user", "address.country", "DE"),
        ("user", "address.region", None),
        ("user", "updated_at", 1_700_000_000),
        ("attribute", "department", "R&D"),
        ("attribute", "teams", ["blue", "red"]),
        ("attribute", "object", {"a": {"b": 1}}),
        ("attribute", "missing", None),
        ("groups", "", ["staff", "users"]),
        ("session", "acr", "pwd"),
        ("session", "amr", ["pwd"]),
        ("session", "auth_time", 1_700_000_100),
        ("application", "name", "Acme Reports"),
        ("constant", "gold", "gold"),
    ],
)
def test_sources(source: str, key: str, value: Any, facts: Facts) -> None:
    assert apply(parse_row({**GOOD, "source": source, "key": key}), facts) == value


@pytest.mark.parametrize(
    ("source", "key"), [("user", "email"), ("attribute", "x"), ("groups", ""), ("session", "acr")]
)
def test_a_machine_has_neither_person_nor_session(
    source: str, key: str, application: ApplicationFacts
) -> None:
    row = parse_row({**GOOD, "source": source, "key": key})
    assert apply(row, Facts(None, application)) is None


def test_transforms_run_in_order(facts: Facts) -> None:
    steps = [
        {"name": "filter_prefix", "arg": "st"},
        {"name": "map_table", "arg": {"staff": "Editor"}},
        {"name": "first"},
        {"name": "lower"},
        {"name": "template", "arg": "{value}@{attribute.department}"},
    ]
    assert apply(parse_row({**GOOD, "transforms": steps}), facts) == "editor@R&D"


def test_a_failing_transform_names_its_place(facts: Facts) -> None:
    row = parse_row({**GOOD, "transforms": [{"name": "lower"}, {"name": "to_int"}]}, position=5)
    with pytest.raises(MappingError) as caught:
        apply(row, facts)
    assert (caught.value.position, caught.value.step) == (5, 2)
    assert "staff" not in str(caught.value)


@pytest.mark.parametrize(
    "error", [RuntimeError, ZeroDivisionError, RecursionError, UnicodeError, MemoryError, KeyError]
)
def test_an_unexpected_failure_denies(
    error: type[Exception], facts: Facts, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise error("secret detail")

    broken = TRANSFORMS["lower"]._replace(run=fail)
    monkeypatch.setattr(mapping, "TRANSFORMS", {**TRANSFORMS, "lower": broken})
    row = parse_row({**GOOD, "transforms": [{"name": "lower"}]}, position=1)
    with pytest.raises(MappingError, match="row 1, transform 1: It failed unexpectedly"):
        apply(row, facts)


def test_every_step_is_capped(alice: Person, application: ApplicationFacts) -> None:
    long = Person(id="1", username="u", attributes={"x": "ﬃ" * values.MAX_TEXT})
    row = parse_row({**GOOD, "source": "attribute", "key": "x", "transforms": [{"name": "upper"}]})
    with pytest.raises(MappingError, match="longer than"):
        apply(row, Facts(long, application))


# --- Hostile rows and values ---

NAMES = st.sampled_from([*TRANSFORMS, "eval", "__class__", ""]) | st.text(max_size=5)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters())
WILD = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)
LIKELY_ARGUMENTS = st.sampled_from(
    ["{value}", "{name}{value}", "{attribute.x}", ",", "*a?", 1, "2", {"a": "b", "*": ["c"]}]
)
STEPS = st.lists(
    st.fixed_dictionaries({"name": NAMES}, optional={"arg": LIKELY_ARGUMENTS | WILD}), max_size=4
)
ROWS = st.fixed_dictionaries(
    {
        "claim": st.sampled_from(["role", "email", "sub"]) | WILD,
        "source": st.sampled_from([*sources.SOURCES, "constant", "attribute"]) | WILD,
        "key": st.sampled_from(["", "x", "email", "acr"]) | WILD,
        "transforms": STEPS | WILD,
        "destinations": st.lists(st.sampled_from(mapping.DESTINATIONS), min_size=1) | WILD,
    },
    optional={"scope": WILD, "name_format": WILD, "friendly_name": WILD},
)


@given(ROWS)
def test_parsing_hostile_rows_raises_nothing_else(raw: dict[str, Any]) -> None:
    problem: MappingError | None = None
    row: Row | None = None
    try:
        row = parse_row(raw, position=1)
    except MappingError as error:
        problem = error
    if row is not None:
        assert row.claim not in standard.RESERVED or row.destinations == {"saml"}
    else:
        assert problem is not None
        assert (problem.position, bool(problem.field)) == (1, True)


LIVELY_STEPS = st.lists(
    st.sampled_from(
        [
            *({"name": n} for n in ("lower", "upper", "trim", "first", "join", "unique", "sort")),
            *({"name": n} for n in ("to_bool", "to_int")),
            {"name": "split", "arg": "a"},
            {"name": "prefix", "arg": "p" * 256},
            {"name": "strip_prefix", "arg": "a"},
            {"name": "filter_prefix", "arg": "a"},
            {"name": "filter_glob", "arg": "*a?"},
            {"name": "map_table", "arg": {"a": ["b"] * 400, "*": "c"}},
            {"name": "template", "arg": "{value}{value}"},
            {"name": "template", "arg": "{attribute.x}{name}"},
            {"name": "limit", "arg": 3},
            {"name": "default", "arg": ["a"] * 300},
        ]
    ),
    max_size=16,
)


@settings(max_examples=300)
@given(value=WILD, steps=LIVELY_STEPS)
def test_applying_to_hostile_values_gives_bounded_json_or_mapping_error(
    value: Any, steps: list[dict[str, Any]], application: ApplicationFacts
) -> None:
    person = Person(id="1", username="u", name=str(value)[:50], attributes={"x": value})
    row = parse_row({**GOOD, "source": "attribute", "key": "x", "transforms": steps})
    try:
        made = apply(row, Facts(person, application))
    except MappingError:
        return
    assert values.checked(made) == made


@given(name=NAMES, arg=WILD, value=WILD)
def test_unprepared_rows_deny_rather_than_burst(
    name: str, arg: Any, value: Any, application: ApplicationFacts
) -> None:
    row = Row(claim="a", source="attribute", key="x", transforms=(Transform(name, arg),))
    with contextlib.suppress(MappingError):
        apply(row, Facts(Person(id="1", username="u", attributes={"x": value}), application))


def test_preparing_is_what_runs() -> None:
    row = parse_row({**GOOD, "transforms": [{"name": "limit", "arg": "3"}]})
    assert row.transforms == (Transform("limit", 3),)
    assert transforms.TRANSFORMS["limit"].prepare("3") == 3
