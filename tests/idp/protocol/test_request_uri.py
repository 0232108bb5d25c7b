"""Addresses of request objects: registered, short, and never followed here."""

from __future__ import annotations

import hashlib

import pytest

from idp.protocol import jose, request_uri
from idp.protocol.errors import InvalidRequestUri

PLAIN = "https://client.example.org/request.jwt"
HASHED = PLAIN + "#" + jose.encode(hashlib.sha256(b"content").digest())


@pytest.mark.standard("OIDC Core", "6.2", "registered exactly, a fragment may be added")
def test_finds_what_is_registered() -> None:
    assert request_uri.find(PLAIN, [PLAIN]).location == PLAIN
    assert request_uri.find(HASHED, [HASHED]).location == PLAIN
    assert request_uri.find(HASHED, [PLAIN]).location == PLAIN


@pytest.mark.standard("OIDC Core", "6.2", "the hash in the fragment says what may be kept")
def test_the_hash_of_the_content() -> None:
    reference = request_uri.find(HASHED, [HASHED])
    assert reference.is_hash_of(b"content")
    assert not reference.is_hash_of(b"other")
    assert not request_uri.find(PLAIN, [PLAIN]).is_hash_of(b"content")
    assert not request_uri.find(PLAIN + "#x", [PLAIN]).is_hash_of(b"content")


@pytest.mark.standard("RFC 9101", "10.4.1", "no other address is fetched")
@pytest.mark.parametrize(
    "presented",
    [
        *(PLAIN + "?", PLAIN + "?a=b", PLAIN + "/", PLAIN.upper(), PLAIN[:-1], PLAIN + "#a#b"),
        *("https://evil.example/request.jwt", "https://client.example.org:443/request.jwt"),
        *(
            "https://client.example.org@evil.example/",
            "https://client.example.org/a/../request.jwt",
        ),
        *("http://client.example.org/request.jwt", "file:///etc/passwd", "data:,x", "", "x"),
        *("urn:ietf:params:oauth:request_uri:abc", PLAIN + "\n", " " + PLAIN, "https://é.example/"),
    ],
)
def test_refuses_what_is_not_registered(presented: str) -> None:
    with pytest.raises(InvalidRequestUri):
        request_uri.find(presented, [PLAIN])


def test_a_registered_fragment_is_part_of_it() -> None:
    for presented in (PLAIN, PLAIN + "#other"):
        with pytest.raises(InvalidRequestUri, match="not registered"):
            request_uri.find(presented, [HASHED])
    with pytest.raises(InvalidRequestUri, match="not registered"):
        request_uri.find(PLAIN, [])


@pytest.mark.parametrize(
    "address",
    ["http://client.example.org/x", "ftp://client.example.org/x", "urn:x:y", "file:///x"],
)
def test_refuses_what_may_not_be_fetched_even_if_registered(address: str) -> None:
    with pytest.raises(InvalidRequestUri, match="https"):
        request_uri.find(address, [address])


@pytest.mark.standard("RFC 9101", "5.2", "at most 512 characters")
def test_length() -> None:
    longest = PLAIN + "?" + "x" * (511 - len(PLAIN))
    assert request_uri.find(longest, [longest]).location == longest
    with pytest.raises(InvalidRequestUri, match="512"):
        request_uri.find(longest + "x", [longest + "x"])
