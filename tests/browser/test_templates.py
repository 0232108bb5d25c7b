"""The page templates, rendered with representative contexts and looked at in Chromium.

Weight, markup and the absence of inline script are read from the text; accessibility (WCAG 2.2 AA
by axe), the Content-Security-Policy and narrow screens from the browser.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.template.loader import render_to_string
from playwright.sync_api import Browser, Page, Route

from tests.browser.page_contexts import CASES
from tests.support.browser import Visitor

TEMPLATES = Path(settings.BASE_DIR) / "templates"
STATIC = Path(settings.BASE_DIR) / "idp" / "static"
ADDRESS = "https://gatehouse.example"
BUDGET_BYTES = 10 * 1024
BUDGET_REQUESTS = 4
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; base-uri 'none';"
    " frame-src https://reports.acme.example"
)
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

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


def answer(route: Route) -> None:
    """Stand in for the service: a rendered case, a static file, or what was posted."""
    path = urlsplit(route.request.url).path
    if route.request.method == "POST":
        kind, body = "text/plain", route.request.post_data_buffer or b""
    elif path.startswith("/static/"):
        kind, body = TYPES[Path(path).suffix], stored(path)
    else:
        kind, body = "text/html; charset=utf-8", render(path[1:]).encode()
    headers = {"Content-Type": kind, "Content-Security-Policy": CSP}
    route.fulfill(body=body, headers=headers)


@pytest.fixture
def open_(visit: Callable[..., Visitor]) -> Callable[..., Page]:
    """Open a case in a fresh profile: `open_("login", java_script_enabled=False)`."""

    def show(case: str, **options: Any) -> Page:
        visitor = visit(**options)
        visitor.context.route(f"{ADDRESS}/**", answer)
        visitor.page.goto(f"{ADDRESS}/{case}", wait_until="commit")
        return visitor.page

    return show


@pytest.fixture(scope="module")
def looking(chromium: Browser) -> Iterator[Visitor]:
    """One profile for all pages; those that lead on stay, so that they can be looked at."""
    visitor = Visitor(chromium)
    visitor.context.route(f"{ADDRESS}/**", answer)
    for script in ("autosubmit", "logout"):
        visitor.context.route(f"**/{script}.js", lambda route: route.fulfill(body=""))
    visitor.context.route(
        "https://reports.acme.example/**", lambda route: route.fulfill(body="<!doctype html>")
    )
    yield visitor
    visitor.close()


@every_page
def test_is_accessible_and_fits(case: str, looking: Visitor) -> None:
    page = looking.page
    page.goto(f"{ADDRESS}/{case}")
    # Colours do not depend on the width, nor sizes on the colours: two looks see all four.
    for scheme, width in (("light", 1280), ("dark", 360)):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 740})
        looking.assert_accessible()
    for width in (1280, 640, 360, 320):  # also at 200 % and at 400 % zoom
        page.set_viewport_size({"width": width, "height": 740})
        looking.assert_fits()
    looking.assert_clean()


@pytest.mark.parametrize("scripts", [True, False])
def test_self_posting_page_works_with_and_without_scripts(
    scripts: bool, open_: Callable[..., Page]
) -> None:
    page = open_("form_post", java_script_enabled=scripts)
    if not scripts:
        page.get_by_role("button", name="Continue").click()
    page.wait_for_url("**/posted")
    assert page.locator("body").inner_text() == "code=a&state=b"


def test_enter_signs_in_and_does_not_switch(open_: Callable[..., Page]) -> None:
    page = open_("login_again", java_script_enabled=False)
    page.locator("#id_password").fill("secret")
    with page.expect_request(lambda request: request.method == "POST") as sent:
        page.keyboard.press("Enter")
    body = sent.value.post_data or ""
    assert "username=alice&password=secret" in body
    assert "switch" not in body
    assert "cancel" not in body


def test_allow_and_deny_are_equal_in_size(open_: Callable[..., Page]) -> None:
    page = open_("consent", viewport={"width": 360, "height": 740})
    allow = page.locator("#consent-allow").bounding_box()
    deny = page.locator("#consent-deny").bounding_box()
    assert allow is not None
    assert deny is not None
    assert (allow["width"], allow["height"]) == (deny["width"], deny["height"])
    assert allow["height"] >= 44


@pytest.mark.parametrize(
    ("case", "field"), [("login", "id_username"), ("login_error", "id_password")]
)
def test_cursor_waits_where_it_is_needed(case: str, field: str, open_: Callable[..., Page]) -> None:
    page = open_(case)
    page.wait_for_load_state()
    page.wait_for_selector(f"#{field}:focus")


def test_tab_goes_from_name_to_password_to_sign_in(open_: Callable[..., Page]) -> None:
    page = open_("login")
    page.wait_for_selector("#id_username:focus")
    visited = []
    for _ in range(3):
        page.keyboard.press("Tab")
        visited.append(page.evaluate("document.activeElement.id || document.activeElement.href"))
    assert visited == ["id_password", f"{ADDRESS}/forgot", "login-submit"]


def test_reference_is_copied_at_a_press(open_: Callable[..., Page]) -> None:
    page = open_("error", permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy").click()
    page.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == "7F3K-9QXM"
