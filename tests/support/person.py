"""A person at a browser without JavaScript, over real HTTP: cookies, links and forms."""

from __future__ import annotations

import time
from html.parser import HTMLParser
from http.cookiejar import Cookie, DefaultCookiePolicy, eff_request_host
from typing import Any
from urllib.parse import urljoin

import requests

TIMEOUT = 60  # for the slowest machine; nothing is timed
MOST_STEPS = 300


class _Forms(HTMLParser):
    """Every form of a page: its action and its fields."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        facts = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append((facts.get("action", ""), {}))
        elif tag == "input" and self.forms and "name" in facts:
            self.forms[-1][1][facts["name"]] = facts.get("value", "")


class _Links(HTMLParser):
    """The elements by ID that a script of the page uses to go on, with where they lead."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        facts = {name: value or "" for name, value in attrs}
        if tag in ("a", "form") and "id" in facts:
            self.found[facts["id"]] = facts.get("href", "")


class _LikeBrowsers(DefaultCookiePolicy):
    """A cookie may name its own host as its domain, dots in it or not (RFC 6265 §5.3)."""

    def set_ok(self, cookie: Cookie, request: Any) -> bool:
        host, stored_as = eff_request_host(request)
        if cookie.domain.lstrip(".") == host:
            cookie.domain, cookie.domain_specified = stored_as, False
        return super().set_ok(cookie, request)


class Elsewhere(requests.adapters.BaseAdapter):
    """Every https address, which no test serves: the person arrives there, and that is all."""

    def send(self, request: Any, *args: Any, **options: Any) -> requests.Response:
        page = requests.Response()
        page.status_code, page.url, page.request = 200, request.url, request
        page._content = b""
        return page

    def close(self) -> None:
        """Nothing is held."""


class Person:
    """One browser; redirects are followed as browsers do, forms are sent as they stand."""

    def __init__(self) -> None:
        self.session = requests.Session()
        self.session.mount("https://", Elsewhere())
        self.session.cookies.set_policy(_LikeBrowsers())

    def open(self, url: str, **options: Any) -> requests.Response:
        """GET a page."""
        return self.session.get(url, timeout=TIMEOUT, **options)

    def cancel(self, page: requests.Response) -> requests.Response:
        """Press *Cancel* on Gatehouse's sign-in page."""
        parser = _Forms()
        parser.feed(page.text)
        (form,) = [fields for _, fields in parser.forms if "username" in fields]
        return self.session.post(page.url, {**form, "cancel": "1"}, timeout=TIMEOUT)

    def follow(self, page: requests.Response) -> requests.Response:
        """Go on from pages that only lead on, as their scripts would; returns where that ends."""
        for _ in range(MOST_STEPS):
            links = _Links()
            links.feed(page.text)
            if "autosubmit" in links.found:
                page = self.submit(page)
            elif "logout-continue" in links.found:
                time.sleep(0.1)  # it may be waiting for applications
                page = self.open(urljoin(page.url, links.found["logout-continue"]))
            else:
                return page
        raise AssertionError(f"It never ends: {page.url}\n{page.text}")

    def submit(self, page: requests.Response, **values: str) -> requests.Response:
        """Send the first form of a page that has these fields, or the only one."""
        parser = _Forms()
        parser.feed(page.text)
        fitting = [one for one in parser.forms if values.keys() <= one[1].keys()]
        action, fields = (fitting or parser.forms)[0]
        address = urljoin(page.url, action or page.url)
        return self.session.post(address, {**fields, **values}, timeout=TIMEOUT)

    def sign_in(self, page: requests.Response, name: str, password: str) -> requests.Response:
        """Fill in Gatehouse's sign-in page, which is shown."""
        return self.submit(page, username=name, password=password)
