"""Which claims go out, and why."""

from __future__ import annotations

import dataclasses
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.claims import mapping, standard
from idp.claims.facts import ApplicationFacts, SessionFacts
from idp.claims.mapping import Row, parse_row
from idp.claims.person import Person
from idp.claims.release import Release, needs_person, release, requested_beyond_scopes
from idp.protocol import claims_request as claims_parameter
from idp.protocol.claims_request import ClaimsRequest

ALL = ("openid", "profile", "email", "address", "phone", "groups")
OIDC_TARGETS = ("id_token", "userinfo", "access_token")


def asked(**members: Any) -> ClaimsRequest:
    return claims_parameter.parse(orjson.dumps(members).decode())


def mapped(claim: str, source: str = "constant", key: str = "x", **more: Any) -> Row:
    to = more.pop("to", ["id_token", "userinfo"])
    raw = {"claim": claim, "source": source, "key": key, "destinations": to, **more}
    return parse_row(raw, position=1)


def why(released: Release, claim: str) -> str:
    (reason,) = [one for one in released.reasons if one.claim == claim]
    assert reason.released == (claim in released.claims)
    return reason.because


# --- Scopes ---


@pytest.mark.standard("OIDC Core", "5.4", "scope claims are given at UserInfo")
def test_scope_claims_at_userinfo(alice: Person, application: ApplicationFacts) -> None:
    made = release(alice, application=application, target="userinfo", scopes=ALL)
    assert set(made.claims) == set(standard.CLAIMS)
    assert made.claims["name"] == "Alice Example"
    assert made.claims["groups"] == ["staff", "users"]


@pytest.mark.parametrize("scope", standard.SCOPE_CLAIMS)
@pytest.mark.standard("OIDC Core", "5.4", "each scope gives its claims and no others")
def test_each_scope_gives_its_own(scope: str, alice: Person, application: ApplicationFacts) -> None:
    made = release(alice, application=application, target="userinfo", scopes=("openid", scope))
    assert tuple(made.claims) == standard.SCOPE_CLAIMS[scope]


@pytest.mark.standard("OIDC Core", "5.4", "openid alone gives no claims of the profile")
def test_openid_alone_says_nothing(alice: Person, application: ApplicationFacts) -> None:
    made = release(alice, application=application, target="userinfo", scopes=("openid",))
    assert made.claims == {}
    assert why(made, "email") == "the scope email was not granted"


@pytest.mark.standard("OIDC Core", "5.4", "no scope claims in the ID token beside an access token")
def test_not_in_the_id_token(alice: Person, application: ApplicationFacts) -> None:
    made = release(alice, application=application, target="id_token", scopes=ALL)
    assert made.claims == {}
    assert "go to UserInfo" in why(made, "email")


def test_in_the_id_token_where_the_application_wants_them(
    alice: Person, application: ApplicationFacts
) -> None:
    wants = dataclasses.replace(application, id_token_scope_claims=True)
    made = release(alice, application=wants, target="id_token", scopes=("openid", "email"))
    assert made.claims == {"email": "alice@example.org", "email_verified": True}


@pytest.mark.standard("RFC 9068", "2.2", "no profile in the access token")
def test_never_in_the_access_token(alice: Person, application: ApplicationFacts) -> None:
    wants = dataclasses.replace(application, id_token_scope_claims=True)
    request = asked(id_token={"name": None}, userinfo={"name": None})
    made = release(
        alice, application=wants, target="access_token", scopes=ALL, claims_request=request
    )
    assert made.claims == {}
    assert "only mapping rows" in why(made, "email")


@pytest.mark.standard("OIDC Core", "5.1", "the JSON types of the standard claims")
def test_types(alice: Person, application: ApplicationFacts) -> None:
    claims = release(alice, application=application, target="userinfo", scopes=ALL).claims
    for claim, value in claims.items():
        assert standard.wrong_type(claim, value) == ""
    assert claims["email_verified"] is True
    assert claims["phone_number_verified"] is False
    assert claims["updated_at"] == 1_700_000_000
    assert claims["address"] == dict(alice.address)


@pytest.mark.standard("OIDC Core", "5.3.2", "empty members are left out")
def test_empty_members_are_left_out(application: ApplicationFacts) -> None:
    bare = Person(id="1", username="bob", preferred_username="bob")
    made = release(bare, application=application, target="userinfo", scopes=ALL)
    assert made.claims == {"preferred_username": "bob"}
    assert why(made, "email_verified") == "nothing is recorded for this person"


def test_a_machine_has_no_claims(application: ApplicationFacts) -> None:
    assert release(None, application=application, target="userinfo", scopes=ALL).claims == {}


def test_what_is_handed_out_does_not_change_the_person(
    alice: Person, application: ApplicationFacts
) -> None:
    claims = release(alice, application=application, target="userinfo", scopes=ALL).claims
    claims["groups"].append("admins")  # type: ignore[union-attr]
    claims["address"]["country"] = "US"  # type: ignore[index,call-overload]
    assert alice.groups == ("staff", "users")
    assert alice.address["country"] == "DE"


# --- The claims parameter ---


@pytest.mark.standard("OIDC Core", "5.5", "claims requested by name, at UserInfo and in ID token")
@pytest.mark.parametrize("target", ["id_token", "userinfo"])
def test_requested_by_name(target: str, alice: Person, application: ApplicationFacts) -> None:
    request = asked(**{target: {"name": {"essential": True}, "email": None}})
    made = release(
        alice, application=application, target=target, scopes=("openid",), claims_request=request
    )
    assert made.claims == {"name": "Alice Example", "email": "alice@example.org"}
    assert why(made, "name") == "it was requested by name"
    other = "userinfo" if target == "id_token" else "id_token"
    assert not release(
        alice, application=application, target=other, scopes=("openid",), claims_request=request
    ).claims


@pytest.mark.standard("OIDC Core", "5.5", "no claim whose scope the client may not ask for")
def test_requested_outside_of_what_the_application_may_ask_for(
    alice: Person, application: ApplicationFacts
) -> None:
    narrow = dataclasses.replace(application, scopes=frozenset({"openid", "profile"}))
    made = release(
        alice,
        application=narrow,
        target="userinfo",
        scopes=("openid",),
        claims_request=asked(userinfo={"email": None, "nickname": None}),
    )
    assert made.claims == {"nickname": "Ali"}
    assert "may not ask for email" in why(made, "email")


@pytest.mark.standard("OIDC Core", "5.5", "claims that are not understood are ignored")
@pytest.mark.parametrize("name", ["unknown", "sub", "acr", "iss", "__class__", "attributes", ""])
def test_unknown_and_reserved_requests_are_ignored(
    name: str, alice: Person, application: ApplicationFacts
) -> None:
    for target in ("id_token", "userinfo"):
        request = asked(**{target: {name: {"essential": True}}})
        made = release(
            alice, application=application, target=target, scopes=ALL, claims_request=request
        )
        assert name not in made.claims


@pytest.mark.standard("OIDC Core", "5.5.1", "value and values")
@pytest.mark.parametrize(
    ("requirement", "given_out"),
    [
        ({"value": "alice@example.org"}, True),
        ({"value": "mallory@example.org"}, False),
        ({"values": ["x", "alice@example.org"]}, True),
        ({"values": ["x", "y"]}, False),
        ({"values": []}, True),
        ({"essential": True}, True),
    ],
)
def test_requested_values(
    requirement: dict[str, Any],
    given_out: bool,
    alice: Person,
    application: ApplicationFacts,
) -> None:
    request = asked(userinfo={"email": requirement})
    made = release(
        alice, application=application, target="userinfo", scopes=(), claims_request=request
    )
    assert ("email" in made.claims) is given_out
    granted = release(
        alice, application=application, target="userinfo", scopes=("email",), claims_request=request
    )
    assert granted.claims["email"] == "alice@example.org"


def test_requested_but_empty(application: ApplicationFacts) -> None:
    made = release(
        Person(id="1", username="bob"),
        application=application,
        target="id_token",
        claims_request=asked(
            id_token={"name": {"essential": True}, "email_verified": None, "groups": None}
        ),
    )
    assert made.claims == {}
    assert why(made, "name") == "nothing is recorded for this person"


@pytest.mark.standard("OIDC Core", "5.5", "what consent must list beside scopes")
def test_requested_beyond_scopes(application: ApplicationFacts) -> None:
    request = asked(
        userinfo={"email": None, "name": None, "sub": None}, id_token={"name": None, "odd": None}
    )
    assert requested_beyond_scopes(
        request, scopes=("openid", "email"), application=application
    ) == ("name",)
    assert requested_beyond_scopes(None, scopes=(), application=application) == ()


# --- Mapping rows ---


@pytest.mark.parametrize("target", OIDC_TARGETS)
def test_rows_go_where_they_are_ticked(
    target: str, alice: Person, application: ApplicationFacts
) -> None:
    rows = [mapped(f"to_{one}", to=[one]) for one in OIDC_TARGETS]
    made = release(alice, application=application, target=target, rows=rows)
    assert made.claims == {f"to_{target}": "x"}
    assert why(made, f"to_{target}") == "mapping row 1"


def test_a_row_takes_the_place_of_the_built_in(
    alice: Person, application: ApplicationFacts
) -> None:
    rows = [mapped("name", key="Somebody")]
    made = release(alice, application=application, target="userinfo", scopes=ALL, rows=rows)
    assert made.claims["name"] == "Somebody"


def test_a_row_that_does_not_go_here_still_takes_its_claim_over(
    alice: Person, application: ApplicationFacts
) -> None:
    """A filtered list in the ID token must not stand beside the whole list at UserInfo."""
    rows = [
        mapped(
            "groups",
            "groups",
            "",
            to=["id_token"],
            transforms=[{"name": "filter_prefix", "arg": "st"}],
        )
    ]
    request = asked(userinfo={"groups": None})
    made = release(
        alice,
        application=application,
        target="userinfo",
        scopes=ALL,
        rows=rows,
        claims_request=request,
    )
    assert "groups" not in made.claims
    assert why(made, "groups") == "its mapping row does not go to UserInfo"
    id_token = release(alice, application=application, target="id_token", scopes=ALL, rows=rows)
    assert id_token.claims == {"groups": ["staff"]}


def test_a_row_for_the_access_token_alone_leaves_the_application_its_own(
    alice: Person, application: ApplicationFacts
) -> None:
    rows = [mapped("groups", to=["access_token"])]
    made = release(alice, application=application, target="userinfo", scopes=ALL, rows=rows)
    assert made.claims["groups"] == ["staff", "users"]


def test_a_row_with_a_scope_waits_for_it(alice: Person, application: ApplicationFacts) -> None:
    rows = [mapped("role", scope="reports:read")]

    def at(scopes: tuple[str, ...], request: ClaimsRequest | None = None) -> Release:
        return release(
            alice,
            application=application,
            target="userinfo",
            scopes=scopes,
            rows=rows,
            claims_request=request,
        )

    assert at(("openid", "reports:read")).claims == {"role": "x"}
    assert at(("openid",)).claims == {}
    assert "reports:read, which was not granted" in why(at(("openid",)), "role")
    assert at(("openid",), asked(userinfo={"role": None})).claims == {"role": "x"}


def test_a_requested_row_still_needs_a_scope_the_application_may_ask_for(
    alice: Person, application: ApplicationFacts
) -> None:
    made = release(
        alice,
        application=application,
        target="userinfo",
        rows=[mapped("role", scope="foreign")],
        claims_request=asked(userinfo={"role": None}),
    )
    assert made.claims == {}


def test_a_failing_row_denies_and_says_so(alice: Person, application: ApplicationFacts) -> None:
    rows = [
        mapped("name", "user", "name", transforms=[{"name": "to_int"}]),
        mapped("name", key="second"),
    ]
    made = release(alice, application=application, target="userinfo", scopes=ALL, rows=rows)
    assert "name" not in made.claims
    assert made.claims["email"] == "alice@example.org"
    assert why(made, "name").startswith("its mapping failed: row 1, transform 1: ")
    assert "Alice" not in why(made, "name")


def test_a_row_that_is_no_longer_valid_denies(alice: Person, application: ApplicationFacts) -> None:
    row = Row(claim="email", source="constant", destinations=frozenset(), broken="It is odd.")
    made = release(alice, application=application, target="userinfo", scopes=ALL, rows=[row])
    assert "email" not in made.claims


@pytest.mark.parametrize("claim", sorted(standard.RESERVED))
def test_even_an_unchecked_row_sets_nothing_of_the_protocol(
    claim: str, alice: Person, application: ApplicationFacts
) -> None:
    row = Row(claim=claim, source="constant", key="x", destinations=frozenset(OIDC_TARGETS))
    for target in OIDC_TARGETS:
        made = release(alice, application=application, target=target, scopes=ALL, rows=[row])
        assert claim not in made.claims


def test_the_first_row_with_a_value_wins(alice: Person, application: ApplicationFacts) -> None:
    rows = [
        mapped("unit", "attribute", "missing"),
        mapped("unit", key="b"),
        mapped("unit", key="c"),
    ]
    made = release(alice, application=application, target="userinfo", rows=rows)
    assert made.claims == {"unit": "b"}


def test_empty_values_are_left_out(alice: Person, application: ApplicationFacts) -> None:
    made = release(
        alice,
        application=application,
        target="userinfo",
        rows=[mapped("unit", "attribute", "missing")],
    )
    assert made.claims == {}
    assert why(made, "unit") == "its mapping row gives no value"


@pytest.mark.standard("OIDC Core", "5.1", "a mapping cannot give a standard claim another type")
@pytest.mark.parametrize(
    ("claim", "key"), [("email_verified", "true"), ("address", "Berlin"), ("updated_at", "12")]
)
def test_standard_claims_keep_their_type(
    claim: str, key: str, alice: Person, application: ApplicationFacts
) -> None:
    made = release(
        alice, application=application, target="userinfo", scopes=ALL, rows=[mapped(claim, key=key)]
    )
    assert claim not in made.claims
    assert "must be" in why(made, claim)


def test_verified_goes_only_with_the_address_it_speaks_of(
    alice: Person, application: ApplicationFacts
) -> None:
    def at(row: Row, target: str = "userinfo") -> Release:
        wants = dataclasses.replace(application, id_token_scope_claims=True)
        return release(alice, application=wants, target=target, scopes=ALL, rows=[row])

    another = at(mapped("email", "attribute", "department"))
    assert another.claims["email"] == "R&D"
    assert "email_verified" not in another.claims
    same = at(mapped("email", "user", "email", transforms=[{"name": "lower"}], to=["id_token"]))
    assert "email_verified" not in same.claims
    in_id_token = at(
        mapped("email", "user", "email", transforms=[{"name": "lower"}], to=["id_token"]),
        "id_token",
    )
    assert in_id_token.claims["email_verified"] is True
    assert "email_verified" not in at(mapped("email", "constant", "x")).claims


def test_rows_read_session_and_application(
    alice: Person, application: ApplicationFacts, session: SessionFacts
) -> None:
    rows = [mapped("level", "session", "acr"), mapped("app", "application", "name")]
    made = release(alice, application=application, target="userinfo", session=session, rows=rows)
    assert made.claims == {"level": "pwd", "app": "Acme Reports"}


def test_a_machine_gets_what_its_rows_say(application: ApplicationFacts) -> None:
    rows = [mapped("tier", key="gold", to=["access_token"]), mapped("name", "user", "name")]
    made = release(None, application=application, target="access_token", rows=rows)
    assert made.claims == {"tier": "gold"}


# --- SAML ---


@pytest.mark.standard("SAML Core", "2.7.3.1", "what a service provider without a mapping receives")
def test_saml_defaults(alice: Person, application: ApplicationFacts) -> None:
    made = release(alice, application=application, target="saml")
    assert {one.friendly_name: one.values for one in made.attributes} == {
        "uid": ("alice",),
        "mail": ("alice@example.org",),
        "displayName": ("Alice Example",),
        "givenName": ("Alice",),
        "sn": ("Example",),
        "isMemberOf": ("staff", "users"),
    }
    assert made.claims == {}
    assert all("without a mapping" in reason.because for reason in made.reasons)


def test_saml_rows_take_the_place_of_the_defaults(
    alice: Person, application: ApplicationFacts
) -> None:
    rows = [
        mapped("Role", "groups", "", to=["saml"], name_format="basic", friendly_name="role"),
        mapped("level", "attribute", "level", to=["saml"], scope="ignored"),
        mapped("Role", key="second", to=["saml"], name_format="basic"),
        mapped("Role", key="other", to=["saml"]),
        mapped("not_saml"),
    ]
    made = release(alice, application=application, target="saml", rows=rows)
    assert [(a.name, a.name_format, a.friendly_name, a.values) for a in made.attributes] == [
        ("Role", mapping.NAME_FORMAT_BASIC, "role", ("staff", "users")),
        ("level", mapping.NAME_FORMAT_URI, "", ("3",)),
        ("Role", mapping.NAME_FORMAT_URI, "", ("other",)),
    ]


def test_saml_fails_closed_and_says_so(alice: Person, application: ApplicationFacts) -> None:
    rows = [
        mapped("object", "attribute", "object", to=["saml"]),
        mapped("object", key="instead", to=["saml"]),
        mapped("empty", "attribute", "missing", to=["saml"]),
    ]
    made = release(alice, application=application, target="saml", rows=rows)
    assert made.attributes == ()
    assert [(r.claim, r.released) for r in made.reasons] == [("object", False), ("empty", False)]


def test_saml_never_carries_what_xml_cannot(application: ApplicationFacts) -> None:
    odd = Person(id="1", username="bob", name="B\x08b")
    made = release(odd, application=application, target="saml")
    assert [one.friendly_name for one in made.attributes] == ["uid"]
    bare = release(Person(id="1", username="bob"), application=application, target="saml")
    assert {a.friendly_name: a.values for a in bare.attributes} == {
        "uid": ("bob",),
        "displayName": ("bob",),
    }


# --- Reading the person only where needed ---


@pytest.mark.parametrize(
    ("target", "scopes", "more", "needed"),
    [
        ("id_token", ALL, {}, False),
        ("userinfo", ("openid",), {}, False),
        ("userinfo", ("openid", "email"), {}, True),
        ("access_token", ALL, {}, False),
        ("saml", (), {}, True),
        ("saml", (), {"rows": [mapped("a", to=["saml"])]}, False),
        ("id_token", ALL, {"claims_request": asked(id_token={"name": None})}, True),
        ("id_token", ALL, {"claims_request": asked(id_token={"acr": None})}, False),
        ("id_token", ALL, {"claims_request": asked(userinfo={"name": None})}, False),
        ("access_token", (), {"rows": [mapped("a", "groups", "", to=["access_token"])]}, True),
        ("access_token", (), {"rows": [mapped("a", "groups", "", to=["userinfo"])]}, False),
        ("access_token", (), {"rows": [mapped("a", to=["access_token"])]}, False),
    ],
)
def test_needs_person(
    target: str, scopes: tuple[str, ...], more: Any, needed: bool, application: ApplicationFacts
) -> None:
    assert needs_person(application=application, target=target, scopes=scopes, **more) is needed


def test_needs_person_for_scope_claims_in_the_id_token(application: ApplicationFacts) -> None:
    wants = dataclasses.replace(application, id_token_scope_claims=True)
    assert needs_person(application=wants, target="id_token", scopes=("openid", "email"))
    assert not needs_person(application=wants, target="id_token", scopes=("openid",))


# --- Properties ---

SOME_ROWS = st.lists(
    st.builds(
        lambda claim, what, to, scope, steps: parse_row(
            {
                "claim": claim,
                "source": what[0],
                "key": what[1],
                "destinations": to,
                "scope": scope,
                "transforms": steps,
            },
            position=1,
        ),
        st.sampled_from(["role", "email", "email_verified", "groups", "address", "phone_number"]),
        st.sampled_from(
            [
                ("user", "email"),
                ("user", "email_verified"),
                ("groups", ""),
                ("attribute", "x"),
                ("constant", "true"),
                ("session", "amr"),
                ("application", "id"),
            ]
        ),
        st.sets(st.sampled_from(mapping.DESTINATIONS), min_size=1),
        st.sampled_from(["", "email", "reports:read", "foreign"]),
        st.lists(
            st.sampled_from(
                [
                    {"name": "first"},
                    {"name": "to_bool"},
                    {"name": "template", "arg": "{value}{name}"},
                    {"name": "default", "arg": "d"},
                ]
            ),
            max_size=2,
        ),
    ),
    max_size=4,
)
SOME_SCOPES = st.sets(st.sampled_from([*ALL, "reports:read"]))
SOME_REQUESTS = st.none() | st.builds(
    lambda userinfo, id_token: ClaimsRequest(
        {name: claims_parameter.Claim() for name in userinfo},
        {name: claims_parameter.Claim(values=("x",)) for name in id_token},
    ),
    st.sets(st.sampled_from(["email", "role", "sub", "odd", "email_verified"])),
    st.sets(st.sampled_from(["email", "groups", "acr", "name"])),
)
ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(
    rows=SOME_ROWS,
    scopes=SOME_SCOPES,
    request=SOME_REQUESTS,
    value=ODD,
    target=st.sampled_from(mapping.DESTINATIONS),
    wants=st.booleans(),
)
def test_whatever_is_mapped_the_answer_is_sound(
    rows: list[Row],
    scopes: set[str],
    request: ClaimsRequest | None,
    value: Any,
    target: str,
    wants: bool,
    alice: Person,
    application: ApplicationFacts,
) -> None:
    person = dataclasses.replace(alice, attributes={"x": value})
    facts: Any = {
        "application": dataclasses.replace(application, id_token_scope_claims=wants),
        "target": target,
        "scopes": scopes,
        "claims_request": request,
        "rows": rows,
    }
    made = release(person, **facts)
    orjson.dumps(made.claims)
    names = [reason.claim for reason in made.reasons]
    if target == "saml":
        assert made.claims == {}
    else:
        assert len(names) == len(set(names))
        assert {r.claim for r in made.reasons if r.released} == set(made.claims)
        assert not any(standard.wrong_type(name, said) for name, said in made.claims.items())
    if not needs_person(**facts):
        without = release(None, **facts)
        assert (without.claims, without.attributes) == (made.claims, made.attributes)
