"""The door to other servers: what it refuses, what it bears, and that nothing gets around it."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
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
LOOPBACK = ("127.0.0.1", "::1")


@dataclass
class Network:
    """What is connected to; beyond loopback nothing answers, but where `routes` leads back."""

    connected: list[Any] = field(default_factory=list)
    routes: dict[Any, Any] = field(default_factory=dict)


@pytest.fixture(autouse=True)
def network(monkeypatch: pytest.MonkeyPatch) -> Network:
    network = Network()
    genuine = socket.socket.connect

    def connect(one: socket.socket, address: Any) -> None:
        network.connected.append(address)
        address = network.routes.get(address, address)
        if address[0] not in LOOPBACK:
            raise ConnectionRefusedError(111, "Connection refused")
        genuine(one, address)

    monkeypatch.setattr(socket.socket, "connect", connect)
    return network


@pytest.fixture
def server(settings: Any) -> Iterator[Receiver]:
    """Plain http on loopback, allowed by name."""
    with Receiver() as running:
        allow(settings, f"127.0.0.1:{running.port}")
        yield running


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


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

# IPv4, plain and in the spellings that resolvers take.
IPV4 = r"""
127.0.0.1 127.0.0.1:443 127.1 127.0.1 0 0.0.0.0 10.0.0.1 100.64.0.1 100.100.100.200 172.16.0.1
172.31.255.255 192.168.1.1 169.254.169.254 169.254.170.2 192.0.0.192 198.18.0.1 224.0.0.1
255.255.255.255 0x7f.1 0x7f000001 0x7F.0x0.0x0.0x1 2130706433 017700000001 0177.0.0.1
127.0.0.01 127.0.0.256 127.0.0.1.1 1.2.3 127.0.0.1. 127.0.0.1.. %31%32%37.0.0.1 127%2e0.0.1
①②⑦.0.0.1 ١٢٧.0.0.1 127。0。0。1
"""
# IPv6, what embeds an IPv4 address, and what is no address.
IPV6 = r"""
[::1] [::] [0:0:0:0:0:0:0:1] [::ffff:127.0.0.1] [::ffff:7f00:1] [::ffff:a9fe:a9fe] [::127.0.0.1]
[64:ff9b::7f00:1] [64:ff9b:1::1] [2002:7f00:1::] [2001:0:7f00:1::] [2001:db8::1] [3fff::1]
[2a00:1450::5efe:10.0.0.1] [fc00::1] [fd00:ec2::254] [ff02::1] [fe80::1] [fe80::1%25eth0]
[fe80::1%eth0] [2a00:1450::1%25eth0] [::1 ::1 [127.0.0.1] [v1.x] [] [2a00:1450::1]x x[2a00:1450::1]
"""
# Names of this machine, what is no name, and readers that disagree where the host ends.
NAMES = r"""
localhost LOCALHOST:8443 a.localhost localhost. example.org. .example.org a..b -a.example
exämple.org example。org ex%61mple.org example.org%00.evil *.example.org example.org,evil
user@example.org user:pw@example.org example.org@127.0.0.1 @example.org 127.0.0.1@example.org
a@b@example.org example.org\@127.0.0.1 example.org\ example.org%2f@127.0.0.1 example.org%5c
127.0.0.1#@example.org 127.0.0.1?@example.org example.org:0 example.org:65536 example.org:443x
example.org:-1 example.org:0443 example.org:+443 example.org:443:80 example.org:４４３ ｅxample.org
"""  # noqa: RUF001 - digits and letters that only look like those of a host
REFUSED = [
    *(f"https://{host}/" for host in f"{IPV4} {IPV6} {NAMES}".split()),
    *(f"https://exa{between}mple.org/" for between in " \t\n\r\x00\x7f\u00ad\u200d"),
    *(f"https://example.org/{path}" for path in ("a b", "\r\nX: y", "?a=\nb", "%0d%0aX:y", "\x00")),
    *(f"https://example.org/{path}" for path in ("\u2028", "%", "%zz", "a" * 3000)),
    *("http://example.org/", "http://8.8.8.8/", "ftp://example.org/", "file:///etc/passwd"),
    *("gopher://example.org/", "data:,x", "HTTPS://example.org/", "https:example.org"),
    *("https:///path", "https://", "//example.org/", "example.org", "", " https://example.org/"),
    *("https:\\\\example.org/", "https:/\\example.org/", "ht\ntps://example.org/"),
]


@pytest.mark.standard("RFC 9101", "10.4.1", "nothing is asked at an unexpected location")
@pytest.mark.parametrize("url", REFUSED)
def test_refuses_by_the_address_alone(
    url: str, network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = resolve_to(monkeypatch)
    assert refused(url) == "refused"
    with pytest.raises(OutboundError) as caught:
        outbound.check(url)
    assert caught.value.reason == "refused"
    assert asked == []
    assert network.connected == []


@pytest.mark.parametrize(
    "url",
    [
        *("https://example.org/", "https://example.org", "https://EXAMPLE.org:8443/a?b=c#d"),
        *("https://xn--exmple-cua.org/", "https://a_b.example/", "https://1.example/"),
        *("https://8.8.8.8/", "https://[2606:4700::1111]:8443/", "https://localhost.example/"),
    ],
)
def test_check_takes_what_may_be_public(url: str) -> None:
    outbound.check(url)


@pytest.mark.parametrize("url", ["https://10.0.0.1/?code=S3cret", "https://a@b/?code=S3cret"])
def test_a_refusal_does_not_repeat_the_query(url: str) -> None:
    with pytest.raises(OutboundError) as caught:
        outbound.check(url)
    assert "S3cret" not in repr(caught.value)


@pytest.mark.parametrize(
    "headers",
    [
        *({"X-A": "b\r\nX-B: c"}, {"X-A": "b\n folded"}, {"X-A": "\x00"}, {"X-A": "ä"}),
        *({"X-A: b\r\nX": "c"}, {"": "c"}, {"X A": "c"}, {"Ä": "c"}),
        *({"host": "evil.example"}, {"Accept-encoding": "gzip"}, {"Transfer-Encoding": "chunked"}),
        *({"Content-Length": "5"}, {"User-Agent": "other"}),
    ],
)
def test_refuses_headers(server: Receiver, headers: dict[str, str]) -> None:
    with pytest.raises(OutboundError) as caught:
        outbound.get(server.url(), accept="*/*", limit=10, timeout=LONG, headers=headers)
    assert caught.value.reason == "refused"
    assert not server.received


def test_refuses_a_media_type_with_a_line_of_its_own(server: Receiver) -> None:
    with pytest.raises(OutboundError) as caught:
        outbound.post(
            server.url(),
            body=b"",
            content_type="a/b\r\nX: y",
            accept="*/*",
            limit=10,
            timeout=LONG,
        )
    assert caught.value.reason == "refused"
    assert not server.received


# ----- names -----


def resolve_to(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Let each look-up give the next list of addresses, then none; returns the names asked for."""
    asked: list[str] = []
    left = list(answers)

    def getaddrinfo(host: str, port: int, **kwargs: Any) -> list[Any]:
        asked.append(host)
        if not left:
            raise socket.gaierror(-2, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in left.pop(0)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


@pytest.mark.parametrize(
    "addresses",
    [
        *(["127.0.0.1"], ["169.254.169.254"], ["::1"], ["::ffff:10.0.0.1"], ["fe80::1%lo"]),
        *(["8.8.8.8", "10.0.0.1"], ["2606:4700::1111", "fd00::1"], ["8.8.8.8", "64:ff9b::a00:1"]),
    ],
)
def test_refuses_names_that_lead_inside(
    monkeypatch: pytest.MonkeyPatch, network: Network, addresses: list[str]
) -> None:
    resolve_to(monkeypatch, addresses)
    assert refused("https://innocent.example/") == "refused"
    assert network.connected == []


def test_a_name_is_resolved_once_and_pinned(
    monkeypatch: pytest.MonkeyPatch, network: Network
) -> None:
    """A second look-up would lead inside (DNS rebinding)."""
    asked = resolve_to(monkeypatch, ["8.8.8.8", "8.8.4.4"], ["127.0.0.1"], ["127.0.0.1"])
    assert refused("https://rebinding.example:8443/") == "unreachable"
    assert asked == ["rebinding.example"]
    assert network.connected == [("8.8.8.8", 8443), ("8.8.4.4", 8443)]


def test_the_pinned_server_proves_the_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: Any, network: Network
) -> None:
    """What stands at the checked address is asked by name and shows a certificate for it."""
    authority = Authority(tmp_path, "rebinding.example")
    with Receiver(authority=authority) as server:
        allow(settings, ca=authority.ca_file)
        network.routes[("8.8.8.8", 443)] = ("127.0.0.1", server.port)
        asked = resolve_to(monkeypatch, ["8.8.8.8"], ["127.0.0.1"])
        assert get("https://Rebinding.example/").status == 200
        assert asked == ["rebinding.example"]
        assert network.connected == [("8.8.8.8", 443)]
        assert server.server_names == ["rebinding.example"]
        (request,) = server.received
        assert request.headers["host"] == "rebinding.example"


def test_goes_on_to_the_next_address(
    monkeypatch: pytest.MonkeyPatch, server: Receiver, settings: Any, network: Network
) -> None:
    allow(settings, "two.example")
    resolve_to(monkeypatch, ["8.8.8.8", "127.0.0.1"])
    assert get(server.url(host="two.example")).status == 200
    assert [address for address, _ in network.connected] == ["8.8.8.8", "127.0.0.1"]


@pytest.mark.parametrize("answers", [[[]], []])
def test_a_name_that_resolves_to_nothing(
    monkeypatch: pytest.MonkeyPatch, answers: list[list[str]]
) -> None:
    resolve_to(monkeypatch, *answers)
    assert refused("https://nowhere.example/") == "unreachable"


def test_a_resolver_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: answered.wait(30))
    assert refused("https://slow.example/", timeout=SOON) == "timeout"
    assert not answered.is_set()
    answered.set()


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
    assert request.headers["user-agent"] == "Gatehouse"
    assert set(request.headers) == {"host", "accept", "accept-encoding", "user-agent", "connection"}


def test_another_port_or_name_is_not_allowed(server: Receiver, settings: Any) -> None:
    assert refused(server.url(host="localhost")) == "refused"
    assert refused("https://127.0.0.1/") == "refused"
    allow(settings, "localhost")
    assert get(server.url(host="localhost")).status == 200
    assert get(server.url(host="LOCALHOST")).status == 200
    assert refused(server.url()) == "refused"


def test_neither_proxies_nor_netrc_are_used(
    server: Receiver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, network: Network
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login a password b")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert get(server.url()).status == 200
    assert network.connected == [("127.0.0.1", server.port)]
    assert "authorization" not in server.received[0].headers


def test_cookies_are_not_kept(server: Receiver) -> None:
    server.otherwise = receiver.ok(set_cookie="a=b; Path=/")
    get(server.url())
    get(server.url())
    assert "cookie" not in server.received[1].headers


def test_ipv6(settings: Any, network: Network) -> None:
    with Receiver(address="::1") as server:
        assert refused(server.url()) == "refused"
        allow(settings, f"[::1]:{server.port}")
        assert get(server.url(host="[0:0::1]")).status == 200
        assert network.connected == [("::1", server.port)]
        assert server.received[0].headers["host"] == f"[::1]:{server.port}"


def test_an_allowed_port_is_no_part_of_an_address(settings: Any) -> None:
    allow(settings, "[fd00::1]:8443")
    outbound.check("https://[fd00::1]:8443/")
    for url in ("https://[fd00::1:8443]/", "https://[fd00::1]/", "http://[fd00::1]/"):
        with pytest.raises(OutboundError):
            outbound.check(url)


def test_many_at_once(server: Receiver) -> None:
    paths = [f"/{number}" for number in range(24)]
    server.behaviours = {path: receiver.ok(path.encode()) for path in paths}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda path: get(server.url(path)).body.decode(), paths))
    assert answers == paths


# ----- bounds -----


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(server: Receiver, status: int) -> None:
    server.otherwise = receiver.redirect(server.url("/secret"), status)
    assert refused(server.url()) == "redirect"
    with pytest.raises(OutboundError) as caught:
        post(server)
    assert caught.value.reason == "redirect"
    assert not server.at("/secret")


@pytest.mark.parametrize("to", ["http://169.254.169.254/latest/meta-data/", "file:///etc/passwd"])
def test_redirects_lead_nowhere(server: Receiver, network: Network, to: str) -> None:
    server.otherwise = receiver.redirect(to)
    assert refused(server.url()) == "redirect"
    assert network.connected == [("127.0.0.1", server.port)]


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
    assert server.abandoned.wait(10)


HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
FLOODS = [
    (HEAD + b"X: ", b"a" * 60_000),
    (HEAD, b"X: " + b"a" * 50_000 + b"\r\n"),
    (b"", b"HTTP/1.1 100 Continue\r\nX: a\r\n\r\n" * 1000),
    (CHUNKED + b"-1\r\n", b"a" * 60_000),
    (CHUNKED, b"1;" + b"a" * 60_000 + b"\r\na\r\n"),
    (CHUNKED + b"0\r\n", b"X: a\r\n" * 10_000),
]


@pytest.mark.parametrize(("start", "again"), FLOODS)
def test_floods_beside_the_body(server: Receiver, start: bytes, again: bytes) -> None:
    """Megabytes would come, and none of it counts as body."""
    server.otherwise = receiver.raw(start, *[again] * 1000)
    assert refused(server.url()) in ("too_large", "protocol")
    assert server.abandoned.wait(10)


@pytest.mark.standard("RFC 9101", "10.4.1", "a timeout for obtaining the content")
@pytest.mark.parametrize("behaviour", [receiver.drip(), receiver.drip(headers=True)])
@pytest.mark.parametrize("secure", [False, True])
def test_one_deadline_for_everything(
    authority: Authority, settings: Any, behaviour: receiver.Behaviour, secure: bool
) -> None:
    with Receiver(authority=authority if secure else None, otherwise=behaviour) as server:
        allow(settings, "127.0.0.1", ca=authority.ca_file)
        assert refused(server.url(), limit=10**6, timeout=SOON) == "timeout"
        assert server.abandoned.wait(10)


def test_no_answer(server: Receiver) -> None:
    server.otherwise = receiver.hang()
    assert refused(server.url(), timeout=SOON) == "timeout"
    assert len(server.received) == 1


def test_no_handshake(settings: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        allow(settings, "127.0.0.1")
        url = f"https://127.0.0.1:{listening.getsockname()[1]}/"
        giving_up = threading.Timer(10, listening.close)  # is another reason
        giving_up.start()
        assert refused(url, timeout=SOON) == "timeout"
        giving_up.cancel()


def read_slowly(listening: socket.socket, taken: list[int]) -> None:
    connection, _ = listening.accept()
    with connection:
        while piece := connection.recv(65536):
            taken.append(len(piece))
            time.sleep(0.01)


def test_somebody_reads_slowly_what_is_posted(settings: Any) -> None:
    body = bytes(50 * 1024 * 1024)
    taken: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        allow(settings, "127.0.0.1")
        reader = threading.Thread(target=read_slowly, args=[listening, taken])
        reader.start()
        with pytest.raises(OutboundError) as caught:
            outbound.post(
                f"http://127.0.0.1:{listening.getsockname()[1]}/",
                body=body,
                content_type="a/b",
                accept="*/*",
                limit=10,
                timeout=SOON,
            )
        reader.join()
    assert caught.value.reason == "timeout"
    assert sum(taken) < len(body)


def test_cut_in_the_middle(server: Receiver) -> None:
    server.otherwise = receiver.cut()
    assert refused(server.url()) == "protocol"


def test_nobody_listens(server: Receiver) -> None:
    server.stop()
    assert refused(server.url()) == "unreachable"
    server.start()


@pytest.mark.parametrize("coding", ["gzip", "br", "gzip, identity", "x"])
def test_compressed_content(server: Receiver, coding: str) -> None:
    server.otherwise = receiver.ok(b"x", content_encoding=coding)
    assert refused(server.url()) == "protocol"


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        HEAD + b"Content-Length: x\r\n\r\nabc",
        HEAD + b"Content-Length: -1\r\n\r\nabc",
        HEAD + b"Content-Length: 3\r\nContent-Length: 2\r\n\r\nabc",
        HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        HEAD + b"Content-Encoding: gzip\r\nContent-Encoding: identity\r\n\r\nabc",
        HEAD + b"X: a\r\n folded: b\r\n\r\n",
        HEAD + b"X: a\x1b[2J\r\n\r\n",
        CHUNKED + b"z\r\nabc",
        CHUNKED + b"5\r\nabc",
        CHUNKED + b"3\r\nabc\r\n",
    ],
)
def test_no_proper_http(server: Receiver, answer: bytes) -> None:
    server.otherwise = receiver.raw(answer)
    assert refused(server.url()) in ("protocol", "unreachable")


def test_chunks(server: Receiver) -> None:
    server.otherwise = receiver.raw(CHUNKED + b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX: y\r\n\r\n")
    assert get(server.url()).body == b"abcde"


def test_repeated_headers_are_joined(server: Receiver) -> None:
    server.otherwise = receiver.raw(HEAD + b"Content-Type: a/b\r\ncontent-type: c/d\r\n\r\n")
    assert get(server.url()).headers["content-type"] == "a/b, c/d"


def post(server: Receiver) -> Answer:
    return outbound.post(
        server.url("/logout"),
        body=b"a=b",
        content_type="application/x-www-form-urlencoded",
        accept="*/*",
        limit=10,
        timeout=LONG,
    )


def test_post(server: Receiver) -> None:
    server.otherwise = receiver.ok(b"", status=204)
    assert post(server).status == 204
    (request,) = server.at("/logout")
    assert (request.method, request.form) == ("POST", {"a": "b"})
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"


# ----- TLS -----


def test_tls_with_an_authority_of_our_own(authority: Authority, settings: Any) -> None:
    with Receiver(authority=authority) as server:
        allow(settings, "localhost", "127.0.0.1", ca=authority.ca_file)
        assert get(server.url(host="localhost")).status == 200
        assert get(server.url()).status == 200


def test_unknown_authority(authority: Authority, settings: Any) -> None:
    with Receiver(authority=authority) as server:
        allow(settings, "localhost")
        with pytest.raises(OutboundError, match="unable to get local issuer certificate") as caught:
            get(server.url(host="localhost"))
        assert caught.value.reason == "tls"
        assert not server.received


@pytest.mark.parametrize("hosts", [["other.example"], ["127.0.0.1"], ["*"]])
def test_certificate_of_another_host(tmp_path: Path, settings: Any, hosts: list[str]) -> None:
    """A name is not proven by the address it leads to."""
    authority = Authority(tmp_path, *hosts)
    with Receiver(authority=authority) as server:
        allow(settings, "localhost", ca=authority.ca_file)
        assert refused(server.url(host="localhost")) == "tls"


def test_certificate_that_has_run_out(tmp_path: Path, settings: Any) -> None:
    authority = Authority(tmp_path, until=timedelta(hours=-1))
    with Receiver(authority=authority) as server:
        allow(settings, "localhost", ca=authority.ca_file)
        assert refused(server.url(host="localhost")) == "tls"


def test_tls_is_recent_and_verified() -> None:
    context = outbound._tls(None)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.check_hostname
    assert context.verify_mode == ssl.CERT_REQUIRED


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
