"""The resource parameter."""

from __future__ import annotations

import pytest

from idp.protocol import resource_indicator
from idp.protocol.errors import InvalidTarget

API = "https://api.example.org/v1"


@pytest.mark.standard("RFC 8707", "2", "absolute URIs, repeatable")
def test_parse() -> None:
    values = (API, "urn:example:api", API, "https://api.example.org?x=1", "http://10.0.0.1:81/")
    assert resource_indicator.parse(values) == (API, "urn:example:api", *values[3:])
    assert resource_indicator.parse(()) == ()


@pytest.mark.standard("RFC 8707", "2", "no fragment, no relative reference")
@pytest.mark.parametrize(
    "value",
    [f"{API}#", f"{API}#x", "/v1", "api", "api.example.org", "urn:", "https:", "a b:c", "é:a", ""],
)
def test_refuses(value: str) -> None:
    with pytest.raises(InvalidTarget):
        resource_indicator.parse((value,))


def test_is_bounded() -> None:
    with pytest.raises(InvalidTarget, match="20"):
        resource_indicator.parse([API] * 21)


@pytest.mark.standard("RFC 8707", "2.2", "a token's resources are among those granted")
def test_narrowed() -> None:
    assert resource_indicator.narrowed((), ("a:b", "c:d")) == ("a:b", "c:d")
    assert resource_indicator.narrowed(("c:d",), ("a:b", "c:d")) == ("c:d",)
    with pytest.raises(InvalidTarget, match="was not granted"):
        resource_indicator.narrowed(("x:y",), ("a:b",))
