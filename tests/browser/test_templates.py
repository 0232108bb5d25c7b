"""The page templates, rendered with representative contexts and looked at in Chromium.

Weight, markup and the absence of inline script are read from the text; accessibility (WCAG 2.2 AA
by axe), the Content-Security-Policy and narrow screens from the browser.
"""

from __future__ import annotations

import gzip
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.template.loader import render_to_string
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.browser.page_contexts import CASES

TEMPLATES = Path(settings.BASE_DIR) / "templates"
STATIC = Path(settings.BASE_DIR) / "idp" / "static"
BUDGET_BYTES = 10 * 1024
BUDGET_REQUESTS = 4
CSP = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; base-uri 'none'"
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
AXE = """(rules) => axe.run(document, {
    resultTypes: ['violations'], preload: false,
    runOnly: rules.length ? {type: 'rule', values: rules}
        : ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    rules: rules.length ? {} : {'target-size': {enabled: true}},
}).then(found => found.violations.map(v => v.id + ': ' + v.nodes.map(n => n.html).join(' | ')))"""
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"

every_page = pytest.mark.parametrize("case", CASES)


def render(case: str) -> str:
    """The page as a browser would get it."""
    template, context = CASES[case]
    return render_to_string(template, context)


def assets(html: str) -> list[str]:
    """What a page loads besides itself, without logos."""
    return re.findall(r'<(?:link|script)[^>]+(?:href|src)="(/static/[^"]+)"', html)


def stored(path: str) -> bytes:
    """The bytes of one static file."""
    return (STATIC / path.removeprefix("/static/")).read_bytes()


def test_no_page_is_left_out() -> None:
    shown = {template for template, _ in CASES.values()}
    pages = {
        str(path.relative_to(TEMPLATES))
        for folder in ("", "idp", "idp/account", "federation")
        for path in (TEMPLATES / folder).glob("*.html")
        if path.name != "base.html" and not path.name.startswith("_")
    }
    assert pages == shown


@every_page
def test_stays_within_weight_budget(case: str) -> None:
    html = render(case)
    parts = [html.encode(), *map(stored, assets(html))]
    assert len(parts) <= BUDGET_REQUESTS
    assert sum(len(gzip.compress(part)) for part in parts) <= BUDGET_BYTES


@every_page
def test_has_nothing_inline(case: str) -> None:
    html = render(case)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", html)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", html))


@every_page
def test_says_its_name_once(case: str) -> None:
    html = render(case)
    assert html.startswith("<!doctype html>")
    assert html.count("<h1") == html.count("<main") == html.count("<title") == 1
    assert '<html lang="en" dir="ltr">' in html
    assert "<title> ·" not in html


@every_page
def test_every_form_to_us_carries_its_token(case: str) -> None:
    for form in re.findall(r"<form.*?</form>", render(case), re.DOTALL):
        assert ("csrfmiddlewaretoken" in form) == ('id="autosubmit"' not in form)


@pytest.mark.parametrize("template", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: path.name)
def test_template_escapes_everything(template: Path) -> None:
    assert not re.search(r"\|\s*safe\b|autoescape\s+off|safeseq", template.read_text())


def test_values_are_escaped() -> None:
    attack = "\"><script>alert(1)</script>'"
    for template, context in CASES.values():
        html = render_to_string(template, {key: _poison(context[key], attack) for key in context})
        assert "<script>alert" not in html


def _poison(value: Any, attack: str) -> Any:
    if isinstance(value, str):
        return value + attack
    if isinstance(value, dict):
        return {key: _poison(inner, attack) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_poison(inner, attack) for inner in value]
    return value


class Pages(BaseHTTPRequestHandler):
    """Serves the rendered cases under our Content-Security-Policy."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path.startswith("/static/"):
            kind, body = TYPES[Path(path).suffix], stored(path)
        else:
            kind, body = "text/html; charset=utf-8", self.server.pages[path[1:]]  # type: ignore[attr-defined]
        self._answer(kind, body)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer("text/plain", body)

    def _answer(self, kind: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", CSP)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    server.pages = {case: render(case).encode() for case in CASES}  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def axe() -> str:
    return (resources.files("axe_playwright_python") / "axe.min.js").read_text()


@pytest.fixture(scope="module")
def window(chromium: Browser) -> Iterator[BrowserContext]:
    """A browser whose self-posting page stays, so that it can be looked at."""
    context = chromium.new_context()
    context.route("**/autosubmit.js", lambda route: route.fulfill(body=""))
    yield context
    context.close()


@pytest.fixture
def tab(window: BrowserContext) -> Iterator[Page]:
    page = window.new_page()
    yield page
    page.close()


@pytest.mark.browser
@every_page
def test_is_accessible_and_fits(case: str, tab: Page, address: str, axe: str) -> None:
    complaints: list[str] = []
    tab.on("console", lambda message: complaints.append(message.text))
    tab.emulate_media(color_scheme="light")
    tab.set_viewport_size({"width": 1280, "height": 800})
    tab.goto(f"{address}/{case}")
    tab.evaluate(axe)
    # Everything once wide and light, once narrow and dark; what changes with either, in between.
    found = [*tab.evaluate(AXE, [])]
    tab.emulate_media(color_scheme="dark")
    found += tab.evaluate(AXE, ["color-contrast"])
    for width in (640, 320, 360):  # 1280 px at 200 % and at 400 % zoom, a small phone
        tab.set_viewport_size({"width": width, "height": 740})
        assert tab.evaluate(OVERFLOW) == 0, f"overflows at {width} px"
    found += tab.evaluate(AXE, [])
    tab.emulate_media(color_scheme="light")
    found += tab.evaluate(AXE, ["color-contrast", "target-size"])
    assert found == []
    assert complaints == []


@pytest.mark.browser
@pytest.mark.parametrize("scripts", [True, False])
def test_self_posting_page_works_with_and_without_scripts(
    scripts: bool, chromium: Browser, address: str
) -> None:
    context = chromium.new_context(java_script_enabled=scripts)
    page = context.new_page()
    page.goto(f"{address}/form_post", wait_until="commit")
    if not scripts:
        page.get_by_role("button", name="Continue").click()
    page.wait_for_url("**/posted")
    assert page.locator("body").inner_text() == "code=a&state=b"
    context.close()


@pytest.mark.browser
def test_enter_signs_in_and_does_not_switch(chromium: Browser, address: str) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}/login_again")
    page.locator("#id_password").fill("secret")
    with page.expect_request(lambda request: request.method == "POST") as sent:
        page.keyboard.press("Enter")
    body = sent.value.post_data or ""
    assert "username=alice&password=secret" in body
    assert "switch" not in body
    assert "cancel" not in body
    context.close()


@pytest.mark.browser
def test_allow_and_deny_are_equal_in_size(tab: Page, address: str) -> None:
    tab.set_viewport_size({"width": 360, "height": 740})
    tab.goto(f"{address}/consent")
    allow = tab.locator("#consent-allow").bounding_box()
    deny = tab.locator("#consent-deny").bounding_box()
    assert allow is not None
    assert deny is not None
    assert (allow["width"], allow["height"]) == (deny["width"], deny["height"])
    assert allow["height"] >= 44


@pytest.mark.browser
def test_cursor_waits_where_it_is_needed(tab: Page, address: str) -> None:
    for case, field in (("login", "id_username"), ("login_error", "id_password")):
        tab.goto(f"{address}/{case}")
        assert tab.evaluate("document.activeElement.id") == field


@pytest.mark.browser
def test_tab_goes_from_name_to_password_to_sign_in(tab: Page, address: str) -> None:
    tab.goto(f"{address}/login")
    visited = []
    for _ in range(4):
        visited.append(tab.evaluate("document.activeElement.id || document.activeElement.href"))
        tab.keyboard.press("Tab")
    assert visited == ["id_username", "id_password", f"{address}/forgot", "login-submit"]


@pytest.mark.browser
def test_reference_is_copied_at_a_press(chromium: Browser, address: str) -> None:
    context = chromium.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(f"{address}/error")
    page.get_by_role("button", name="Copy").click()
    page.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == "7F3K-9QXM"
    context.close()
