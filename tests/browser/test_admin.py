"""The administration in Chromium: accessible, without policy violations, and pleasant to use."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.attacks.saml.service_provider import ServiceProvider
from tests.support.browser import Visitor
from tests.support.server import Gatehouse

pytestmark = pytest.mark.browser

SCHEMES = ("light", "dark")
WIDTHS = (1280, 360)


def name_of_its_own(prefix: str) -> str:
    """Tests share a server: each registers applications under names of its own."""
    return f"{prefix} {secrets.token_hex(3)}"


def enter(visitor: Visitor, gatehouse: Gatehouse, path: str = "/admin/") -> Page:
    """Open a page of the administration through the sign-in."""
    visitor.page.goto(gatehouse.url(path))
    visitor.sign_in("admin", gatehouse.password)
    visitor.page.wait_for_url(gatehouse.url(path))
    return visitor.page


@pytest.fixture
def application(gatehouse: Gatehouse) -> dict[str, Any]:
    """A registered web application."""
    name = name_of_its_own("Acme")
    return gatehouse.register_client(
        {"client_name": name, "redirect_uris": ["https://acme.example/callback"]}
    )


def open_application(page: Page, gatehouse: Gatehouse, term: str) -> None:
    """Its page, by the search field of every page."""
    page.goto(gatehouse.url("/admin/"))
    page.fill("#find-term", term)
    page.press("#find-term", "Enter")
    page.wait_for_url("**/change/")


PAGES = (
    "/admin/",
    "/admin/idp/application/",
    "/admin/connect/",
    "/admin/connect/web/",
    "/admin/connect/machine/",
    "/admin/connect/saml/",
    "/admin/connect/saml/applications/",
    "/admin/connect/saml/applications/?q=nothing+like+it",
    "/admin/connect/saml/applications/salesforce/",
    "/admin/idp/signin/",
    "/admin/idp/logoutnotification/",
    "/admin/idp/auditevent/",
    "/admin/idp/signingkey/",
    "/admin/idp/signingkey/rotate/saml-enc/RSA-OAEP/",
    "/admin/keys/saml/",
    "/admin/idp/user/",
    "/admin/idp/user/add/",
    "/admin/idp/group/",
    "/admin/idp/resource/add/",
    "/admin/idp/session/",
    "/admin/find/?q=nothing",
)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_pages_are_accessible_and_fit(
    gatehouse: Gatehouse,
    application: dict[str, Any],
    visit: Callable[..., Visitor],
    scheme: str,
    width: int,
) -> None:
    visitor = visit(color_scheme=scheme, viewport={"width": width, "height": 800})
    page = enter(visitor, gatehouse)
    for path in PAGES:
        page.goto(gatehouse.url(path))
        visitor.assert_accessible()
        visitor.assert_fits()
    open_application(page, gatehouse, application["client_id"])
    for tab in page.locator(".tabs a").all():
        tab.click()
        visitor.assert_accessible()
        visitor.assert_fits()
    with page.expect_navigation():
        page.click("text=Settings to copy")
    visitor.assert_accessible()
    visitor.assert_fits()


def test_strangers_sign_in_and_come_back(gatehouse: Gatehouse, visitor: Visitor) -> None:
    page = enter(visitor, gatehouse, "/admin/idp/signingkey/")
    expect(page.locator("h1")).to_have_text("Keys")


def test_people_who_are_no_administrators_are_told(gatehouse: Gatehouse, visitor: Visitor) -> None:
    visitor.page.goto(gatehouse.url("/admin/"))
    visitor.sign_in("alice", gatehouse.password)
    expect(visitor.page.locator("h1")).to_have_text("This page is not for you")
    visitor.assert_accessible()


def test_connects_a_web_application(gatehouse: Gatehouse, visitor: Visitor) -> None:
    visitor.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = enter(visitor, gatehouse)
    page.click("text=Connect an application")
    page.click("text=Web application")
    page.click("text=Register it")
    expect(page.locator(".errorlist").first).to_be_visible()
    visitor.assert_accessible()
    name = name_of_its_own("Grafana")
    page.fill("#id_name", name)
    page.fill("#id_redirect_uris", "https://grafana.example/login/generic_oauth")
    page.click("text=Register it")
    expect(page.locator("h1")).to_have_text(f"What shall {name} know?")
    visitor.assert_accessible()
    page.click("text=Leave it as it is")
    secret = page.inner_text("[data-secret]")
    assert len(secret) > 40
    visitor.assert_accessible()
    button = page.locator("dd:has([data-secret]) button")
    button.click()
    expect(button).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == secret
    page.reload()
    expect(page.locator("[data-secret]")).to_have_count(0)
    assert secret not in page.content()


def test_the_preview_follows_the_typing(
    gatehouse: Gatehouse, application: dict[str, Any], visitor: Visitor
) -> None:
    page = enter(visitor, gatehouse)
    open_application(page, gatehouse, application["client_id"])
    page.fill("#preview-person", "alice")
    page.fill("#id_mappings-0-claim", "nick")
    page.fill("#id_mappings-0-key", "username")
    page.fill("#id_mappings-0-transforms", "uper")
    expect(page.locator("#preview-result .note.bad")).to_contain_text("Did you mean “upper”?")
    expect(page.locator("#id_mappings-0-transforms")).to_have_attribute("aria-invalid", "true")
    visitor.assert_accessible()
    page.fill("#id_mappings-0-transforms", "upper")
    expect(page.locator("#preview-result .added")).to_contain_text('"nick": "ALICE"')
    expect(page.locator("#preview-result .impact")).to_contain_text("nick")
    visitor.assert_accessible()
    page.select_option("#preview-target", "userinfo")
    expect(page.locator("#preview-result .added")).to_contain_text('"nick": "ALICE"')
    page.click("text=Save and continue editing")
    expect(page.locator("#preview-result")).to_contain_text("as it is today")


def test_rows_can_be_added(
    gatehouse: Gatehouse, application: dict[str, Any], visitor: Visitor
) -> None:
    page = enter(visitor, gatehouse)
    open_application(page, gatehouse, application["client_id"])
    page.fill("#id_mappings-0-claim", "one")
    page.fill("#id_mappings-0-key", "username")
    page.click("#mapping-add")
    page.fill("#id_mappings-1-claim", "two")
    page.fill("#id_mappings-1-key", "email")
    assert page.input_value("#id_mappings-1-position") == "2"
    visitor.assert_accessible()
    page.click("text=Save and continue editing")
    assert page.input_value("#id_mappings-1-claim") == "two"


def test_the_test_sign_in_shows_what_would_be_received(
    gatehouse: Gatehouse, application: dict[str, Any], visitor: Visitor
) -> None:
    page = enter(visitor, gatehouse)
    open_application(page, gatehouse, application["client_id"])
    page.click("main button:has-text('Test sign-in')")
    page.click("#consent-allow")
    expect(page.locator("h1")).to_contain_text("It works")
    expect(page.locator("main")).to_contain_text('"preferred_username": "admin"')
    visitor.assert_accessible()


def test_connects_a_saml_application_and_tests_it(gatehouse: Gatehouse, visitor: Visitor) -> None:
    page = enter(visitor, gatehouse, "/admin/connect/saml/")
    page.fill("#id_xml", "<not xml")
    page.click("text=Look at it")
    expect(page.locator(".errorlist")).to_contain_text("cannot be read")
    visitor.assert_accessible()
    page.fill("#id_xml", "")
    name = name_of_its_own("Travel")
    host = f"https://{secrets.token_hex(4)}.example"
    page.fill("#id_name", name)
    page.click("text=Without metadata: two addresses")
    page.fill("#id_entity_id", f"{host}/sp")
    page.fill("#id_acs_url", f"{host}/acs")
    page.click("text=Look at it")
    expect(page.locator("h1")).to_have_text("Is this right?")
    visitor.assert_accessible()
    page.click("text=Register it")
    expect(page.locator("#preview-result")).to_contain_text("saml:Assertion")
    visitor.assert_accessible()
    with page.expect_navigation():
        page.click("text=Leave it as it is")
    visitor.assert_accessible()
    page.click("main button:has-text('Test sign-in')")
    expect(page.locator("h1")).to_contain_text("It works")
    visitor.assert_accessible()


def test_connects_a_saas_application_by_its_template(
    gatehouse: Gatehouse, visit: Callable[..., Visitor]
) -> None:
    for scheme, width in ((scheme, width) for scheme in SCHEMES for width in WIDTHS):
        visitor = visit(color_scheme=scheme, viewport={"width": width, "height": 800})
        page = enter(visitor, gatehouse, "/admin/connect/")
        page.click("text=SAML application")
        page.fill("#saas-words", "zendesk")
        page.press("#saas-words", "Enter")
        page.keyboard.press("Tab")
        page.click(".choice:has-text('Zendesk')")
        with page.expect_navigation():
            page.click("text=Look at it")
        visitor.assert_accessible()
        page.fill("#id_value_subdomain", f"s{secrets.token_hex(4)}")
        page.press("#id_value_subdomain", "Enter")
        expect(page.locator("h1")).to_have_text("Is this right?")
        expect(page.locator("main")).to_contain_text("good to know")
        visitor.assert_accessible()
        visitor.assert_fits()
        page.click("text=Register it")
        expect(page.locator("#preview-result")).to_contain_text("saml:Assertion")
        page.click("text=Leave it as it is")
        expect(page.locator("main")).to_contain_text("Certificate fingerprint")
        visitor.assert_accessible()
        visitor.assert_fits()
        page.click("a.button:has-text('To the application')")
        page.wait_for_url("**/change/")
        expect(page.locator("main")).to_contain_text("Before the first sign-in")
        visitor.assert_accessible()
        visitor.assert_fits()
        page.click("main button:has-text('Test sign-in')")
        page.goto(gatehouse.url("/admin/idp/signin/"))
        page.click("tbody tr:first-child a")
        expect(page.locator("main")).to_contain_text("What was sent")
        visitor.assert_accessible()
        visitor.assert_fits()


def test_a_text_of_five_megabytes_loses_nothing_else(
    gatehouse: Gatehouse, visitor: Visitor
) -> None:
    page = enter(visitor, gatehouse, "/admin/connect/saml/")
    page.fill("#id_name", "Typed")
    page.evaluate("document.getElementById('id_xml').value = 'x'.repeat(5 * 1024 * 1024)")
    page.click("text=Look at it")
    expect(page.locator(".errorlist")).to_contain_text("larger than 1 MB")
    assert page.input_value("#id_name") == "Typed"


def test_everything_works_without_scripts(
    gatehouse: Gatehouse, application: dict[str, Any], visit: Callable[..., Visitor]
) -> None:
    visitor = visit(java_script_enabled=False)
    page = enter(visitor, gatehouse)
    open_application(page, gatehouse, application["client_id"])
    for part in ("Claims", "OpenID Connect and OAuth", "Access", "What people see"):
        expect(page.get_by_role("heading", name=part, exact=True)).to_be_visible()
    page.fill("#preview-person", "alice")
    page.fill("#id_mappings-0-claim", "nick")
    page.fill("#id_mappings-0-key", "username")
    page.click("[name=_preview]")
    expect(page.locator("#preview-result .added")).to_contain_text('"nick": "alice"')
    assert page.input_value("#id_mappings-0-claim") == "nick"
    page.click("text=Save and continue editing")
    expect(page.locator("#preview-result")).to_contain_text("as it is today")
    page.click("text=Settings to copy")
    expect(page.locator("h1")).to_contain_text("Settings for")


def test_slash_goes_to_the_search_field(gatehouse: Gatehouse, visitor: Visitor) -> None:
    page = enter(visitor, gatehouse)
    page.keyboard.press("/")
    expect(page.locator("#find-term")).to_be_focused()
    page.keyboard.type("a/b")
    assert page.input_value("#find-term") == "a/b"
    page.goto(gatehouse.url("/admin/idp/user/"))
    page.keyboard.press("/")
    expect(page.locator("#searchbar")).to_be_focused()


def test_after_an_error_the_wrong_field_has_the_focus(
    gatehouse: Gatehouse, visitor: Visitor
) -> None:
    page = enter(visitor, gatehouse, "/admin/connect/saml/")
    page.fill("[name=xml]", "hello")
    page.click("text=Look at it")
    expect(page.locator("[name=xml]")).to_be_focused()
    page.goto(gatehouse.url("/admin/federation/metadatasource/add/"))
    page.click("[name=_save]")
    expect(page.locator("[name=name]")).to_be_focused()


def test_the_menu_opens_on_a_phone(gatehouse: Gatehouse, visit: Callable[..., Visitor]) -> None:
    visitor = visit(viewport={"width": 360, "height": 700})
    page = enter(visitor, gatehouse)
    expect(page.locator("#navigation")).to_be_hidden()
    page.click("text=Menu")
    visitor.assert_accessible()
    page.click("#navigation >> text=Sign-ins")
    expect(page.locator("h1")).to_have_text("Sign-ins")


def test_rotates_a_key(gatehouse: Gatehouse, visitor: Visitor) -> None:
    page = enter(visitor, gatehouse, "/admin/idp/signingkey/")
    page.click("section:has-text('OpenID Connect ES256') >> text='Rotate'")
    expect(page.locator("main")).to_contain_text("starts to sign")
    page.click("main button:has-text('Rotate')")
    expect(page.locator(".messagelist")).to_contain_text("signs now")
    visitor.assert_accessible()


def test_creates_disables_and_deletes_a_person(gatehouse: Gatehouse, visitor: Visitor) -> None:
    page = enter(visitor, gatehouse, "/admin/idp/user/add/")
    name = f"carol{secrets.token_hex(3)}"
    page.fill("#id_username", name)
    page.fill("#id_email", f"{name}@example.org")
    page.fill("#id_password1", "a long and fine password")
    page.fill("#id_password2", "another one")
    page.click("text=Save and continue editing")
    expect(page.locator(".errorlist").first).to_contain_text("do not match")
    visitor.assert_accessible()
    page.fill("#id_password1", "a long and fine password")
    page.fill("#id_password2", "a long and fine password")
    page.click("text=Save and continue editing")
    expect(page.locator("h1")).to_contain_text(name)
    visitor.assert_accessible()
    page.click("text=Disable")
    visitor.assert_accessible()
    page.click("main button:has-text('Disable')")
    expect(page.locator("h1 .state")).to_have_text("disabled")
    page.click(".deletelink")
    visitor.assert_accessible()
    page.click("text=Delete this person")
    expect(page.locator(".messagelist")).to_be_visible()


def test_a_reference_leads_from_the_error_page_to_the_trace(
    gatehouse: Gatehouse, application: dict[str, Any], visitor: Visitor
) -> None:
    page = visitor.page
    wrong = f"/authorize?response_type=code&client_id={application['client_id']}"
    page.goto(gatehouse.url(f"{wrong}&redirect_uri=https://evil.example/"))
    reference = page.inner_text("#error-reference")
    enter(visitor, gatehouse)
    page.fill("#find-term", reference)
    page.press("#find-term", "Enter")
    expect(page.locator("#reference")).to_have_text(reference)
    expect(page.locator("main")).to_contain_text("https://evil.example/")
    expect(page.locator("main")).to_contain_text("failed")
    visitor.assert_accessible()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_saml_trace_shows_request_checks_and_answer(
    gatehouse: Gatehouse, visit: Callable[..., Visitor], scheme: str, width: int
) -> None:
    visitor = visit(color_scheme=scheme, viewport={"width": width, "height": 800})
    page = visitor.page
    sp = ServiceProvider(
        entity_id=f"https://{secrets.token_hex(4)}.example/sp",
        destination=gatehouse.url("/saml/sso"),
    )
    page.goto(gatehouse.url(f"/saml/sso?{sp.redirect(sp.text(), signed=False).decode()}"))
    reference = page.inner_text("#error-reference")
    enter(visitor, gatehouse)
    page.fill("#find-term", reference)
    page.press("#find-term", "Enter")
    expect(page.locator("#reference")).to_have_text(reference)
    expect(page.locator("main pre")).to_contain_text("<samlp:AuthnRequest")
    expect(page.locator("main")).to_contain_text("Register the service provider")
    visitor.assert_accessible()
    visitor.assert_fits()


def test_a_session_that_ends_while_somebody_types_loses_nothing(
    gatehouse: Gatehouse, visitor: Visitor
) -> None:
    page = enter(visitor, gatehouse, "/admin/idp/group/add/")
    name = name_of_its_own("group")
    page.fill("#id_name", name)
    visitor.context.clear_cookies(name="gatehouse_session")
    page.click("text=Save and continue editing")
    expect(page.locator("h1")).to_have_text("You have been signed out")
    visitor.assert_accessible()
    with visitor.context.expect_page() as opened:
        page.click("text=Sign in in another tab")
    other = opened.value
    other.fill("#id_username", "admin")
    other.fill("#id_password", gatehouse.password)
    other.click("#login-submit")
    expect(other.locator("h1")).to_contain_text("Good to see you")
    page.click("button:has-text('Send it again')")
    expect(page.locator("h1")).to_have_text(name)
