"""The browser's state: one per session, another after the end, readable by our frame alone."""

from __future__ import annotations

import hashlib
import uuid
from http.cookies import SimpleCookie
from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings

from idp.accounts import session_state
from idp.models import Session
from tests.support.sign_in import Browser

NAME = "gatehouse_browser_state"
CALLBACK = "https://application.example/callback"


def value_of(header: str) -> str:
    cookie: SimpleCookie = SimpleCookie(header)
    (morsel,) = cookie.values()
    return morsel.value


def expected(state: str, session_state_: str, client_id: str = "c") -> str:
    salt = session_state_.partition(".")[2]
    text = f"{client_id} https://application.example {state} {salt}"
    return f"{hashlib.sha256(text.encode()).hexdigest()}.{salt}"


def test_session_state_is_computed_from_the_cookie() -> None:
    session_id = uuid.uuid4()
    told = session_state.of(session_id, client_id="c", redirect_uri=CALLBACK)
    assert told == expected(value_of(session_state.cookie(session_id)), told)


def test_another_session_client_or_time_gives_another() -> None:
    session_id = uuid.uuid4()
    told = {
        session_state.of(one, client_id=client_id, redirect_uri=CALLBACK)
        for one in (session_id, session_id, uuid.uuid4())
        for client_id in ("c", "d")
    }
    assert len(told) == 6


def test_no_origin_no_state() -> None:
    told = session_state.of(uuid.uuid4(), client_id="c", redirect_uri="com.example.app:/back")
    assert told == ""


def test_says_nothing_of_the_session() -> None:
    session_id = uuid.uuid4()
    header = session_state.cookie(session_id)
    assert session_id.hex not in header
    assert str(session_id) not in header


def test_cookie_on_loopback() -> None:
    header = session_state.cookie(uuid.uuid4())
    assert header.startswith(f"{NAME}=")
    assert "HttpOnly" not in header
    assert "SameSite=Lax" in header


def test_cookie_on_https() -> None:
    secure = settings.IDP.model_copy(update={"issuer": "https://id.example"})
    with override_settings(IDP=secure):
        header = session_state.cookie(uuid.uuid4())
    assert header.startswith(f"__Host-{NAME}=")
    for part in ("Secure", "SameSite=None", "Path=/"):
        assert part in header
    assert "HttpOnly" not in header


class TestInTheBrowser:
    def state(self, browser: Browser) -> str:
        morsel = browser.cookies.get(NAME)
        return morsel.value if morsel else ""

    def test_begins_with_the_session_and_changes_with_its_end(
        self, browser: Browser, alice: Any
    ) -> None:
        browser.sign_in()
        signed_in = self.state(browser)
        assert signed_in == value_of(session_state.cookie(Session.objects.get().pk))
        browser.submit(browser.open("/logout"), logout="1")
        signed_out = self.state(browser)
        assert signed_out not in ("", signed_in)

    def test_a_stranger_gets_none(self, browser: Browser, db: None) -> None:
        browser.open("/login")
        assert self.state(browser) == ""

    def test_a_session_from_before_gets_one(self, browser: Browser, alice: Any) -> None:
        browser.sign_in()
        signed_in = self.state(browser)
        del browser.cookies[NAME]
        browser.open("/account")
        assert self.state(browser) == signed_in

    def test_follows_an_end_elsewhere(self, browser: Browser, alice: Any) -> None:
        browser.sign_in()
        signed_in = self.state(browser)
        Session.objects.update(ended_at=Session.objects.get().created_at)
        browser.open("/login")
        ended = self.state(browser)
        assert ended not in ("", signed_in)
        browser.open("/login")
        assert self.state(browser) == ended

    def test_is_not_sent_again_without_need(self, browser: Browser, alice: Any) -> None:
        browser.sign_in()
        assert NAME not in browser.get("/account").cookies

    @pytest.mark.parametrize("path", ["/", "/account", "/login"])
    def test_proof_again_keeps_it(self, browser: Browser, alice: Any, path: str) -> None:
        browser.sign_in()
        before = self.state(browser)
        browser.open(path)
        assert self.state(browser) == before
