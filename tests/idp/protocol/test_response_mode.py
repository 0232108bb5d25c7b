"""Response modes keep the redirect URI and the values as they are."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol import response_mode
from idp.protocol.errors import InvalidRequest

REDIRECT = "https://client.example.org/cb"


@pytest.mark.standard("RFC 6749", "4.1.2", "parameters are added to the query")
@pytest.mark.standard("RFC 6749", "3.1.2", "a query of the redirect URI is retained")
@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        (REDIRECT, f"{REDIRECT}?code=a%20b&iss=https%3A%2F%2Fi"),
        (f"{REDIRECT}?", f"{REDIRECT}?code=a%20b&iss=https%3A%2F%2Fi"),
        (f"{REDIRECT}?x=%7e+y", f"{REDIRECT}?x=%7e+y&code=a%20b&iss=https%3A%2F%2Fi"),
        (f"{REDIRECT}?x=1&", f"{REDIRECT}?x=1&code=a%20b&iss=https%3A%2F%2Fi"),
        ("com.example.app:/cb", "com.example.app:/cb?code=a%20b&iss=https%3A%2F%2Fi"),
    ],
)
def test_query(uri: str, expected: str) -> None:
    parameters = {"code": "a b", "state": None, "iss": "https://i"}
    assert response_mode.query(uri, parameters) == expected


@pytest.mark.standard("RFC 6749", "4.2.2", "parameters in the fragment")
def test_fragment() -> None:
    found = response_mode.fragment(f"{REDIRECT}?x=1", {"state": "a#b&c", "code": None})
    assert found == f"{REDIRECT}?x=1#state=a%23b%26c"


@pytest.mark.standard("RFC 6749", "4.1.2.1", "state comes back byte for byte")
@given(st.text(min_size=1))
def test_values_survive(state: str) -> None:
    location = response_mode.query(f"{REDIRECT}?x=1", {"state": state.encode().decode()})
    assert dict(parse_qsl(urlsplit(location).query))["state"] == state
    assert location.isascii()
    assert location.startswith(f"{REDIRECT}?x=1&state=")


@pytest.mark.standard("OAuth Form Post", "2", "fields for a self-posting page")
def test_form_post() -> None:
    page = response_mode.form_post(REDIRECT, {"code": '"><x', "state": None, "iss": "i"})
    assert page.action == REDIRECT
    assert page.fields == (("code", '"><x'), ("iss", "i"))
    assert page.form_action == "https://client.example.org"


@pytest.mark.parametrize(
    ("uri", "source"),
    [
        ("http://localhost:8001/cb?x=1", "http://localhost:8001"),
        ("https://client.example.org:8443/cb", "https://client.example.org:8443"),
        ("http://[::1]:8001/cb", "http:"),
        ("com.example.app:/cb", "com.example.app:"),
        ("com.example.app://host/cb", "com.example.app:"),
    ],
)
def test_form_action(uri: str, source: str) -> None:
    assert response_mode.form_action(uri) == source


@pytest.mark.standard("OAuth Multiple Response Types", "2.1", "response_mode")
def test_parse() -> None:
    assert response_mode.parse(None, response_type="code") == "query"
    assert response_mode.parse("form_post", response_type="code") == "form_post"
    assert response_mode.parse("fragment", response_type="code") == "fragment"
    for value in ("jwt", "QUERY", "query.jwt", ""):
        with pytest.raises(InvalidRequest):
            response_mode.parse(value, response_type="code")


@pytest.mark.standard("OAuth Multiple Response Types", "5", "fragment where tokens come along")
@pytest.mark.parametrize("kind", ["id_token", "token", "token id_token", "code token", "x token"])
def test_tokens_never_travel_in_a_query(kind: str) -> None:
    assert response_mode.parse(None, response_type=kind) == "fragment"
    assert response_mode.parse("form_post", response_type=kind) == "form_post"
    with pytest.raises(InvalidRequest):
        response_mode.parse("query", response_type=kind)
