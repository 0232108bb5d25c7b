"""Service providers that others wrote sign people in and out, alone and two in one browser."""

from __future__ import annotations

import re
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
# Each asks for a sign-out once, and is told of one once.
PAIRS = tuple(zip(KINDS, (*KINDS[1:], KINDS[0]), strict=True))
FORCING = tuple(kind for kind in KINDS if kind.can_force)
Start = Callable[[type[ServiceProvider]], ServiceProvider]


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def sp(request: pytest.FixtureRequest, service_provider: Start) -> ServiceProvider:
    """Each of them, registered."""
    return service_provider(request.param)


@pytest.fixture(params=PAIRS, ids=lambda pair: "-".join(kind.__name__ for kind in pair))
def pair(
    request: pytest.FixtureRequest, service_provider: Start
) -> tuple[ServiceProvider, ServiceProvider]:
    """One that asks and one that is told."""
    first, second = request.param
    return service_provider(first), service_provider(second)


# ----- signing in -----


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
    """Open the protected page as alice, who may have signed in elsewhere."""
    page = person.open(sp.protected)
    if "id_username" in page.text:
        page = person.sign_in(page, "alice", sp.gatehouse.password)
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


def test_fetches_the_answer_itself(service_provider: Start) -> None:
    """Shibboleth gets an artifact, and resolves it by SOAP."""
    sp, person = service_provider(Shibboleth), Person()
    assert isinstance(sp, Shibboleth)
    page = person.open(sp.asking_by_artifact())
    page = person.sign_in(page, "alice", sp.gatehouse.password)
    assert page.url == sp.protected, sp.log[-3000:] + sp.gatehouse.log[-3000:]
    assert any("SAMLart=" in one.url for one in page.history)
    assert sp.known(page.text).attributes["mail"] == ["alice@example.org"]


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


# ----- signing out -----


def assert_signed_out(person: Person, *sps: ServiceProvider) -> None:
    """All of them ask who is there, and Gatehouse does not know."""
    for sp in sps:
        page = person.open(sp.protected)
        assert "id_username" in page.text, f"{page.url}\n{page.text[:3000]}\n{sp.log[-3000:]}"


def state(page: requests.Response, sp: ServiceProvider) -> str:
    """What Gatehouse's page says of it."""
    found = re.search(rf'<li>{sp.name}<span class="label">\s*(.*?)\s*</span>', page.text)
    assert found, page.text
    return found[1]


def test_signs_out_everywhere(sp: ServiceProvider) -> None:
    person = Person()
    sign_in(sp, person)
    page = person.follow(person.open(sp.signs_out))
    assert sp.farewell in page.text, f"{page.url}\n{page.text[:3000]}\n{sp.log[-3000:]}"
    assert_signed_out(person, sp)


def test_is_told_by_gatehouse(sp: ServiceProvider) -> None:
    person = Person()
    sign_in(sp, person)
    page = person.submit(person.open(sp.gatehouse.url("/logout")))
    page = settled(person, person.follow(page))
    assert state(page, sp) == "signed out", sp.log[-3000:]
    assert_signed_out(person, sp)


def settled(person: Person, page: requests.Response) -> requests.Response:
    """Gatehouse's last page, looked at again until everybody has been told."""
    while "Look again" in page.text:
        page = person.open(page.url)
    return page


def test_one_signs_out_and_the_other_is_told(
    pair: tuple[ServiceProvider, ServiceProvider],
) -> None:
    first, second = pair
    person, elsewhere = Person(), Person()
    sign_in(second, elsewhere)
    sign_in(second, person)
    sign_in(first, person)
    page = person.follow(person.open(first.signs_out))
    assert first.farewell in page.text, f"{page.url}\n{page.text[:3000]}\n{first.log[-3000:]}"
    assert_signed_out(person, first, second)
    # Another browser's session of the same person is another session.
    assert elsewhere.open(second.protected).url == second.protected


@pytest.mark.parametrize(
    "kinds", [(Shibboleth, SimpleSAMLphp), (Mellon, Pysaml2)], ids=["Shibboleth", "Mellon"]
)
def test_two_in_a_browser(
    kinds: tuple[type[ServiceProvider], type[ServiceProvider]],
    service_provider: Start,
    gatehouse: Gatehouse,
    visitor: Visitor,
) -> None:
    first, second = (service_provider(kind) for kind in kinds)
    page = visitor.page
    page.goto(second.protected)
    visitor.sign_in("alice", gatehouse.password)
    page.wait_for_url(second.protected)
    page.goto(first.protected)
    page.wait_for_url(first.protected)
    page.goto(first.signs_out)
    page.get_by_text(first.farewell).wait_for()
    page.goto(second.protected)
    page.wait_for_selector("#id_username")


def test_signs_out_by_soap(service_provider: Start) -> None:
    """pysaml2 asks on its own; the browser learns of it when it comes back."""
    asking, told = service_provider(Pysaml2), service_provider(Shibboleth)
    person = Person()
    sign_in(told, person)
    sign_in(asking, person)
    page = person.open(f"{asking.signs_out}?soap=1")
    assert asking.farewell in page.text, f"{page.text}\n{asking.log}"
    assert_signed_out(person, asking, told)


def test_leaves_without_an_answer(service_provider: Start) -> None:
    """Shibboleth as it is set up at first: the last page is Gatehouse's."""
    sp = service_provider(Shibboleth)
    assert isinstance(sp, Shibboleth)
    person = Person()
    sign_in(sp, person)
    page = person.follow(person.open(sp.leaves))
    assert page.url == sp.gatehouse.url("/logout/done")
    assert_signed_out(person, sp)
