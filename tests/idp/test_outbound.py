"""The door to other servers: what it refuses, what it bears, and that nothing gets around it."""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import override_settings

from idp import outbound
from idp.outbound import Answer, OutboundError
from tests.support import receiver
from tests.support.receiver import Authority, Receiver

SOON = timedelta(seconds=0.6)
LONG = timedelta(seconds=20)


@pytest.fixture
def server(settings: Any) -> Iterator[Receiver]:
    """Plain http on loopback, allowed by name."""
    with Receiver() as running:
        allow(settings, f"127.0.0.1:{running.port}")
        yield running


def allow(settings: Any, *hosts: str, ca: Path | None = None) -> None:
    settings.IDP = settings.IDP.model_copy(update={"outbound_allow": hosts, "ca_bundle": ca})


def get(url: str, *, limit: int = 1000, timeout: timedelta = LONG) -> Answer:
    return outbound.get(url, accept="text/plain", limit=limit, timeout=timeout)


def refused(url: str, **options: Any) -> str:
    """The reason why this brings nothing."""
    with pytest.raises(OutboundError) as caught:
        get(url, **options)
    assert str(caught.value)
    return caught.value.reason


# ----- what an address says itself -----

NOT_PUBLIC = [
    *("http://example.org/", "ftp://example.org/", "file:///etc/passwd", "gopher://example.org/"),
    *("https:example.org", "https:///path", "//example.org/", "", " https://example.org/"),
    *("https://127.0.0.1/", "https://127.1/", "https://0/", "https://0.0.0.0/", "https://[::1]/"),
    *("https://0x7f.1/", "https://0x7f000001/", "https://2130706433/", "https://017700000001/"),
    *("https://127.0.0.1./", "https://①②⑦.0.0.1/", "https://127。0。0。1/"),
    *(
        "https://10.0.0.1/",
        "https://172.16.0.1/",
        "https://172.31.255.255/",
        "https://192.168.1.1/",
    ),
    *(
        "https://169.254.169.254/latest/meta-data/",
        "https://[fd00:ec2::254]/",
        "https://100.64.0.1/",
    ),
    *(
        "https://192.0.0.192/",
        "https://198.18.0.1/",
        "https://224.0.0.1/",
        "https://255.255.255.255/",
    ),
    *(
        "https://[::]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:7f00:1]/",
        "https://[::127.0.0.1]/",
    ),
    *(
        "https://[fe80::1]/",
        "https://[fe80::1%25eth0]/",
        "https://[fc00::1]/",
        "https://[ff02::1]/",
    ),
    *("https://[64:ff9b::7f00:1]/", "https://[64:ff9b:1::1]/", "https://[2002:7f00:1::]/"),
    *("https://[2001:0:7f00:1::]/", "https://[2001:db8::1]/", "https://[3fff::1]/"),
    *(
        "https://user@example.org/",
        "https://user:pw@example.org/",
        "https://example.org@127.0.0.1/",
    ),
    *("https://example.org\\@127.0.0.1/", "https://example.org%2f@127.0.0.1/"),
    *("https://example.org:0/", "https://example.org:65536/", "https://example.org:443x/"),
    *("https://exa mple.org/", "https://example.org/a b", "https://example.org/\r\nX: y"),
    *("https://example.org/%0d%0aX:y", "https://example.org/\x00", "https://exämple.org/"),
    "https://example.org/" + "a" * 3000,
]


@pytest.mark.standard("RFC 9700", "4.11", "no way into the network from outside")
@pytest.mark.parametrize("url", NOT_PUBLIC)
def test_refuses_what_is_not_public(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "create_connection", None)
    assert refused(url) == "refused"


@pytest.mark.parametrize("url", ["https://example.org/", "https://example.org:8443/a?b=c#d"])
def test_check_takes_public_names(url: str) -> None:
    outbound.check(url)
    outbound.check("https://93.184.215.14/")
    outbound.check("https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/")


@pytest.mark.parametrize("url", ["https://127.0.0.1/", "http://example.org/", "https://[::1]/"])
def test_check_refuses(url: str) -> None:
    with pytest.raises(OutboundError):
        outbound.check(url)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2a00:1450:4001:81b::200e", True),
        ("100.63.255.255", True),
        ("100.127.255.255", False),
        ("192.88.99.1", False),
        ("240.0.0.1", False),
        ("::ffff:8.8.8.8", False),
        ("2001:1ff::1", False),
        ("2001:200::1", True),
        ("4000::1", False),
    ],
)
def test_public_addresses(address: str, public: bool) -> None:
    assert outbound.is_public(ipaddress.ip_address(address)) is public


# ----- names -----


def resolve_to(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Let each look-up give the next list of addresses; returns the names that were asked."""
    asked: list[str] = []
    left = list(answers)

    def getaddrinfo(host: str, port: int, **kwargs: Any) -> list[Any]:
        asked.append(host)
        found = left.pop(0)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in found]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["169.254.169.254"]])
def test_refuses_names_that_lead_inside(
    monkeypatch: pytest.MonkeyPatch, addresses: list[str]
) -> None:
    resolve_to(monkeypatch, addresses)
    assert refused("https://innocent.example/") == "refused"


def test_a_name_is_resolved_once_and_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second look-up would lead inside (DNS rebinding)."""
    asked = resolve_to(monkeypatch, ["8.8.8.8"], ["127.0.0.1"])
    connected: list[Any] = []

    def create_connection(address: Any, timeout: float) -> Any:
        connected.append(address)
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(socket, "create_connection", create_connection)
    assert refused("https://rebinding.example/") == "unreachable"
    assert asked == ["rebinding.example"]
    assert connected == [("8.8.8.8", 443)]


def test_a_name_without_address(monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(*args: Any, **kwargs: Any) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    assert refused("https://nowhere.example/") == "unreachable"


def test_a_resolver_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: time.sleep(5))
    started = time.monotonic()
    assert refused("https://slow.example/", timeout=SOON) == "timeout"
    assert time.monotonic() - started < 4


# ----- hosts that are allowed by name -----


def test_allowed_by_host_and_port(server: Receiver) -> None:
    server.behaviours["/a"] = receiver.ok(b"hello", content_type="Text/Plain; charset=utf-8")
    answer = get(server.url("/a?b=%20c#fragment"))
    assert (answer.status, answer.body) == (200, b"hello")
    assert answer.content_type == "text/plain"
    (request,) = server.received
    assert request.path == "/a?b=%20c"
    assert request.headers["host"] == f"127.0.0.1:{server.port}"
    assert request.headers["accept"] == "text/plain"
    assert request.headers["accept-encoding"] == "identity"
    assert "cookie" not in request.headers
    assert "authorization" not in request.headers


def test_another_port_or_name_is_not_allowed(server: Receiver, settings: Any) -> None:
    assert refused(server.url(host="localhost")) == "refused"
    assert refused("https://127.0.0.1/") == "refused"
    allow(settings, "localhost")
    assert get(server.url(host="localhost")).status == 200
    assert get(server.url(host="LOCALHOST")).status == 200
    assert refused(server.url()) == "refused"


def test_proxies_of_the_environment_are_not_used(
    server: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert get(server.url()).status == 200


# ----- bounds -----


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(server: Receiver, status: int) -> None:
    server.otherwise = receiver.redirect(server.url("/secret"), status)
    assert refused(server.url()) == "redirect"
    assert not server.at("/secret")


def test_statuses_are_for_the_caller(server: Receiver) -> None:
    server.otherwise = receiver.ok(b"no", status=500)
    assert (get(server.url()).status, get(server.url()).body) == (500, b"no")


def test_size(server: Receiver) -> None:
    server.otherwise = receiver.ok(b"x" * 1000)
    assert len(get(server.url(), limit=1000).body) == 1000
    assert refused(server.url(), limit=999) == "too_large"


@pytest.mark.parametrize("announced", [True, False])
def test_ten_megabytes(server: Receiver, announced: bool) -> None:
    server.otherwise = receiver.big(announced=announced)
    assert refused(server.url()) == "too_large"


@pytest.mark.parametrize(
    "behaviour", [receiver.hang(), receiver.drip(), receiver.drip(headers=True)]
)
def test_one_deadline_for_everything(server: Receiver, behaviour: receiver.Behaviour) -> None:
    server.otherwise = behaviour
    started = time.monotonic()
    assert refused(server.url(), limit=10**6, timeout=SOON) == "timeout"
    assert time.monotonic() - started < 10


def test_cut_in_the_middle(server: Receiver) -> None:
    server.otherwise = receiver.cut()
    assert refused(server.url()) == "protocol"


def test_nobody_listens(server: Receiver) -> None:
    server.stop()
    assert refused(server.url()) == "unreachable"
    server.start()


def test_compressed_content(server: Receiver) -> None:
    server.otherwise = receiver.ok(b"x", content_encoding="gzip")
    assert refused(server.url()) == "protocol"


def test_no_http_at_all(server: Receiver) -> None:
    server.otherwise = lambda handler: handler.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n") and None
    assert refused(server.url()) == "protocol"


def test_post(server: Receiver) -> None:
    server.otherwise = receiver.ok(b"", status=204)
    answer = outbound.post(
        server.url("/logout"),
        body=b"a=b",
        content_type="application/x-www-form-urlencoded",
        accept="*/*",
        limit=10,
        timeout=LONG,
    )
    assert answer.status == 204
    (request,) = server.at("/logout")
    assert (request.method, request.form) == ("POST", {"a": "b"})
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"


# ----- TLS -----


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


def test_tls_with_an_authority_of_our_own(authority: Authority, settings: Any) -> None:
    with Receiver(authority=authority) as server:
        allow(settings, "localhost", "127.0.0.1", ca=authority.ca_file)
        assert get(server.url(host="localhost")).status == 200
        assert get(server.url()).status == 200


def test_unknown_authority(authority: Authority, settings: Any) -> None:
    with Receiver(authority=authority) as server:
        allow(settings, "localhost")
        assert refused(server.url(host="localhost")) == "tls"
        assert not server.received


def test_certificate_of_another_host(tmp_path: Path, settings: Any) -> None:
    authority = Authority(tmp_path, "other.example")
    with Receiver(authority=authority) as server:
        allow(settings, "localhost", ca=authority.ca_file)
        assert refused(server.url(host="localhost")) == "tls"


def test_allowed_hosts_still_prove_their_name_under_https(server: Receiver, settings: Any) -> None:
    """Plain http behind an https address is no TLS."""
    allow(settings, "127.0.0.1")
    assert refused(f"https://127.0.0.1:{server.port}/") == "tls"


# ----- JSON -----


def get_json(server: Receiver) -> Any:
    return outbound.get_json(server.url(), limit=1000, timeout=LONG)


def test_json(server: Receiver) -> None:
    server.otherwise = receiver.ok({"keys": []})
    assert get_json(server) == {"keys": []}
    server.otherwise = receiver.ok(b"[1]", content_type="application/x+json; charset=utf-8")
    assert get_json(server) == [1]


@pytest.mark.parametrize(
    "behaviour",
    [
        receiver.ok({}, status=404),
        receiver.ok({}, status=201),
        receiver.ok(b"{}"),
        receiver.ok(b"{}", content_type="text/html"),
        receiver.ok(b'{"a":1,"a":2}', content_type="application/json"),
        receiver.ok(b"NaN", content_type="application/json"),
        receiver.ok(b"", content_type="application/json"),
        receiver.ok(b"\xff", content_type="application/json"),
    ],
)
def test_what_is_no_json(server: Receiver, behaviour: receiver.Behaviour) -> None:
    server.otherwise = behaviour
    with pytest.raises(OutboundError) as caught:
        get_json(server)
    assert caught.value.reason == "protocol"


def test_settings_of_a_test_are_those_of_the_door() -> None:
    from django.conf import settings

    with override_settings(IDP=settings.IDP.model_copy(update={"outbound_allow": ("a.example",)})):
        outbound.check("http://a.example/")
    with pytest.raises(OutboundError):
        outbound.check("http://a.example/")
