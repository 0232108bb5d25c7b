"""Which URLs may be an endpoint; the hostile ones are in the corpus."""

from __future__ import annotations

import pytest

from federation.saml.metadata import endpoint


@pytest.mark.parametrize(
    "url",
    [
        "https://sp.example",
        "https://sp.example/acs?a=b&c=%20d",
        "https://sp.example:8443/acs;x=y",
        "https://10.0.0.1/acs",
        "https://[2001:db8::1]/acs",
        "http://localhost:8002/acs",
        "http://app.localhost/acs",
        "http://127.0.0.1:8002/acs",
        "http://127.9.9.9/acs",
        "http://[::1]:8002/acs",
        "https://xn--exmple-cua.example/acs",
    ],
)
def test_takes(url: str) -> None:
    assert endpoint.check(url, what="The endpoint") == url


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("LOCALHOST", True),
        ("127.0.0.1", True),
        ("::1", True),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("0.0.0.0", False),
        ("2130706433", False),
        ("10.0.0.1", False),
    ],
)
def test_loopback_by_its_spelling(host: str, expected: bool) -> None:
    assert endpoint.is_loopback(host) is expected
