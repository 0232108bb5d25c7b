"""Metadata of service providers in Chromium: sources, an address, a change that waits."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from deploy.bench import aggregate
from tests.browser.test_admin import enter, name_of_its_own
from tests.support.browser import Visitor
from tests.support.metadata import Federation, alone, provider
from tests.support.receiver import Receiver
from tests.support.saml import metadata_of
from tests.support.server import Gatehouse

pytestmark = pytest.mark.browser

LOOKS = pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360)])


@pytest.fixture
def published() -> Iterator[Federation]:
    """A federation on this machine."""
    with Receiver() as server:
        yield Federation(server)


def check(visitor: Visitor) -> None:
    visitor.assert_accessible()
    visitor.assert_fits()


def add_source(page: Page, published: Federation, name: str, certificate: str) -> None:
    page.fill("#id_name", name)
    page.fill("#id_url", published.server.url("/metadata.xml"))
    page.fill("#id_signing_certificates", certificate)
    page.click("[name=_save]")


@LOOKS
def test_a_federation_is_added_and_a_change_waits(
    gatehouse: Gatehouse,
    published: Federation,
    visit: Callable[..., Visitor],
    scheme: str,
    width: int,
) -> None:
    visitor = visit(color_scheme=scheme, viewport={"width": width, "height": 800})
    page = enter(visitor, gatehouse, "/admin/federation/metadatasource/")
    check(visitor)
    page.goto(gatehouse.url("/admin/federation/metadatasource/add/"))
    check(visitor)
    page.click("[name=_save]")
    expect(page.locator(".errorlist").first).to_be_visible()
    check(visitor)
    document, certificate = aggregate.build(60)
    published.publish(document)
    name = name_of_its_own("Federation")
    add_source(page, published, name, certificate)
    expect(page.locator("h1 .state")).to_have_text("good")
    expect(page.locator("main")).to_contain_text("60 service providers")
    check(visitor)
    page.fill("#searchbar", "nothing like it")
    page.press("#searchbar", "Enter")
    expect(page.locator(".empty")).to_contain_text("Nothing fits")
    check(visitor)
    page.goto(gatehouse.url("/admin/federation/metadatasource/"))
    page.click(f"text={name}")
    published.server.behaviours.clear()
    page.click("text=Refresh now")
    expect(page.locator("h1 .state")).to_have_text("failing")
    check(visitor)


@LOOKS
def test_an_application_follows_an_address(
    gatehouse: Gatehouse,
    published: Federation,
    visit: Callable[..., Visitor],
    scheme: str,
    width: int,
) -> None:
    sp = provider(f"a{secrets.token_hex(4)}")
    visitor = visit(color_scheme=scheme, viewport={"width": width, "height": 800})
    page = enter(visitor, gatehouse, "/admin/connect/saml/")
    page.click("text=Read it from an address")
    check(visitor)
    page.click("text=Fetch it")
    expect(page.locator(".errorlist").first).to_be_visible()
    check(visitor)
    published.publish(alone(metadata_of(sp)))
    name = name_of_its_own("Library")
    page.fill("#id_name", name)
    page.fill("#id_url", published.server.url("/metadata.xml"))
    page.check("#id_tls_alone")
    page.click("text=Fetch it")
    expect(page.locator("main")).to_contain_text("plain http protects nothing")
    check(visitor)
    page.click("text=Register it")
    page.click("text=Leave it as it is")
    page.goto(gatehouse.url("/admin/idp/application/"))
    page.click(f"text={name}")
    page.click(".tabs a:has-text('SAML')")
    check(visitor)
    page.click("text=Refresh, errors, changes")
    check(visitor)
    moved = metadata_of(sp).replace(sp.acs_url.encode(), f"{sp.acs_url}/moved".encode())
    published.publish(alone(moved))
    page.click("text=Refresh now")
    expect(page.locator("#waiting")).to_be_visible()
    check(visitor)
    page.click("text=Accept it")
    expect(page.locator("main")).to_contain_text("The new metadata is in use.")
    check(visitor)
