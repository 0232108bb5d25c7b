"""Artifacts of type 4."""

from __future__ import annotations

import base64
import hashlib

import pytest

from federation.saml import artifact, errors

ENTITY_ID = "https://idp.example/metadata"
GOOD = b"\x00\x04\x00\x00" + hashlib.sha1(ENTITY_ID.encode()).digest() + bytes(range(20))


@pytest.mark.standard("SAML Bindings", "3.6.4", "type 4: 44 bytes, the issuer's SHA-1, 20 random")
def test_is_of_type_4() -> None:
    octets = base64.b64decode(artifact.new(ENTITY_ID).encode(), validate=True)
    assert len(octets) == 44
    assert octets[:4] == b"\x00\x04\x00\x00"
    assert octets[4:24] == hashlib.sha1(ENTITY_ID.encode()).digest()


def test_no_two_are_alike() -> None:
    assert len({artifact.new(ENTITY_ID).handle for _ in range(50)}) == 50


def test_reads_what_it_wrote() -> None:
    made = artifact.new(ENTITY_ID)
    assert artifact.decode(made.encode()) == made
    other = artifact.Artifact(bytes(20), bytes(20), endpoint_index=258)
    assert artifact.decode(other.encode()).endpoint_index == 258


def text(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


@pytest.mark.parametrize(
    "given",
    [
        "",
        text(GOOD[:-1]),
        text(GOOD + b"\0"),
        text(b"\x00\x03" + GOOD[2:]),
        text(b"\x00\x01" + GOOD[2:]),
        text(GOOD).replace("=", "A"),
        text(GOOD)[:-1],
        " " + text(GOOD)[1:],
        text(GOOD)[:-2] + "\n=",
        "-" * 60,
        "\u00e4" * 60,
        "A" * 10_000_000,
    ],
)
def test_refuses_everything_else(given: str) -> None:
    with pytest.raises(errors.InvalidMessage):
        artifact.decode(given)
