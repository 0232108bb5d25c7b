"""The roll-over's pages in Chromium: readable in both schemes, on a phone, and without a script."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Page, expect

from tests.attacks.saml.service_provider import ServiceProvider
from tests.support.browser import Visitor
from tests.support.person import TIMEOUT
from tests.support.saml import metadata_of
from tests.support.server import Gatehouse

pytestmark = pytest.mark.browser

PAGE = "/admin/keys/saml/"
HIDDEN_SIDEWAYS = """
[...document.querySelectorAll('.scroll')].filter(one => one.scrollWidth > one.clientWidth).length
"""


def enter(visitor: Visitor, gatehouse: Gatehouse) -> Page:
    """Open the page through the sign-in."""
    visitor.page.goto(gatehouse.url(PAGE))
    visitor.sign_in("admin", gatehouse.password)
    visitor.page.wait_for_url(gatehouse.url(PAGE))
    return visitor.page


def registered(gatehouse: Gatehouse, name: str) -> str:
    """A service provider of this name; returns the address of our metadata for it."""
    sp = ServiceProvider(
        entity_id=f"https://{name}.example/metadata",
        acs_url=f"https://{name}.example/acs",
        destination=gatehouse.url("/saml/sso"),
    )
    contact = (
        f'<md:ContactPerson contactType="technical"><md:EmailAddress>mailto:ops@{name}.example'
        "</md:EmailAddress></md:ContactPerson></md:EntityDescriptor>"
    )
    metadata = metadata_of(sp).decode().replace("</md:EntityDescriptor>", contact)
    answer = gatehouse.register_service_provider(metadata)
    return str(answer["metadata_url"])


def test_a_roll_over_by_hand(
    own_gatehouse: Callable[..., Gatehouse], visit: Callable[..., Visitor], tmp_path: Path
) -> None:
    """Without a script, while two others look at each page on a phone and in the dark."""
    mail = {"GATEHOUSE_EMAIL_URL": (tmp_path / "mail").as_uri()}
    gatehouse = own_gatehouse(settings=mail)
    ready = registered(gatehouse, "ready")
    registered(gatehouse, "silent")
    page = enter(visit(java_script_enabled=False), gatehouse)
    onlookers = [
        visit(color_scheme=scheme, viewport={"width": width, "height": 800})
        for scheme, width in (("light", 360), ("dark", 1280))
    ]
    for visitor in onlookers:
        enter(visitor, gatehouse)

    def look(path: str = PAGE) -> None:
        for visitor in onlookers:
            visitor.page.goto(gatehouse.url(path))
            visitor.assert_accessible()
            visitor.assert_fits()
            assert visitor.page.evaluate(HIDDEN_SIDEWAYS) == 0

    look()
    page.click("text=Publish the next certificate")
    requests.get(ready, timeout=TIMEOUT)
    for _ in range(600):
        page.reload()
        if page.locator("text=Move the one that is ready").count():
            break
        page.wait_for_timeout(100)
    look()
    page.click("text=Move the one that is ready")
    expect(page.locator(".messagelist")).to_contain_text("ready.example")
    row = page.locator("tr", has_text="silent.example")
    row.locator("text=What to send").click()
    expect(page.locator("pre")).to_contain_text("What to do")
    look(page.url.removeprefix(gatehouse.issuer))
    page.click("text=mark as told")
    row.locator("text=Not told").click()
    row.locator("button[name=move]").click()
    expect(page.locator("h1")).to_contain_text("not known to be ready")
    for visitor in onlookers:
        visitor.page.goto(gatehouse.url(PAGE))
        visitor.page.locator("tr", has_text="silent.example").locator("button[name=move]").click()
        visitor.assert_accessible()
        visitor.assert_fits()
    page.click("text=Leave it as it is")
    for visitor in onlookers:
        visitor.page.goto(gatehouse.url(PAGE))
        visitor.page.click("text=Remind the one that is not")
        expect(visitor.page.locator("table")).to_contain_text("ops@silent.example")
        visitor.assert_accessible()
        visitor.assert_fits()
        assert visitor.page.evaluate(HIDDEN_SIDEWAYS) == 0
    look(f"{PAGE}retire/")
    page.goto(gatehouse.url(f"{PAGE}retire/"))
    page.check("#id_sure")
    page.click("main button.main")
    expect(page.locator(".messagelist")).to_contain_text("retired")
