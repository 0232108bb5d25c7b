"""The claims parameter."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol import claims_request
from idp.protocol.claims_request import Claim, ClaimsRequest
from idp.protocol.errors import InvalidRequest


def parse(document: Any) -> ClaimsRequest:
    return claims_request.parse(json.dumps(document))


@pytest.mark.standard("OIDC Core", "5.5", "members userinfo and id_token")
def test_the_example_of_the_standard() -> None:
    found = parse(
        {
            "userinfo": {
                "given_name": {"essential": True},
                "nickname": None,
                "http://example.info/claims/groups": None,
            },
            "id_token": {
                "auth_time": {"essential": True},
                "acr": {"values": ["urn:mace:incommon:iap:silver"]},
            },
        }
    )
    assert found.userinfo == {
        "given_name": Claim(essential=True),
        "nickname": Claim(),
        "http://example.info/claims/groups": Claim(),
    }
    assert found.wants_auth_time()
    assert found.acr_values() == ("urn:mace:incommon:iap:silver",)
    assert not found.essential_acr()


@pytest.mark.parametrize("value", [None, "{}", '{"userinfo":null}', '{"x":1,"id_token":{}}'])
def test_nothing_asked(value: str | None) -> None:
    found = claims_request.parse(value)
    assert found == ClaimsRequest()
    assert found.subject() is None
    assert found.acr_values() == ()
    assert not found.wants_auth_time()


@pytest.mark.standard("OIDC Core", "5.5", "unknown members are ignored")
def test_ignores_unknown_members() -> None:
    found = parse({"id_token": {"x": {"purpose": "because", "essential": True}}, "purpose": 1})
    assert found.id_token == {"x": Claim(essential=True)}


@pytest.mark.standard("OIDC Core", "5.5.1.1", "an essential acr with values must be met")
def test_essential_acr() -> None:
    found = parse({"id_token": {"acr": {"essential": True, "values": ["mfa", "phr"]}}})
    assert found.essential_acr()
    assert found.acr_values() == ("mfa", "phr")
    single = parse({"id_token": {"acr": {"essential": True, "value": "mfa"}}})
    assert single.essential_acr()
    assert single.acr_values() == ("mfa",)
    assert not parse({"id_token": {"acr": {"essential": True}}}).essential_acr()
    assert not parse({"id_token": {"acr": {"essential": True, "values": []}}}).essential_acr()
    assert not parse({"userinfo": {"acr": {"essential": True, "value": "x"}}}).essential_acr()


@pytest.mark.standard("OIDC Core", "5.5.1", "essential, value and values, for every claim")
@pytest.mark.parametrize("place", ["userinfo", "id_token"])
@pytest.mark.parametrize("name", ["sub", "acr", "email_verified", "auth_time", "x#ja-Kana-JP"])
def test_members_of_every_claim(place: str, name: str) -> None:
    def asked(**members: Any) -> Claim:
        found = parse({place: {name: members}})
        return getattr(found, place)[name]

    assert asked(essential=True) == Claim(essential=True)
    assert asked(value="a") == Claim(values=("a",))
    assert asked(essential=True, values=["a", 1, True]) == Claim(True, ("a", 1, True))
    assert asked(essential=False, purpose="x") == Claim()


@pytest.mark.standard("OIDC Core", "5.5.1", "a demanded sub")
def test_subject() -> None:
    assert parse({"id_token": {"sub": {"value": "a"}}}).subject() == "a"
    assert parse({"userinfo": {"sub": {"values": ["a"]}}}).subject() == "a"
    both = {"userinfo": {"sub": {"value": "a"}}, "id_token": {"sub": {"value": "a"}}}
    assert parse(both).subject() == "a"
    assert parse({"id_token": {"sub": {"essential": True}}}).subject() is None


@pytest.mark.parametrize(
    "document",
    [
        {"userinfo": {"sub": {"value": "a"}}, "id_token": {"sub": {"value": "b"}}},
        {"id_token": {"sub": {"values": ["a", "b"]}}},
        {"id_token": {"sub": {"value": 1}}},
    ],
)
def test_refuses_several_subjects(document: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match="one sub"):
        parse(document).subject()


@pytest.mark.standard("OIDC Core", "5.5.1", "value and values")
def test_accepts() -> None:
    claim = Claim(values=("a", 1, True))
    assert [claim.accepts(one) for one in ("a", 1, True, "b", 2, False, None)] == [
        *(True, True, True),
        *(False, False, False, False),
    ]
    assert not Claim(values=(1,)).accepts(True)
    assert not Claim(values=(True,)).accepts(1)
    assert Claim().accepts("anything")


@pytest.mark.parametrize(
    "value",
    [
        *("", "x", "[]", "null", "1", '"x"', "{", '{"userinfo":{},"userinfo":{}}', "{'a':1}"),
        *('{"userinfo":[]}', '{"userinfo":"x"}', '{"id_token":1}', '{"id_token":{"a":1}}'),
        *('{"id_token":{"a":"x"}}', '{"id_token":{"a":[]}}', '{"id_token":{"a":true}}'),
        *('{"id_token":{"a":{"essential":"true"}}}', '{"id_token":{"a":{"essential":1}}}'),
        *('{"id_token":{"a":{"values":"x"}}}', '{"id_token":{"a":{"values":null}}}'),
        *('{"id_token":{"a":{"value":null}}}', '{"id_token":{"a":{"value":{}}}}'),
        *('{"id_token":{"a":{"values":[[]]}}}', '{"id_token":{"a":{"value":1,"values":[1]}}}'),
        *('{"id_token":{"a":null,"a":null}}', '{"id_token":{"a":{"value":"\\u0000"}}}'),
        *('{"id_token":{"a\\u0000":null}}', '{"id_token":{"a":{"value":NaN}}}', "\ud800"),
        '{"id_token":{"a":{"value":1e999}}}',
    ],
)
def test_refuses(value: str) -> None:
    with pytest.raises(InvalidRequest):
        claims_request.parse(value)


def test_is_bounded() -> None:
    many = {f"c{n}": None for n in range(101)}
    for document in (
        {"userinfo": many},
        {"id_token": {"x" * 257: None}},
        {"id_token": {"a": {"values": [1] * 51}}},
        {"x": "x" * 17000},
    ):
        with pytest.raises(InvalidRequest):
            parse(document)
    with pytest.raises(InvalidRequest):
        claims_request.parse("[" * 10000)


MEMBERS = st.none() | st.fixed_dictionaries(
    {}, optional={"essential": st.booleans(), "values": st.lists(st.integers(-9, 9) | st.just("a"))}
)


@given(st.dictionaries(st.sampled_from("abc"), MEMBERS), st.dictionaries(st.just("sub"), MEMBERS))
def test_round_trip_for_storing(userinfo: dict[str, Any], id_token: dict[str, Any]) -> None:
    found = parse({"userinfo": userinfo, "id_token": id_token})
    stored = json.loads(json.dumps(found.as_dict()))
    assert claims_request.from_dict(stored) == found


@given(st.one_of(st.text(), st.text('{}[]":,userinfo1 null')))
def test_nothing_but_invalid_request_escapes(value: str) -> None:
    try:
        claims_request.parse(value)
    except InvalidRequest:
        return
