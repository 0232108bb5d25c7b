"""JSON that means the same to every reader."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol import strict_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@pytest.mark.standard("RFC 7519", "4", "duplicate members are refused")
@pytest.mark.standard("RFC 7515", "4", "duplicate members are refused")
@pytest.mark.parametrize(
    "raw",
    [
        b'{"a":1,"a":1}',
        b'{"a":1,"\\u0061":2}',
        b'{"x":{"a":1,"a":2}}',
        b'[{"b":[{"a":1,"a":2}]}]',
        b'{"a":1, "a":2}',
    ],
)
def test_refuses_duplicate_members(raw: bytes) -> None:
    with pytest.raises(strict_json.InvalidJson, match="repeated"):
        strict_json.loads(raw, max_bytes=100)


@pytest.mark.parametrize(
    "raw",
    [
        *(b"NaN", b"-Infinity", b"Infinity", b"1e999", b"[1e999]", b'"\xff"', b'"\\ud800"'),
        *(
            b"",
            b"{",
            b"{'a':1}",
            b'{"a":1,}',
            b"01",
            b"1 2",
            b"\xef\xbb\xbf{}",
            b"//x\n1",
            b"9" * 400,
        ),
        *(b"[" * 5000, b'{"a":' * 2000 + b"1" + b"}" * 2000, b"[" * 990 + b" 1" + b"]" * 990),
    ],
    ids=lambda raw: raw[:12].decode("latin-1"),
)
def test_refuses(raw: bytes) -> None:
    with pytest.raises(strict_json.InvalidJson):
        strict_json.loads(raw, max_bytes=100_000)


@pytest.mark.standard("RFC 8725", "3.6", "size is bounded before parsing")
def test_refuses_more_than_the_limit() -> None:
    assert strict_json.loads(b"[1,2]", max_bytes=5) == [1, 2]
    with pytest.raises(strict_json.InvalidJson, match="larger than 4"):
        strict_json.loads(b"[1,2]", max_bytes=4)


def test_load_object_wants_an_object() -> None:
    assert strict_json.load_object(b'{ "a" : 1.0 }', max_bytes=100) == {"a": 1}
    for raw in (b"[]", b'"a"', b"null", b"1"):
        with pytest.raises(strict_json.InvalidJson, match="not an object"):
            strict_json.load_object(raw, max_bytes=100)


@given(VALUES)
def test_reads_what_json_writes(value: object) -> None:
    assert strict_json.loads(json.dumps(value).encode(), max_bytes=10**6) == value


@given(st.one_of(st.binary(), st.text('{}[]":,01aeNI\\u \n').map(str.encode)))
def test_nothing_but_invalid_json_escapes(raw: bytes) -> None:
    try:
        strict_json.loads(raw, max_bytes=10**6)
    except strict_json.InvalidJson:
        return
    json.loads(raw)
