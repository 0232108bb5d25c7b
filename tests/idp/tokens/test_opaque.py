"""Opaque values: prefix, body, checksum."""

from __future__ import annotations

import pytest

from idp.tokens import opaque


def test_gives_the_body_back() -> None:
    value = opaque.assemble("gtx_", b"\x00\xff body")
    assert value.startswith("gtx_")
    assert opaque.disassemble("gtx_", value, longest=100) == b"\x00\xff body"


@pytest.mark.parametrize("body", [b"", b"a", bytes(range(256))])
def test_refuses_every_other_spelling(body: bytes) -> None:
    value = opaque.assemble("gtx_", body)
    for wrong in (value[:-1], value + "A", value + "=", " " + value, value.swapcase()):
        with pytest.raises(opaque.Malformed):
            opaque.disassemble("gtx_", wrong, longest=1000)


def test_refuses_another_prefix() -> None:
    with pytest.raises(opaque.Malformed):
        opaque.disassemble("gty_", opaque.assemble("gtx_", b"body"), longest=100)


def test_refuses_what_is_too_long_and_what_is_not_ascii() -> None:
    with pytest.raises(opaque.Malformed):
        opaque.disassemble("gtx_", opaque.assemble("gtx_", b"body"), longest=10)
    with pytest.raises(opaque.Malformed):
        opaque.disassemble("gtx_", "gtx_é", longest=10)
