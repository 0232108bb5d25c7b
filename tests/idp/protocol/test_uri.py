"""URIs, split strictly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol import uri


@pytest.mark.standard("RFC 3986", "3", "components of a URI")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://a.example", ("https", "a.example", None, "", None, None)),
        ("https://a.example:8443/x?y#z", ("https", "a.example", 8443, "/x", "y", "z")),
        ("https://a.example?#", ("https", "a.example", None, "", "", "")),
        ("http://[::1]:1/", ("http", "[::1]", 1, "/", None, None)),
        ("http://127.0.0.1/", ("http", "127.0.0.1", None, "/", None, None)),
        (
            "https://xn--bcher-kva.example/",
            ("https", "xn--bcher-kva.example", None, "/", None, None),
        ),
        ("urn:a:b", ("urn", None, None, "a:b", None, None)),
        ("com.example:/x", ("com.example", None, None, "/x", None, None)),
        ("com.example:///x", ("com.example", None, None, "/x", None, None)),
    ],
)
def test_split(text: str, expected: tuple[object, ...]) -> None:
    parts = uri.split(text)
    found = (parts.scheme, parts.host, parts.port, parts.path, parts.query, parts.fragment)
    assert found == expected


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "a",
            "/a",
            "//a",
            "HTTPS://a",
            "1a:b",
            ":b",
            "https://a b",
            "https://a\n",
            "https://é",
        ),
        *("https://a\\b", "https://a/%", "https://a/%0a", "https://a/%5c", "https://a/%7F"),
        *("https://u@a", "https://u:p@a", "https://@a", "https://a:0", "https://a:65536"),
        *(
            "https://a:",
            "https://a:080",
            "https://a:x",
            "https://a:1:2",
            "https://[::1",
            "https://::1",
        ),
        *("https://[::1]x", "https://[::g]", "https://[1.2.3.4]", "https://-a", "https://a-.b"),
        *(
            "https://a..b",
            "https://a.",
            "https://.a",
            "https://a%2eb",
            "https://a,b",
            "https://1.2",
        ),
        *("https://0x7f.1", "https://2130706433", "https://1.2.3.256", "https://01.2.3.4"),
        *(
            "https://a/#x#y",
            "https://a/[x]",
            "https://a?[x]",
            "https://" + "a" * 64,
            "https://" + "a." * 130 + "a",
        ),
        *(
            "https://a/" + "x" * 2048,
            "https://a/{x}",
            "https://a/<x>",
            'https://a/"',
            "https://a/`",
        ),
    ],
)
def test_refuses(text: str) -> None:
    with pytest.raises(uri.InvalidUri):
        uri.split(text)


@given(st.one_of(st.text(), st.text("https:/?#[]@.1a%2e\\").map("https://".__add__)))
def test_nothing_but_invalid_uri_escapes(text: str) -> None:
    try:
        parts = uri.split(text)
    except uri.InvalidUri:
        return
    assert text.startswith(f"{parts.scheme}:")


@pytest.mark.parametrize("text", ["https://a.example", "http://localhost:1/", "http://[::1]"])
def test_web(text: str) -> None:
    assert uri.split_web(text).is_web


@pytest.mark.parametrize(
    "text",
    ["http://a.example", "https:/a", "ftp://a", "http://127.0.0.2", "http://[::2]", "urn:a:b"],
)
def test_refuses_what_is_not_web(text: str) -> None:
    with pytest.raises(uri.InvalidUri):
        uri.split_web(text)


def test_origin() -> None:
    assert uri.split("https://a.example:8443/x?y").origin == "https://a.example:8443"
    assert uri.split("com.example:/x").origin == "com.example:"
