"""A person at a browser without JavaScript, over real HTTP: cookies, links and forms."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin

import requests

TIMEOUT = 60  # for the slowest machine; nothing is timed


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

    def open(self, url: str, **options: Any) -> requests.Response:
        """GET a page."""
        return self.session.get(url, timeout=TIMEOUT, **options)

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
