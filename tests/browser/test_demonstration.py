"""The demonstration as a person meets it: one command, two applications, one sign-in."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Page

from deploy.demo import environment
from tests.support import ports
from tests.support.browser import Visitor

PASSWORD = "a password for the demonstration"


class Demonstration:
    """`dev.py demo` without the part that makes the environment."""

    def __init__(self, data: Path, *, port: int, tls: bool = False) -> None:
        self.data = data
        self.port = port
        self.tls = tls
        scheme = "https" if tls else "http"
        self.gatehouse, self.web, self.saas = (
            f"{scheme}://localhost:{port + number}" for number in range(3)
        )
        self.password = PASSWORD

    def start(self, **extra: str) -> None:
        """Run it until its box is printed."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("GATEHOUSE_")}
        argv = [sys.executable, "-m", "deploy.demo", "run"]
        argv += ["--port", str(self.port), "--data", str(self.data)]
        argv += ["--tls"] if self.tls else []
        log = self.data.with_name("demo.log")
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                argv,
                cwd=environment.ROOT,
                env={**kept, **extra},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        limit = time.monotonic() + 180
        while "Ctrl-C stops everything" not in log.read_text():
            assert self.process.poll() is None, log.read_text()
            assert time.monotonic() < limit, log.read_text()
            time.sleep(0.05)
        self.printed = log.read_text()

    def stop(self) -> int:
        """Ctrl-C."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)


@pytest.fixture(scope="module")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demonstration]:
    """A running demonstration."""
    folder = tmp_path_factory.mktemp("demonstration") / "data"
    running = Demonstration(folder, port=ports.free(3))
    running.start(GATEHOUSE_DEMO_PASSWORD=PASSWORD)
    yield running
    if running.process.poll() is None:
        running.stop()


def go_in(visitor: Visitor, application: str) -> None:
    """Sign in at an application as alice, answering whatever Gatehouse asks."""
    page = visitor.page
    page.goto(application)
    page.click("#sign-in")
    page.wait_for_selector("#id_password, #consent-allow, #person")
    if page.locator("#id_password").count():
        visitor.sign_in("alice", PASSWORD)
        page.wait_for_selector("#consent-allow, #person")
    if page.locator("#consent-allow").count():
        page.click("#consent-allow")
    page.wait_for_url(f"{application}/")


@pytest.fixture
def signed_in(visitor: Visitor, demonstration: Demonstration) -> Visitor:
    """Alice, signed in to the web application."""
    go_in(visitor, demonstration.web)
    return visitor


def text(page: Page, selector: str) -> str:
    """What a part of the page says."""
    return page.inner_text(selector)


def test_prints_addresses_and_credentials(demonstration: Demonstration) -> None:
    for address in (demonstration.gatehouse, demonstration.web, demonstration.saas, PASSWORD):
        assert address in demonstration.printed


def test_credentials_are_kept_for_their_owner_alone(demonstration: Demonstration) -> None:
    path = demonstration.data / "demo-credentials"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert f"alice {PASSWORD}" in path.read_text()


def test_shows_what_the_web_application_received(
    signed_in: Visitor, demonstration: Demonstration
) -> None:
    page = signed_in.page
    assert text(page, "#person") == "Alice Archer"
    assert demonstration.gatehouse in text(page, "#id-token")
    userinfo = text(page, "#userinfo")
    for known in ("alice@example.org", "staff", "users", "Harbour Street", "+35315550100"):
        assert known in userinfo
    assert "at+jwt" in text(page, "#access-token")


def test_the_saas_application_asks_for_nothing(
    signed_in: Visitor, demonstration: Demonstration
) -> None:
    page = signed_in.page
    page.goto(demonstration.saas)
    page.click("#sign-in")
    page.wait_for_url(f"{demonstration.saas}/")
    assert "nameid-format:persistent" in text(page, "#name-id")
    attributes = text(page, "#attributes")
    for known in ("alice@example.org", "staff", "users", "Archer"):
        assert known in attributes


def test_after_signing_out_at_gatehouse_both_ask_again(
    signed_in: Visitor, demonstration: Demonstration
) -> None:
    page = signed_in.page
    page.click("#sign-out-everywhere")
    if page.locator("#logout-confirm").count():
        page.click("#logout-confirm")
    page.wait_for_url(f"{demonstration.web}/signed-out**")
    for application in (demonstration.web, demonstration.saas):
        page.goto(f"{application}/login")
        page.wait_for_selector("#id_password")


def test_signing_out_at_gatehouse_itself_ends_the_web_application_too(
    signed_in: Visitor, demonstration: Demonstration
) -> None:
    page = signed_in.page
    page.goto(f"{demonstration.gatehouse}/logout")
    page.click("#logout-confirm")
    page.wait_for_url(f"{demonstration.gatehouse}/logout/done")
    is_ended(page, demonstration.web)
    assert "You were signed out" in text(page, "h1")


def test_signing_out_at_the_saas_application_ends_the_web_application_too(
    signed_in: Visitor, demonstration: Demonstration
) -> None:
    page = signed_in.page
    page.goto(demonstration.saas)
    page.click("#sign-in")
    page.wait_for_url(f"{demonstration.saas}/")
    page.click("#sign-out-everywhere")
    page.wait_for_url(f"{demonstration.saas}/signed-out**")
    assert page.locator("#sign-in").is_visible()
    is_ended(page, demonstration.web)
    page.goto(f"{demonstration.saas}/login")
    page.wait_for_selector("#id_password")


def test_signing_out_at_the_web_application_ends_the_saas_application_too(
    signed_in: Visitor, demonstration: Demonstration
) -> None:
    page = signed_in.page
    page.goto(demonstration.saas)
    page.click("#sign-in")
    page.wait_for_url(f"{demonstration.saas}/")
    page.goto(demonstration.web)
    page.click("#sign-out-everywhere")
    page.wait_for_url(f"{demonstration.web}/signed-out**")
    page.goto(demonstration.saas)
    assert page.locator("#name-id").count() == 0


def is_ended(page: Page, address: str) -> None:
    """Wait until the application at `address` has been told that its session is over."""
    limit = time.monotonic() + 30
    page.goto(address)
    while page.locator("#person").count():
        assert time.monotonic() < limit, "the web application was never told"
        page.wait_for_timeout(200)
        page.goto(address)


def test_signing_out_here_leaves_gatehouse_signed_in(
    signed_in: Visitor, demonstration: Demonstration
) -> None:
    page = signed_in.page
    page.click("#sign-out")
    page.wait_for_selector("#sign-in")
    page.click("#sign-in")
    page.wait_for_selector("#id-token")


def test_a_silent_sign_in_without_session_is_told(
    visitor: Visitor, demonstration: Demonstration
) -> None:
    visitor.page.goto(f"{demonstration.web}/login?prompt=none")
    assert text(visitor.page, "#error-code") == "login_required"
    visitor.page.goto(f"{demonstration.saas}/login?passive")
    assert text(visitor.page, "#error-code") == "NoPassive"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_pages_are_accessible_and_fit(
    visit: Callable[..., Visitor], demonstration: Demonstration, scheme: str, width: int
) -> None:
    visitor = visit(color_scheme=scheme, viewport={"width": width, "height": 800})
    page = visitor.page
    for application in (demonstration.web, demonstration.saas):
        page.goto(application)
        visitor.assert_accessible()
        go_in(visitor, application)
        visitor.assert_accessible()
        visitor.assert_fits()
        page.goto(f"{application}/nowhere")
        visitor.assert_accessible()


@pytest.mark.slow
def test_stops_completely_and_starts_again_with_what_it_had(tmp_path: Path) -> None:
    demonstration = Demonstration(tmp_path / "data", port=ports.free(3))
    demonstration.start()
    first = (tmp_path / "data" / "demo-credentials").read_text()
    registrations = (tmp_path / "data" / "demo.json").read_text()
    assert demonstration.stop() == 0
    assert not any(ports.accepts(demonstration.port + number) for number in range(3))
    demonstration.start()
    try:
        assert (tmp_path / "data" / "demo-credentials").read_text() == first
        assert (tmp_path / "data" / "demo.json").read_text() == registrations
    finally:
        assert demonstration.stop() == 0


def test_says_which_port_is_taken_and_what_to_do(demonstration: Demonstration) -> None:
    argv = [sys.executable, "-m", "deploy.demo", "run", "--port", str(demonstration.port)]
    done = subprocess.run(
        [*argv, "--data", str(demonstration.data)],
        cwd=environment.ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert f"port {demonstration.port} (for the identity provider)" in done.stderr
    assert f"--port {demonstration.port + 10}" in done.stderr


def test_a_folder_and_a_browser_go_from_https_to_http_and_back(
    visit: Callable[..., Visitor], tmp_path: Path
) -> None:
    # Chromium has no store of its own for one test; requests verifies the authority.
    visitor = visit(ignore_https_errors=True)
    port = ports.free(3)
    registered: list[dict[str, object]] = []
    for tls in (True, False, True):
        demonstration = Demonstration(tmp_path / "data", port=port, tls=tls)
        demonstration.start(GATEHOUSE_DEMO_PASSWORD=PASSWORD)
        try:
            assert environment.at(tmp_path / "data", port=None).issuer == demonstration.gatehouse
            for application in (demonstration.web, demonstration.saas):
                go_in(visitor, application)
            registered.append(environment.at(tmp_path / "data", port=port).read()["registrations"])
            if tls:
                speaks_https(demonstration, visitor)
        finally:
            assert demonstration.stop() == 0
    alone, both, again = registered
    assert len(alone) == 2
    assert len(both) == 4
    assert again == both


def speaks_https(demonstration: Demonstration, visitor: Visitor) -> None:
    """Under its own authority, with cookies that no plain connection gets."""
    authority = demonstration.data / "ca.pem"
    assert str(authority) in demonstration.printed
    found = requests.get(
        f"{demonstration.gatehouse}/.well-known/openid-configuration",
        verify=str(authority),
        timeout=30,
    ).json()
    assert found["issuer"] == demonstration.gatehouse
    cookies = {cookie["name"]: cookie for cookie in visitor.context.cookies()}
    assert cookies["__Host-gatehouse_session"]["secure"]
    assert cookies["__Host-gatehouse_demo_web"]["secure"]
