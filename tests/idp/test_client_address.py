"""Forwarded headers count only from trusted proxies (security control 12)."""

from __future__ import annotations

import ipaddress

import pytest
from django.test import override_settings

from idp import client_address


def trusting(settings, *networks):
    return override_settings(
        IDP=settings.IDP.model_copy(
            update={"trusted_proxies": tuple(map(ipaddress.ip_network, networks))}
        )
    )


@pytest.mark.parametrize(
    "header",
    [
        "HTTP_X_FORWARDED_FOR",
        "HTTP_FORWARDED",
        "HTTP_X_REAL_IP",
        "HTTP_X_CLIENT_IP",
        "HTTP_TRUE_CLIENT_IP",
        "HTTP_X_ORIGINAL_FORWARDED_FOR",
    ],
)
def test_no_header_counts_without_a_trusted_proxy(header):
    environ = {"REMOTE_ADDR": "192.0.2.7", header: "198.51.100.1"}
    assert client_address.of(environ) == "192.0.2.7"


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "6.6.6.6, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "6.6.6.6, 198.51.100.1, 10.0.0.9", "198.51.100.1"),
        ("10.0.0.1", "10.0.0.8, 10.0.0.9", "10.0.0.8"),
        ("192.0.2.7", "198.51.100.1", "192.0.2.7"),
        ("10.0.0.1", "unknown", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1, garbage", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "::ffff:198.51.100.1", "198.51.100.1"),
        ("::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1"),
    ],
)
def test_right_most_untrusted_address_counts(settings, peer, forwarded, expected):
    environ = {"REMOTE_ADDR": peer, "HTTP_X_FORWARDED_FOR": forwarded}
    with trusting(settings, "10.0.0.0/8"):
        assert client_address.of(environ) == expected


def test_unknown_peer_is_empty():
    assert client_address.of({}) == ""
    assert client_address.of({"REMOTE_ADDR": "not an address"}) == ""
