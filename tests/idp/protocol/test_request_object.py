"""Request objects: signed by the client, for us, now; and what they say is the request."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idp.protocol import jose, jwe, parameters, request_object
from idp.protocol.errors import InvalidRequest, InvalidRequestObject
from idp.protocol.parameters import Parameters
from tests.support import crafted_jwt
from tests.support.crafted_jwt import b64, key_set, public, signed

ISSUER = "https://id.example.org"
CLIENT = "client-1"
CALLBACK = "https://client.example.org/callback"
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
EPOCH = int(NOW.timestamp())
KEYS = key_set(public("P-256"), public("RSA"))
OURS = {"e1": jwe.DecryptionKey("e1", jose.generate("RS256"))}
INSIDE = {
    "response_type": "code",
    "client_id": CLIENT,
    "redirect_uri": CALLBACK,
    "scope": "openid email",
    "state": "inside",
}
ABSENT = object()


def request(alg: str = "ES256", *, header: dict[str, Any] | None = None, **changes: Any) -> str:
    claims = {name: value for name, value in {**INSIDE, **changes}.items() if value is not ABSENT}
    return signed(claims, alg, **(header or {}))


def outer(**members: str) -> Parameters:
    return parameters.parse(
        urlencode({"client_id": CLIENT, "response_type": "code", "scope": "openid", **members})
    )


def read(text: str, **changes: Any) -> Parameters:
    arguments: dict[str, Any] = {
        "client_id": CLIENT,
        "keys": KEYS,
        "algorithm": None,
        "issuer": ISSUER,
        "now": NOW,
        "outer": outer(request=text[:10]),
        **changes,
    }
    return request_object.read(text, **arguments)


def refused(text: str, reason: str, **changes: Any) -> None:
    with pytest.raises(InvalidRequestObject, match=reason):
        read(text, **changes)


# --- what it says ---


def test_what_is_inside_wins() -> None:
    beside = outer(scope="openid", state="outside", redirect_uri="https://evil.example", nonce="n")
    found = read(request(), outer=beside)
    assert found.as_dict() == {**INSIDE, "nonce": "n"}


def test_only_what_is_inside_counts_where_nothing_supplements() -> None:
    found = read(request(client_id=ABSENT), outer=outer(nonce="n"), supplement=False)
    assert found.as_dict() == INSIDE


def test_leaves_out_what_is_about_the_jwt_and_the_object_itself() -> None:
    text = request(iss=CLIENT, aud=ISSUER, iat=EPOCH, nbf=EPOCH, exp=EPOCH + 60, jti="1")
    found = read(text, outer=outer(request=text, request_uri="https://x.example"))
    assert found.as_dict() == INSIDE


def test_an_empty_value_inside_is_not_filled_from_outside() -> None:
    found = read(request(state=""), outer=outer(state="outside"))
    assert found.one("state") is None


def test_a_parameter_twice_outside_stays_twice() -> None:
    found = read(request(), outer=parameters.parse("client_id=client-1&nonce=a&nonce=b"))
    with pytest.raises(InvalidRequest, match="nonce is repeated"):
        found.refuse_repeated()


def test_values_that_are_no_strings() -> None:
    claims = {"id_token": {"acr": {"essential": True, "value": "mfa"}}}
    resources = ["https://a.example", "https://b.example"]
    found = read(request(max_age=0, claims=claims, resource=resources))
    assert found.one("max_age") == "0"
    assert json.loads(found.one("claims") or "") == claims
    assert found.every("resource") == tuple(resources)
    found = read(request(max_age="60", claims=json.dumps(claims), resource=resources[0]))
    assert found.one("max_age") == "60"
    assert json.loads(found.one("claims") or "") == claims
    assert found.every("resource") == tuple(resources[:1])


@pytest.mark.parametrize("value", [1, 1.5, True, False, None, [], ["x"], {}, {"a": "b"}])
@pytest.mark.parametrize("name", ["state", "redirect_uri", "scope", "response_type", "other"])
def test_other_values_are_strings(name: str, value: object) -> None:
    refused(request(**{name: value}), "must be a string")


@pytest.mark.parametrize("name", ["max_age", "claims", "resource"])
@pytest.mark.parametrize("value", [True, None, 1.5, [1], [["x"]], {1: 2}])
def test_other_types_of_these(name: str, value: object) -> None:
    if name == "claims" and isinstance(value, list | dict):
        assert read(request(claims=value)).one("claims")
    else:
        refused(request(**{name: value}), "must be a string")


def test_refuses_nul() -> None:
    refused(request(state="a\x00"), "NUL")
    refused(request(**{"a\x00": "b"}), "NUL")


def test_is_bounded() -> None:
    refused(request(**{f"p{n}": "v" for n in range(200)}), "more than 200")
    refused(request(state="x" * 20_000), "must be a JWT")
    refused("x" * 10_000_000, "must be a JWT")


# --- whose, for whom, when ---


@pytest.mark.parametrize("name", ["iss", "client_id"])
@pytest.mark.parametrize("value", ["client-2", "", None, [CLIENT], 1, ISSUER])
def test_is_the_clients_own(name: str, value: object) -> None:
    refused(request(**{name: value}), f"{name} is not the client_id")


def test_response_type_is_the_same_outside() -> None:
    refused(request(response_type="code id_token"), "response_type differs")
    assert read(request(response_type=ABSENT)).one("response_type") == "code"
    assert read(request(), outer=parameters.parse("client_id=client-1")).one("state") == "inside"


@pytest.mark.parametrize("aud", [ISSUER, [ISSUER], ["https://other.example", ISSUER]])
def test_names_us_as_audience(aud: object) -> None:
    assert read(request(aud=aud)).one("state") == "inside"


@pytest.mark.parametrize("aud", [None, "", [], [[ISSUER]], 1, ISSUER + "/", ["x"], {ISSUER: 1}])
def test_refuses_other_audiences(aud: object) -> None:
    refused(request(aud=aud), "aud")


@pytest.mark.parametrize("sub", [CLIENT, "alice", None, ""])
def test_has_no_subject(sub: object) -> None:
    refused(request(sub=sub), "sub")


@pytest.mark.parametrize("name", ["request", "request_uri"])
@pytest.mark.parametrize("value", ["x", "", None])
def test_leads_to_no_other_request(name: str, value: object) -> None:
    refused(request(**{name: value}), name)


@pytest.mark.parametrize(
    "times",
    [
        {},
        {"exp": EPOCH + 1},
        {"exp": EPOCH + 3600},
        {"iat": EPOCH + 10, "nbf": EPOCH + 10, "exp": EPOCH + 3610},
        {"nbf": EPOCH - 3000, "exp": EPOCH + 600},
        {"iat": EPOCH - 86400},
        {"iat": EPOCH - 86400, "nbf": EPOCH, "exp": EPOCH + 3600},
    ],
)
def test_is_valid_now(times: dict[str, Any]) -> None:
    assert read(request(**times)).one("state") == "inside"


@pytest.mark.parametrize(
    "times",
    [
        {"exp": EPOCH},
        {"exp": EPOCH - 300},
        {"exp": EPOCH + 3700},
        {"exp": EPOCH + 10 * 365 * 86400},
        {"iat": EPOCH, "exp": EPOCH + 10 * 365 * 86400},
        {"nbf": EPOCH, "iat": 0, "exp": EPOCH + 4200},
        {"nbf": EPOCH - 3601, "exp": EPOCH + 1},
        {"nbf": EPOCH + 61},
        {"iat": EPOCH + 61},
        {"exp": None},
        {"exp": True},
        {"exp": str(EPOCH + 60)},
        {"nbf": "0"},
        {"iat": [0]},
        {"exp": 1e300},
        {"exp": 2**70},
    ],
)
def test_is_not_valid_for_ever(times: dict[str, Any]) -> None:
    refused(request(**times), "exp|nbf|iat")


# --- signed and encrypted ---


@pytest.mark.parametrize("alg", request_object.ALGORITHMS)
def test_algorithm_is_the_registered_one(alg: str) -> None:
    keys = key_set(public(crafted_jwt.KIND_OF[alg]))
    assert read(request(alg), keys=keys, algorithm=alg).one("state") == "inside"
    other = "RS256" if alg != "RS256" else "PS256"
    refused(request(alg), "signed", keys=keys, algorithm=other)


@pytest.mark.parametrize("alg", ["none", "None", "HS256", ""])
@pytest.mark.parametrize("algorithm", [None, "none", "HS256"])
def test_is_signed_always(alg: str, algorithm: str | None) -> None:
    text = f"{b64({'alg': alg})}.{b64(INSIDE)}."
    refused(text, "must be a JWT, signed with a key of the client", algorithm=algorithm)


@pytest.mark.parametrize("typ", ["oauth-authz-req+jwt", "application/OAuth-AuthZ-Req+JWT", "JWT"])
def test_types(typ: str) -> None:
    assert read(request(header={"typ": typ})).one("state") == "inside"


@pytest.mark.parametrize("typ", ["at+jwt", "dpop+jwt", "client-authentication+jwt", "logout+jwt"])
def test_other_types_are_no_requests(typ: str) -> None:
    refused(request(header={"typ": typ}), "must be a JWT")


def test_unknown_key_asks_for_newer_keys() -> None:
    for text in (request(header={"kid": "new"}), request("EdDSA")):
        with pytest.raises(request_object.UnknownKey):
            read(text)


def test_other_keys_do_not_count() -> None:
    claims = {**INSIDE, "state": "evil"}
    refused(signed(claims, name="evil", kid="P-256 a"), "must be a JWT")
    refused(signed(claims, name="evil", jwk=public("P-256", "evil")), "must be a JWT")


def decryption(calls: list[str] | None = None) -> Callable[[str], bytes]:
    def decrypt(token: str) -> bytes:
        if calls is not None:
            calls.append(token)
        return jwe.decrypt(token, OURS)

    return decrypt


def encrypted(content: bytes) -> str:
    (key,) = key_set(OURS["e1"].public_jwk()).keys
    return jwe.encrypt(content, key=key, alg="RSA-OAEP-256", enc="A256GCM")


def test_encrypted_around_signed() -> None:
    text = encrypted(request().encode())
    assert read(text, decrypt=decryption()).one("state") == "inside"
    refused(text, "not supported")


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(INSIDE).encode(),
        b"",
        b"\xff.\xff.\xff",
        f"{b64({'alg': 'none'})}.{b64(INSIDE)}.".encode(),
        encrypted(request().encode()).encode(),
    ],
    ids=["claims", "empty", "bytes", "unsigned", "encrypted again"],
)
def test_encrypted_around_anything_else(content: bytes) -> None:
    refused(encrypted(content), "signed", decrypt=decryption())


def test_nested_ten_deep() -> None:
    content = request().encode()
    for _ in range(5):
        content = encrypted(content).encode()
    calls: list[str] = []
    refused(content.decode(), "must hold a signed one", decrypt=decryption(calls))
    assert len(calls) == 1


@pytest.mark.parametrize("text", ["....", "a.b.c.d.e", encrypted(b"x")[:-2]])
def test_what_does_not_decrypt(text: str) -> None:
    refused(text, "cannot be decrypted", decrypt=decryption())


@pytest.mark.parametrize("text", ["", "x", "a.b", "a.b.c", "a.b.c.d", "é.é.é"])
def test_what_is_no_request_object(text: str) -> None:
    refused(text, "must be a JWT")


def test_repeated_members_are_refused() -> None:
    refused(signed(b'{"client_id":"client-1","state":"a","state":"b"}'), "must be a JWT")


NAMES = st.sampled_from([*INSIDE, "iss", "aud", "exp", "nbf", "iat", "resource", "claims", "x"])
VALUES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.text())
) | st.dictionaries(st.text(), st.integers())


@settings(deadline=None)
@given(st.dictionaries(NAMES, VALUES))
def test_nothing_but_invalid_request_object_escapes(changes: dict[str, Any]) -> None:
    try:
        found = read(request(**changes))
        found.refuse_repeated()
    except InvalidRequestObject:
        return
    assert found.one("client_id") == CLIENT
