"""Headless Chromium as a person's browser: no policy violated, no script error, no axe finding."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import axe_playwright_python
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from tests.support import programs

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
RUN_AXE = """rules => axe.run(document, {
    resultTypes: ['violations'], preload: false, runOnly: rules,
    rules: {'target-size': {enabled: true}},
})"""
REPORT = """
addEventListener('securitypolicyviolation', event => console.error(
    'CSP: ' + event.effectiveDirective + ' ' + event.blockedURI + ' ' + event.sourceFile));
"""
LIMIT_MILLISECONDS = 90_000


@contextmanager
def launch() -> Iterator[Browser]:
    """Debian's Chromium; raises MissingProgram."""
    executable = programs.CHROMIUM.path()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


class Visitor:
    """One browser profile with a page; it notes what a careful developer would see in the console.

    The fixtures end with `assert_clean()`; a test that provokes a complaint names a part of it
    in `expected`.
    """

    def __init__(self, browser: Browser, **options: Any) -> None:
        self.context: BrowserContext = browser.new_context(**options)
        self.context.set_default_timeout(LIMIT_MILLISECONDS)
        self.complaints: list[str] = []
        self.expected: list[str] = []
        self.context.add_init_script(REPORT)
        self.context.on("console", self._console)
        self.context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        self.page: Page = self.context.new_page()

    def close(self) -> None:
        """Forget the profile."""
        self.context.close()

    def assert_clean(self) -> None:
        """No violation of the Content-Security-Policy and no script error, on any page so far."""
        unexpected = [
            complaint
            for complaint in self.complaints
            if not any(part in complaint for part in self.expected)
        ]
        assert not unexpected, "\n".join(unexpected)

    def assert_accessible(self, page: Page | None = None, *, skip: Sequence[str] = ()) -> None:
        """No axe violation on the page as it is (WCAG 2.2 A and AA, best practice)."""
        found = axe(page or self.page)
        unexpected = {rule: nodes for rule, nodes in found.items() if rule not in skip}
        assert not unexpected, json.dumps(unexpected, indent=2)

    def assert_fits(self, page: Page | None = None) -> None:
        """Nothing sticks out sideways."""
        ask = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert (page or self.page).evaluate(ask) <= 0

    def sign_in(self, name: str, password: str) -> None:
        """Fill in Gatehouse's sign-in page, which is shown."""
        self.page.fill("#id_username", name)
        self.page.fill("#id_password", password)
        self.page.click("#login-submit")

    def _console(self, message: ConsoleMessage) -> None:
        refused = "Content Security Policy" in message.text or message.text.startswith("CSP: ")
        failed = message.type == "error" and "Failed to load resource" not in message.text
        if refused or failed:
            self.complaints.append(f"{message.page.url if message.page else ''}: {message.text}")


def axe(page: Page) -> dict[str, list[str]]:
    """Rules that the page breaks, each with the elements that do.

    Playwright evaluates past the page's policy, so that axe runs under a strict one too.
    """
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text() + "; null")
    result = page.evaluate(RUN_AXE, RULES)
    return {
        violation["id"]: [node["html"] for node in violation["nodes"]]
        for violation in result["violations"]
    }
