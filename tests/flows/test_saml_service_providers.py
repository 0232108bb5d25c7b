"""Service providers that others wrote sign people in, each alone: in every way that they know."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import requests

from tests.support.browser import Visitor
from tests.support.person import Person
from tests.support.saml import Posted, form_of
from tests.support.server import Gatehouse
from tests.support.service_providers.base import ServiceProvider
from tests.support.service_providers.mellon import Mellon
from tests.support.service_providers.pysaml2 import Pysaml2
from tests.support.service_providers.python3_saml import Python3Saml
from tests.support.service_providers.shibboleth import Shibboleth
from tests.support.service_providers.simplesamlphp import SimpleSAMLphp

KINDS = (Shibboleth, SimpleSAMLphp, Mellon, Pysaml2, Python3Saml)
FORCING = tuple(kind for kind in KINDS if kind.can_force)
Start = Callable[[type[ServiceProvider]], ServiceProvider]


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def sp(request: pytest.FixtureRequest, service_provider: Start) -> ServiceProvider:
    """Each of them, registered."""
    return service_provider(request.param)


def answer(page: requests.Response, sp: ServiceProvider) -> Posted:
    """What the browser is about to bring to the service provider."""
    form = form_of(page)
    assert form.action.startswith(sp.protected.removesuffix("protected/"))
    return form


def told(sp: ServiceProvider, person: Person, page: requests.Response) -> str:
    """What the service provider makes of a refusal, on its page and in its log."""
    before = len(sp.log)
    page = person.submit(page)
    assert page.url != sp.protected
    return page.text + sp.log[before:]


def arrive(sp: ServiceProvider, person: Person, page: requests.Response) -> None:
    """Bring it there, and be at the protected page."""
    page = person.submit(page)
    assert page.url == sp.protected, f"{page.url}\n{page.text[:3000]}\n{sp.log[-3000:]}"
    assert sp.known(page.text).attributes["mail"] == ["alice@example.org"]


def sign_in(sp: ServiceProvider, person: Person) -> None:
    """Open the protected page as alice, for the first time in this browser."""
    page = person.sign_in(person.open(sp.protected), "alice", sp.gatehouse.password)
    arrive(sp, person, page)


def test_signs_in_and_knows_the_person(sp: ServiceProvider) -> None:
    person = Person()
    page = person.open(sp.protected)
    assert sp.name in page.text
    page = person.sign_in(page, "alice", sp.gatehouse.password)
    assert len(answer(page, sp).all("//saml:EncryptedAssertion")) == 1
    assert not answer(page, sp).all("//saml:NameID")
    known = sp.known(person.submit(page).text)
    assert known.attributes["mail"] == ["alice@example.org"]
    assert known.attributes["sn"] == ["Archer"]
    assert sorted(known.attributes["isMemberOf"]) == ["staff", "users"]
    assert len(known.name_id) >= 32
    assert "alice" not in known.name_id


@pytest.mark.parametrize("sp", FORCING, ids=lambda kind: kind.__name__, indirect=True)
def test_asks_for_the_password_again(sp: ServiceProvider) -> None:
    person = Person()
    sign_in(sp, person)
    page = person.open(sp.asking(force=True))
    assert "id_username" in page.text
    arrive(sp, person, person.sign_in(page, "alice", sp.gatehouse.password))


def test_asks_silently(sp: ServiceProvider) -> None:
    person = Person()
    page = person.open(sp.asking(passive=True))
    assert answer(page, sp).status == ("Responder", "NoPassive")
    assert "NoPassive" in told(sp, person, page)
    person.sign_in(person.open(sp.gatehouse.url("/login")), "alice", sp.gatehouse.password)
    arrive(sp, person, person.open(sp.asking(passive=True)))


def test_tells_that_the_person_cancelled(sp: ServiceProvider) -> None:
    person = Person()
    page = person.cancel(person.open(sp.protected))
    assert answer(page, sp).status == ("Responder", "AuthnFailed")
    assert "AuthnFailed" in told(sp, person, page)
    sign_in(sp, person)


@pytest.mark.parametrize("kind", [Shibboleth, SimpleSAMLphp, Pysaml2])
def test_signs_in_in_a_browser(
    kind: type[ServiceProvider],
    service_provider: Start,
    gatehouse: Gatehouse,
    visitor: Visitor,
) -> None:
    sp, page = service_provider(kind), visitor.page
    page.goto(sp.protected)
    visitor.sign_in("alice", gatehouse.password)
    page.wait_for_url(sp.protected)
    assert "alice@example.org" in page.content()
    page.goto(sp.asking(passive=True))
    page.wait_for_url(sp.protected)


def test_one_sign_in_at_all_of_them_and_a_name_for_each(service_provider: Start) -> None:
    person, names = Person(), set()
    sign_in(service_provider(Shibboleth), person)
    for kind in KINDS:
        sp = service_provider(kind)
        page = person.open(sp.asking())
        assert "id_username" not in page.text
        arrive(sp, person, page)
        names.add(sp.known(person.open(sp.protected).text).name_id)
    assert len(names) == len(KINDS)
