"""Signing in, agreeing and leaving in Chromium: tabs, the back button, forms of other sites."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.support.browser import Visitor
from tests.support.server import Gatehouse

APPLICATION = "https://application.example"
CALLBACKS = [f"{APPLICATION}/callback", "http://127.0.0.1/callback"]
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
OTHER_SITE = "https://elsewhere.example"


@pytest.fixture(scope="module")
def client(gatehouse: Gatehouse) -> dict[str, str]:
    return gatehouse.register_client(
        {
            "client_name": "Acme Reports",
            "redirect_uris": CALLBACKS,
            "token_endpoint_auth_method": "none",
            "application_type": "native",
        }
    )


@pytest.fixture
def person(gatehouse: Gatehouse) -> str:
    """Somebody new, who has allowed nothing yet."""
    return gatehouse.create_user(f"visitor-{secrets.token_hex(4)}")


def parameters(client: dict[str, str], callback: str = CALLBACKS[0], **more: str) -> dict[str, str]:
    return {
        "response_type": "code",
        "client_id": client["client_id"],
        "redirect_uri": callback,
        "scope": "openid email",
        "state": "s t+a&te",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **more,
    }


def begin(gatehouse: Gatehouse, page: Page, asked: dict[str, str]) -> None:
    answer_for_applications(page.context)
    page.goto(gatehouse.url("/authorize?" + urlencode(asked)))


def answer_for_applications(context: BrowserContext) -> None:
    for pattern in (f"{APPLICATION}/**", "http://127.0.0.1/**"):
        context.route(pattern, lambda route: route.fulfill(body="back in the application"))


def told_by(page: Page, selector: str) -> dict[str, list[str]]:
    """What the application is told when this button has been pressed."""
    with page.expect_request(lambda request: request.url.startswith(tuple(CALLBACKS))) as sent:
        page.click(selector)
    return parse_qs(urlsplit(sent.value.url).query)


@pytest.mark.parametrize("callback", CALLBACKS)
@pytest.mark.parametrize("scripts", [True, False])
def test_allow_and_deny_reach_the_application(
    gatehouse: Gatehouse,
    visit: Callable[..., Visitor],
    client: dict[str, str],
    person: str,
    callback: str,
    scripts: bool,
) -> None:
    for button, expected in (("#consent-deny", "error"), ("#consent-allow", "code")):
        visitor = visit(java_script_enabled=scripts)
        begin(gatehouse, visitor.page, parameters(client, callback))
        visitor.sign_in(person, gatehouse.password)
        told = told_by(visitor.page, button)
        assert expected in told
        assert told["state"] == ["s t+a&te"]


def test_wrong_password_is_announced_and_keeps_the_name(
    gatehouse: Gatehouse, visitor: Visitor, client: dict[str, str], person: str
) -> None:
    page = visitor.page
    begin(gatehouse, page, parameters(client))
    visitor.sign_in(person, "wrong")
    page.get_by_role("alert").wait_for()
    assert page.input_value("#id_username") == person
    assert page.evaluate("document.activeElement.id") == "id_password"
    visitor.assert_accessible()
    page.reload()
    assert not page.get_by_role("alert").is_visible()


def test_back_button_never_asks_to_send_a_form_again(
    gatehouse: Gatehouse, visitor: Visitor, person: str
) -> None:
    page = visitor.page
    page.goto(gatehouse.url("/login"))
    visitor.sign_in(person, "wrong")
    page.get_by_role("alert").wait_for()
    visitor.sign_in(person, gatehouse.password)
    page.wait_for_url(gatehouse.url("/account"))
    page.go_back()
    page.get_by_role("heading", name="You are already signed in").wait_for()
    page.get_by_role("link", name="Continue").click()
    page.wait_for_url(gatehouse.url("/account"))


def test_second_tab_goes_on(
    gatehouse: Gatehouse, visitor: Visitor, client: dict[str, str], person: str
) -> None:
    first = visitor.page
    begin(gatehouse, first, parameters(client))
    second = visitor.context.new_page()
    begin(gatehouse, second, parameters(client))
    visitor.sign_in(person, gatehouse.password)
    told_by(first, "#consent-allow")
    second.bring_to_front()
    second.fill("#id_username", person)
    second.fill("#id_password", gatehouse.password)
    assert "code" in told_by(second, "#login-submit")


def test_late_form_leads_on(
    gatehouse: Gatehouse, visitor: Visitor, client: dict[str, str], person: str
) -> None:
    page = visitor.page
    begin(gatehouse, page, parameters(client))
    visitor.context.clear_cookies(name="gatehouse_csrf")
    visitor.sign_in(person, gatehouse.password)
    page.get_by_text("That took a while").wait_for()
    visitor.sign_in(person, gatehouse.password)
    assert "code" in told_by(page, "#consent-allow")


def test_form_of_another_site_begins_in_this_browser(
    gatehouse: Gatehouse, visitor: Visitor, client: dict[str, str], person: str
) -> None:
    """Its POST comes without our cookies, which are `SameSite=Lax`; the session is found again."""
    page = visitor.page
    page.goto(gatehouse.url("/login"))
    visitor.sign_in(person, gatehouse.password)
    fields = "".join(
        f'<input name="{name}" value="{value.replace("&", "&amp;")}">'
        for name, value in parameters(client).items()
    )
    body = f'<form method="post" action="{gatehouse.url("/authorize")}">{fields}<button>Go'
    visitor.context.route(
        f"{OTHER_SITE}/**", lambda route: route.fulfill(body=body, content_type="text/html")
    )
    answer_for_applications(visitor.context)
    page.goto(f"{OTHER_SITE}/")
    page.click("button")
    assert "code" in told_by(page, "#consent-allow")


def test_sign_out_asks_and_ends(gatehouse: Gatehouse, visitor: Visitor, person: str) -> None:
    page = visitor.page
    page.goto(gatehouse.url("/login"))
    visitor.sign_in(person, gatehouse.password)
    page.goto(gatehouse.url("/logout"))
    visitor.assert_accessible()
    page.click("#logout-confirm")
    page.wait_for_url(gatehouse.url("/logout/done"))
    page.go_back()
    page.goto(gatehouse.url("/account"))
    assert page.locator("#id_password").is_visible()


def test_password_change_ends_the_other_browser(
    gatehouse: Gatehouse, visit: Callable[..., Visitor], person: str
) -> None:
    here, there = visit(), visit()
    for visitor in (here, there):
        visitor.page.goto(gatehouse.url("/login"))
        visitor.sign_in(person, gatehouse.password)
    here.page.goto(gatehouse.url("/.well-known/change-password"))
    here.page.fill("#id_old_password", gatehouse.password)
    here.page.fill("#id_new_password1", "another long password")
    here.page.fill("#id_new_password2", "another long password")
    here.page.get_by_role("button", name="Change password").click()
    here.page.get_by_text("Your password is changed").wait_for()
    there.page.goto(gatehouse.url("/account"))
    assert there.page.locator("#id_password").is_visible()
