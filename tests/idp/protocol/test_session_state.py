"""session_state and origins, as browsers compute them."""

from __future__ import annotations

import hashlib

import pytest

from idp.protocol import session_state

S = "OIDC Session Management"
ORIGIN = "https://client.example.org"


@pytest.mark.standard(S, "3.2", "a salted hash of client, origin and browser state")
def test_compute() -> None:
    expected = hashlib.sha256(b"client-1 https://client.example.org state salt").hexdigest()
    assert session_state.compute("client-1", ORIGIN, "state", "salt") == expected + ".salt"


@pytest.mark.standard(S, "2", "another client, origin, state or salt has another value")
def test_everything_counts() -> None:
    parts = ("client-1", ORIGIN, "state", "salt")
    values = {session_state.compute(*parts)}
    for place in range(4):
        changed = [*parts]
        changed[place] += "x"
        values.add(session_state.compute(*changed))
    assert len(values) == 5
    assert not any(" " in value for value in values)


@pytest.mark.parametrize(
    "parts",
    [
        *(("a b", ORIGIN, "c", "d"), ("a", f"{ORIGIN} ", "c", "d"), ("a", ORIGIN, "c d", "e")),
        *(("a", ORIGIN, "c", "d e"), ("a", ORIGIN, "c", "d.e")),
    ],
)
def test_no_two_readings(parts: tuple[str, str, str, str]) -> None:
    with pytest.raises(ValueError, match="hold no space"):
        session_state.compute(*parts)


@pytest.mark.standard("RFC 6454", "6.2", "the origin as a browser names it")
@pytest.mark.parametrize(
    ("redirect_uri", "expected"),
    [
        ("https://client.example.org/callback?a=b", ORIGIN),
        ("https://Client.Example.org", ORIGIN),
        ("https://client.example.org:443/x", ORIGIN),
        ("https://client.example.org:8443/x", f"{ORIGIN}:8443"),
        ("https://client.example.org:80/x", f"{ORIGIN}:80"),
        ("http://localhost:80/x", "http://localhost"),
        ("http://127.0.0.1:8000/x", "http://127.0.0.1:8000"),
        ("http://[::1]:8000/x", "http://[::1]:8000"),
        ("https://[2001:DB8:0:0::1]/x", "https://[2001:db8::1]"),
        ("com.example.app:/callback", None),
        ("http://client.example.org/", None),
        ("https://u@client.example.org/", None),
        ("x", None),
    ],
)
def test_origin(redirect_uri: str, expected: str | None) -> None:
    assert session_state.origin_of(redirect_uri) == expected
