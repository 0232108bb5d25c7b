"""Single logout in Chromium: led past service providers and back, with and without scripts."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from lxml import etree

from federation.saml import bindings, vocabulary
from tests.attacks.saml.service_provider import ServiceProvider, consumer, key_info
from tests.support import receiver as behaviours
from tests.support.browser import Visitor
from tests.support.receiver import Handler, Receiver
from tests.support.saml import NAMESPACES, Party
from tests.support.server import Gatehouse
from tests.support.single_logout import Leaver, SignedOn

PAGE = b"<!doctype html><title>An application</title>"
HOSTS = ("localhost", "127.0.0.1")


@dataclass
class Application:
    """A service provider on a server of its own, which keeps a cookie and answers logouts."""

    gatehouse: Gatehouse
    server: Receiver
    host: str
    assertions: list[Any] = field(default_factory=list)
    cookies: list[str] = field(default_factory=list)

    @property
    def origin(self) -> str:
        return self.server.url("", host=self.host)

    @property
    def sp(self) -> ServiceProvider:
        return ServiceProvider(
            entity_id=f"{self.origin}/metadata",
            acs_url=f"{self.origin}/{self.host}/acs",
            destination=self.gatehouse.url("/saml/sso"),
        )

    @property
    def leaver(self) -> Leaver:
        return Leaver(Party(None, self.sp, None))  # type: ignore[arg-type]

    def register(self) -> None:
        slo = f"{self.origin}/{self.host}/slo"
        role = (
            f'<md:KeyDescriptor use="signing">{key_info(self.sp.certificate)}</md:KeyDescriptor>'
            f'<md:SingleLogoutService Binding="{vocabulary.REDIRECT}" Location="{slo}"/>'
            f"{consumer(self.sp.acs_url)}"
        )
        self.gatehouse.register_service_provider(self.sp.metadata(role=role).decode())
        self.server.behaviours[f"/{self.host}/acs"] = self.take_assertion
        self.server.behaviours[f"/{self.host}/slo"] = self.take_logout

    def take_assertion(self, handler: Handler) -> None:
        """Sign the person on; the cookie is one that frames of other sites are not given."""
        body = handler.receiver.received[-1].form["SAMLResponse"]
        self.assertions.append(etree.fromstring(base64.b64decode(body)))
        cookie = f"app-{self.host.replace('.', '')}=1; Path=/; SameSite=Lax"
        handler.send(200, PAGE, content_type="text/html", set_cookie=cookie)

    def take_logout(self, handler: Handler) -> None:
        """Answer our LogoutRequest, or take our LogoutResponse."""
        received = handler.receiver.received[-1]
        query = urlsplit(received.path).query
        parameters = dict(parse_qsl(query))
        if "SAMLResponse" in parameters:
            handler.send(200, PAGE, content_type="text/html")
            return
        self.cookies.append(received.headers.get("cookie", ""))
        request = etree.fromstring(bindings.decode_redirect(query).xml)
        answer = self.leaver.answer_query(
            request,
            relay_state=parameters["RelayState"],
            Destination=self.gatehouse.url("/saml/slo"),
        )
        handler.send(302, location=self.gatehouse.url(f"/saml/slo?{answer}"))

    def sign_on(self, visitor: Visitor, person: str) -> None:
        query = self.sp.redirect(self.sp.text(identifier=f"_{secrets.token_hex(8)}")).decode()
        visitor.page.goto(self.gatehouse.url(f"/saml/sso?{query}"))
        if visitor.page.locator("#id_username").count():
            visitor.sign_in(person, self.gatehouse.password)
        if visitor.page.locator("#autosubmit button").count():
            visitor.page.click("#autosubmit button")
        visitor.page.wait_for_url(self.sp.acs_url)

    def logout_url(self) -> str:
        """Where this application sends the person to sign out."""
        (name,) = self.assertions[-1].xpath("//saml:Subject/saml:NameID", namespaces=NAMESPACES)
        (statement,) = self.assertions[-1].xpath("//saml:AuthnStatement", namespaces=NAMESPACES)
        inside = SignedOn(name, statement.get("SessionIndex")).inside
        destination = self.gatehouse.url("/saml/slo")
        return f"{destination}?{self.leaver.query(inside, destination=destination)}"


@pytest.fixture(scope="module")
def applications(gatehouse: Gatehouse) -> Iterator[list[Application]]:
    with Receiver(otherwise=behaviours.ok(PAGE, content_type="text/html")) as server:
        both = [Application(gatehouse, server, host) for host in HOSTS]
        for one in both:
            one.register()
        yield both


@pytest.fixture
def two(applications: list[Application]) -> list[Application]:
    for one in applications:
        one.cookies.clear()
        one.server.behaviours[f"/{one.host}/slo"] = one.take_logout
    return applications


@pytest.fixture
def person(gatehouse: Gatehouse) -> str:
    return gatehouse.create_user(f"leaver-{secrets.token_hex(4)}")


def test_the_person_is_led_past_both_and_ends_here(
    gatehouse: Gatehouse, visitor: Visitor, two: list[Application], person: str
) -> None:
    for one in two:
        one.sign_on(visitor, person)
    visitor.page.goto(gatehouse.url("/logout"))
    visitor.page.click("#logout-confirm")
    visitor.page.wait_for_url(gatehouse.url("/logout/done"))
    assert visitor.page.get_by_text("signed out", exact=True).count() == 2
    # With the whole window each was given its own cookie, which a frame would not have been.
    assert all(len(one.cookies) == 1 and "app-" in one.cookies[0] for one in two)
    visitor.assert_accessible()


def test_the_application_that_asks_hears_last(
    visitor: Visitor, two: list[Application], person: str
) -> None:
    for one in two:
        one.sign_on(visitor, person)
    first, second = two
    visitor.page.goto(first.logout_url())
    visitor.page.wait_for_url(f"{first.origin}/{first.host}/slo?SAMLResponse=**")
    message = bindings.decode_redirect(urlsplit(visitor.page.url).query)
    assert b"PartialLogout" not in message.xml
    assert (len(first.cookies), len(second.cookies)) == (0, 1)


def test_back_from_one_that_leads_nowhere(
    gatehouse: Gatehouse, visitor: Visitor, two: list[Application], person: str
) -> None:
    for one in two:
        one.sign_on(visitor, person)
    stuck = two[1]
    nowhere = behaviours.ok(PAGE, content_type="text/html")
    stuck.server.behaviours[f"/{stuck.host}/slo"] = nowhere
    visitor.page.goto(gatehouse.url("/logout"))
    visitor.page.click("#logout-confirm")
    visitor.page.wait_for_url(f"{stuck.origin}/{stuck.host}/slo?**")
    visitor.page.go_back()
    # Past the other one by itself, then the page says who has not answered, and stays.
    visitor.page.wait_for_selector("#logout-continue:not([data-goes-on])")
    assert visitor.page.get_by_text("has not answered").count() == 1
    assert visitor.page.get_by_text("signed out", exact=True).count() == 1
    visitor.assert_accessible()
    visitor.page.click("#logout-continue")
    visitor.page.wait_for_url(gatehouse.url("/logout/done"))


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_without_scripts_the_person_presses_the_buttons(
    gatehouse: Gatehouse,
    visit: Callable[..., Visitor],
    two: list[Application],
    person: str,
    scheme: str,
    width: int,
) -> None:
    visitor = visit(
        java_script_enabled=False,
        color_scheme=scheme,
        viewport={"width": width, "height": 740},
    )
    for one in two:
        one.sign_on(visitor, person)
    visitor.page.goto(gatehouse.url("/logout"))
    visitor.page.click("#logout-confirm")
    for _ in two:
        visitor.page.wait_for_url(gatehouse.url("/logout/applications?**"))
        visitor.page.click("#logout-continue")
    visitor.page.wait_for_url(gatehouse.url("/logout/done"))
    assert all(len(one.cookies) == 1 for one in two)
