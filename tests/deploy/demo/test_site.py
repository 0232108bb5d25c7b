"""The frame of the demonstration applications."""

from __future__ import annotations

import contextlib
import io
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from deploy.demo import environment, pages, site

BRAND = pages.Brand(
    name="Test <application>",
    protocol="None",
    tone="web",
    letter="T",
    home="http://localhost:9001",
    gatehouse="http://localhost:9000",
    sibling_name="Other",
    sibling="http://localhost:9002",
)


class Visit:
    """Calls a site as a browser would, with a cookie."""

    def __init__(self, routes: dict[str, site.Handler]) -> None:
        self.site = site.Site(BRAND, cookie="test", routes=routes)
        self.cookie = ""

    def __call__(self, path: str, *, method: str = "GET", body: bytes = b"", **extra: str) -> str:
        """Return the body; `status` and `headers` stay to be looked at."""
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
            "HTTP_COOKIE": self.cookie,
            **extra,
        }
        return b"".join(self.site(environ, self.start)).decode()

    def start(self, status: str, headers: list[tuple[str, str]], *rest: object) -> Any:
        """WSGI's start_response."""
        self.status, self.headers = status, dict(headers)
        self.cookie = self.headers.get("Set-Cookie", self.cookie).partition(";")[0]


def remember(request: site.Request) -> site.Response:
    request.session["name"] = request.query.get("name", "alice")
    return site.redirect("/")


def sign_in(request: site.Request) -> site.Response:
    request.fresh_session = True
    return remember(request)


def show(request: site.Request) -> site.Response:
    return site.page(str(request.session.get("name")))


def break_(request: site.Request) -> site.Response:
    raise RuntimeError("secret detail")


@pytest.fixture
def visit() -> Visit:
    """A site with a few handlers."""
    return Visit(
        {"GET /": show, "GET /remember": remember, "GET /sign-in": sign_in, "GET /break": break_}
    )


def test_strangers_get_no_cookie(visit: Visit) -> None:
    visit("/")
    assert "Set-Cookie" not in visit.headers


def test_session_survives_requests(visit: Visit) -> None:
    visit("/remember")
    assert visit("/") == "alice"


def test_signing_in_changes_the_session_cookie(visit: Visit) -> None:
    visit("/remember")
    planted = visit.cookie
    visit("/sign-in")
    assert visit.cookie != planted
    visit.cookie = planted
    assert visit("/") == "None"


def test_forgets_the_oldest_session(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site, "MAXIMUM_SESSIONS", 2)
    visit("/remember")
    first = visit.cookie
    for _ in range(2):
        visit.cookie = ""
        visit("/remember")
    visit.cookie = first
    assert visit("/") == "None"


@pytest.mark.parametrize("cookie", ["test=unknown", "a b;;=", "test=\xe9", "=" * 5000])
def test_strange_cookies_are_no_session(visit: Visit, cookie: str) -> None:
    visit.cookie = cookie
    assert visit("/") == "None"


def test_over_https_plain_http_cannot_set_the_cookie(visit: Visit) -> None:
    visit.site = site.Site(BRAND, cookie="test", routes={"GET /": remember}, tls=True)
    visit("/")
    attributes = visit.headers["Set-Cookie"].split("; ")
    assert attributes[0].startswith("__Host-test=")
    assert {"Secure", "Path=/", "HttpOnly"} <= {*attributes}
    visit.cookie = visit.cookie.removeprefix("__Host-")
    visit("/")
    assert "Set-Cookie" in visit.headers


def test_unknown_pages_are_told(visit: Visit) -> None:
    assert "There is no such page" in visit("/nowhere")
    assert visit.status == "404 Not Found"


def test_bodies_over_one_mebibyte_are_refused(visit: Visit) -> None:
    visit("/", method="POST", CONTENT_LENGTH=str(1024 * 1024 + 1))
    assert visit.status.startswith("413")


def test_a_length_that_is_no_number_is_refused(visit: Visit) -> None:
    visit("/", method="POST", CONTENT_LENGTH="many")
    assert visit.status.startswith("400")


def test_a_broken_handler_tells_nothing_of_the_inside(
    visit: Visit, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "secret detail" not in visit("/break")
    assert visit.status.startswith("500")
    assert "secret detail" in capsys.readouterr().err


def test_no_script_is_allowed_and_no_other_site(visit: Visit) -> None:
    visit("/")
    assert visit.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "script-src" not in visit.headers["Content-Security-Policy"]


def test_everything_shown_is_escaped() -> None:
    attack = "<script>alert(1)</script>\"'"
    shown = "".join(
        [
            pages.table([(attack, attack), ("list", [attack]), ("object", {attack: attack})]),
            pages.raw(attack, attack, id_="raw"),
            pages.problem(attack, attack, code=attack),
            pages.welcome(attack, attack, actions=pages.link(attack, attack)),
            pages.signed_in(attack, actions=""),
            pages.card(attack, "", id_="card", note=attack),
            BRAND.frame(attack, ""),
        ]
    )
    assert "<script" not in shown
    assert "<application>" not in shown


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[site.Server]:
    """A site that answers over https; its authority is in `tmp_path`."""
    demonstration = environment.at(tmp_path, port=9000, tls=True)
    demonstration.make_server_pair(host="127.0.0.1")
    application = site.Site(BRAND, cookie="test", routes={"GET /": show}, tls=True)
    tls = demonstration.server_pair
    with site.make_server(application, host="127.0.0.1", port=0, tls=tls) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_visitor_who_speaks_no_tls_is_no_news(
    listening: site.Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_connection(("127.0.0.1", listening.server_port), timeout=30) as connected:
        connected.sendall(b"GET / HTTP/1.0\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert connected.recv(1000) == b""
    url = f"https://localhost:{listening.server_port}/"
    assert requests.get(url, verify=str(tmp_path / "ca.pem"), timeout=30).text == "None"
    assert capsys.readouterr().err == ""


def test_our_own_mistakes_are_news(
    listening: site.Server, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        raise RuntimeError("a mistake")
    except RuntimeError:
        listening.handle_error(None, ("127.0.0.1", 1))
    assert "a mistake" in capsys.readouterr().err


def test_listens_on_ipv6() -> None:
    application = site.Site(BRAND, cookie="test", routes={})
    with site.make_server(application, host="::1", port=0, tls=None) as server:
        assert server.socket.family == socket.AF_INET6


def test_instants_are_told_in_words() -> None:
    assert "2026-01-01 00:00:00 UTC" in pages.table([("exp", 1767225600)])
    assert "UTC" not in pages.table([("exp", "1767225600")])
