"""OAuth 2.0 Form Post Response Mode."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest

from idp.protocol import jose
from tests.support.protocol import RelyingParty, World, answer, header

S = "OAuth Form Post"


class Page(HTMLParser):
    """The form of a page, its buttons and scripts."""

    def __init__(self, response: Any) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.form: dict[str, str | None] = {}
        self.buttons = 0
        self.inline = False
        self._script = False
        self.feed(response.body.decode())

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        facts = dict(attrs)
        self._script = tag == "script"
        if tag == "form":
            self.form = facts
        elif tag == "input":
            self.fields[facts["name"]] = facts["value"]
        self.buttons += tag == "button"
        self.inline |= any(name.startswith("on") for name in facts)

    def handle_data(self, data: str) -> None:
        self.inline |= self._script and bool(data.strip())

    def handle_endtag(self, tag: str) -> None:
        self._script = False


STATE = "\"><script>alert(1)</script>&'é漢 \\"


@pytest.mark.standard(S, "2", "success: a form that posts itself, escaped, nothing in the URL")
def test_success(world: World, web: RelyingParty) -> None:
    response = web.authorize(world.session, response_mode="form_post", state=STATE)
    assert response.status == 200
    assert header(response, "Location") == ""
    page = Page(response)
    assert page.form["method"] == "post"
    assert page.form["action"] == "https://application.example/callback"
    assert page.fields.keys() == {"code", "state", "iss", "session_state"}
    assert page.fields["state"] == STATE
    assert web.redeem(page.fields["code"]).status == 200


@pytest.mark.standard(S, "2", "errors in the same way")
def test_error(world: World, web: RelyingParty) -> None:
    response = web.authorize(None, response_mode="form_post", state=STATE, prompt="none")
    page = Page(response)
    assert page.fields["error"] == "login_required"
    assert page.fields["state"] == STATE
    assert page.fields["iss"] == "http://localhost:8000"


@pytest.mark.standard("OIDC Core", "6.1", "nothing inside an unsigned request object is read")
@pytest.mark.parametrize("outside", [{}, {"response_mode": "form_post"}])
def test_unsigned_request_object(world: World, web: RelyingParty, outside: dict[str, str]) -> None:
    inside = jose.encode(b'{"response_mode":"form_post","state":"inside","client_id":"other"}')
    unsigned = f"eyJhbGciOiJub25lIn0.{inside}."
    response = web.authorize(None, request=unsigned, state="outside", **outside)
    members = Page(response).fields if outside else answer(response)
    assert members["error"] == "invalid_request_object"
    assert members["state"] == "outside"


@pytest.mark.standard(
    "OAuth Multiple Response Types", "2.1", "a button without JavaScript, no inline"
)
def test_page(world: World, web: RelyingParty) -> None:
    response = web.authorize(world.session, response_mode="form_post")
    page = Page(response)
    assert page.buttons == 1
    assert not page.inline
    policy = header(response, "Content-Security-Policy")
    assert "form-action" not in policy
    assert "'unsafe-inline'" not in policy
    assert header(response, "Cache-Control") == "no-store"
