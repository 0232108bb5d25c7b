"""SAML sign-on over real HTTP, with python3-saml as the service provider that others wrote."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from onelogin.saml2.auth import OneLogin_Saml2_Auth
from onelogin.saml2.idp_metadata_parser import OneLogin_Saml2_IdPMetadataParser

from federation.saml import datatypes, vocabulary
from tests.attacks.saml import authn_requests, service_provider
from tests.attacks.saml.service_provider import ServiceProvider
from tests.support.person import TIMEOUT, Person
from tests.support.saml import Posted, accept, form_of, metadata_of
from tests.support.server import Gatehouse

FORM = "application/x-www-form-urlencoded"
AT_ONCE = 50


def provider_at(gatehouse: Gatehouse, **names: Any) -> ServiceProvider:
    """A service provider of this test's own."""
    host = f"https://{datatypes.new_id().lower().strip('_')}.example"
    return ServiceProvider(
        entity_id=f"{host}/metadata",
        acs_url=f"{host}/acs",
        destination=gatehouse.url("/saml/sso"),
        **names,
    )


def register(gatehouse: Gatehouse, sp: ServiceProvider, **keys: bool) -> dict[str, Any]:
    return gatehouse.register_service_provider(metadata_of(sp, **keys).decode())


def sign_on(gatehouse: Gatehouse, sp: ServiceProvider, person: Person, **options: Any) -> Posted:
    """Send a request of this service provider and sign in if asked."""
    query = sp.redirect(sp.text(**options)).decode()
    page = person.open(gatehouse.url(f"/saml/sso?{query}"))
    if "id_username" in page.text:
        page = person.sign_in(page, "alice", gatehouse.password)
    return form_of(page)


# ----- honest service providers -----


@pytest.mark.parametrize("encrypted", [False, True])
def test_python3_saml_signs_in_by_metadata_alone(gatehouse: Gatehouse, encrypted: bool) -> None:
    sp = provider_at(gatehouse)
    registered = register(gatehouse, sp, encryption=encrypted)
    metadata = requests.get(registered["metadata_url"], timeout=TIMEOUT).content
    answer = sign_on(gatehouse, sp, Person(), identifier="_id")
    response = accept(sp, metadata, answer, request_id="_id", encrypted=encrypted)
    attributes = response.get_friendlyname_attributes()
    assert attributes["mail"] == ["alice@example.org"]
    assert set(attributes["isMemberOf"]) == {"staff", "users"}
    assert response.get_nameid_format() == vocabulary.PERSISTENT


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("passive", [False, True])
def test_python3_saml_makes_its_own_requests(
    gatehouse: Gatehouse, signed: bool, passive: bool
) -> None:
    """The toolkit reads our metadata, builds the request and verifies the answer by itself."""
    sp = provider_at(gatehouse)
    registered = register(gatehouse, sp)
    metadata = requests.get(registered["metadata_url"], timeout=TIMEOUT).content
    host = sp.acs_url.removeprefix("https://").removesuffix("/acs")
    settings = {
        "strict": True,
        "sp": {
            "entityId": sp.entity_id,
            "assertionConsumerService": {"url": sp.acs_url, "binding": vocabulary.POST},
            "x509cert": service_provider.pem(sp.certificate),
            "privateKey": service_provider.private_pem(sp.key).decode(),
        },
        "security": {
            "authnRequestsSigned": signed,
            "wantMessagesSigned": True,
            "wantAssertionsSigned": True,
            "signatureAlgorithm": vocabulary.RSA_SHA256,
            "digestAlgorithm": vocabulary.SHA256,
            "rejectDeprecatedAlgorithm": True,
        },
        "idp": OneLogin_Saml2_IdPMetadataParser.parse(metadata)["idp"],
    }
    request = {"https": "on", "http_host": host, "script_name": "/acs", "get_data": {}}
    person = Person()
    if passive:
        person.sign_in(person.open(gatehouse.url("/login")), "alice", gatehouse.password)
    auth = OneLogin_Saml2_Auth({**request, "post_data": {}}, settings)
    page = person.open(auth.login(return_to="https://app.example/next", is_passive=passive))
    if not passive:
        page = person.sign_in(page, "alice", gatehouse.password)
    answer = form_of(page)
    assert answer.relay_state == "https://app.example/next"
    back = OneLogin_Saml2_Auth({**request, "post_data": dict(answer.fields)}, settings)
    back.process_response(request_id=auth.get_last_request_id())
    assert back.get_errors() == [], back.get_last_error_reason()
    assert back.is_authenticated()


def test_two_addresses_are_enough(gatehouse: Gatehouse) -> None:
    sp = provider_at(gatehouse)
    registered = gatehouse.register_service_provider(entity_id=sp.entity_id, acs=sp.acs_url)
    metadata = requests.get(registered["metadata_url"], timeout=TIMEOUT).content
    person = Person()
    page = person.open(gatehouse.url(f"/saml/sso?{query_of(sp, identifier='_id')}"))
    answer = form_of(person.sign_in(page, "alice", gatehouse.password))
    accept(sp, metadata, answer, request_id="_id")


def query_of(sp: ServiceProvider, **options: Any) -> str:
    """An unsigned request by Redirect."""
    return sp.redirect(sp.text(**options), signed=False).decode()


def test_one_session_two_applications_and_sign_out(gatehouse: Gatehouse) -> None:
    first, second, person = provider_at(gatehouse), provider_at(gatehouse), Person()
    register(gatehouse, first)
    register(gatehouse, second)
    name = sign_on(gatehouse, first, person, identifier="_1").name_id.text
    page = person.open(gatehouse.url(f"/saml/sso?{query_of(second)}"))
    assert form_of(page).name_id.text != name
    person.submit(person.open(gatehouse.url("/logout")))
    page = person.open(gatehouse.url(f"/saml/sso?{query_of(second)}"))
    assert "id_username" in page.text
    passive = query_of(first, attributes='IsPassive="true"')
    page = person.open(gatehouse.url(f"/saml/sso?{passive}"))
    assert form_of(page).status == ("Responder", "NoPassive")


def test_a_post_from_another_site_comes_without_cookies(gatehouse: Gatehouse) -> None:
    sp, person = provider_at(gatehouse), Person()
    register(gatehouse, sp)
    person.sign_in(person.open(gatehouse.url("/login")), "alice", gatehouse.password)
    body = sp.post(sp.signed(identifier="_id"), relay_state="back")
    first = requests.post(
        gatehouse.url("/saml/sso"),
        body,
        headers={"Content-Type": FORM, "Origin": "https://sp.example"},
        allow_redirects=False,
        timeout=TIMEOUT,
    )
    assert first.status_code == 303
    assert "SAML" not in first.headers["Location"]
    answer = form_of(person.open(gatehouse.url(first.headers["Location"])))
    assert (answer.status, answer.relay_state) == (("Success",), "back")


def test_a_chunked_form_is_read(gatehouse: Gatehouse) -> None:
    sp = provider_at(gatehouse)
    register(gatehouse, sp)
    body = sp.post(sp.signed())
    halves = iter([body[:100], body[100:]])
    answer = requests.post(
        gatehouse.url("/saml/sso"),
        halves,
        headers={"Content-Type": FORM},
        allow_redirects=False,
        timeout=TIMEOUT,
    )
    assert answer.status_code == 303


# ----- hostile ones -----


@pytest.mark.slow
def test_the_whole_corpus_over_http(gatehouse: Gatehouse) -> None:
    sp, person = provider_at(gatehouse), Person()
    register(gatehouse, sp)
    person.sign_in(person.open(gatehouse.url("/login")), "alice", gatehouse.password)
    wrong = {}
    for attack in authn_requests.ATTACKS:
        payload = authn_requests.payload(attack, sp)
        if attack.binding == authn_requests.REDIRECT:
            answer = _raw_get(gatehouse, person, payload)
        else:
            answer = person.session.post(
                gatehouse.url("/saml/sso"), payload, headers={"Content-Type": FORM}, timeout=TIMEOUT
            )
        # The server itself may refuse a line that is too long for it.
        if answer.status_code not in (400, 414, 431) or "SAMLResponse" in answer.text:
            wrong[attack.name] = answer.status_code
    assert not wrong
    assert "endpoint_failed" not in gatehouse.log
    assert sign_on(gatehouse, sp, person, identifier="_after").status == ("Success",)


def _raw_get(gatehouse: Gatehouse, person: Person, query: bytes) -> requests.Response:
    """A GET with the query exactly as it is: the library would mend its escapes."""
    request = requests.Request("GET", gatehouse.url("/saml/sso"))
    prepared = person.session.prepare_request(request)
    prepared.url = f"{prepared.url}?{query.decode('latin-1')}"
    return person.session.send(prepared, timeout=TIMEOUT)


def test_nothing_secret_in_the_log(gatehouse: Gatehouse) -> None:
    sp, person = provider_at(gatehouse), Person()
    register(gatehouse, sp)
    answer = sign_on(gatehouse, sp, person, identifier="_id")
    log = gatehouse.log
    assert answer.fields["SAMLResponse"][:200] not in log
    assert answer.name_id.text not in log
    assert person.session.cookies["gatehouse_session"] not in log


# ----- at once -----


def test_of_fifty_replays_at_once_one_is_answered(gatehouse_on_postgresql: Gatehouse) -> None:
    gatehouse = gatehouse_on_postgresql
    sp, person = provider_at(gatehouse), Person()
    register(gatehouse, sp)
    person.sign_in(person.open(gatehouse.url("/login")), "alice", gatehouse.password)
    cookies = person.session.cookies.get_dict()
    url = gatehouse.url(f"/saml/sso?{sp.redirect(sp.text(identifier='_once')).decode()}")

    def send(_: int) -> requests.Response:
        return requests.get(url, cookies=cookies, timeout=TIMEOUT, allow_redirects=False)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(send, range(AT_ONCE)))
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [200] + [400] * (AT_ONCE - 1)
    refused = [answer.text for answer in answers if answer.status_code == 400]
    assert all('id="error-code">repeated_request<' in page for page in refused)


def test_first_sign_ons_at_once_give_one_persistent_name(
    gatehouse_on_postgresql: Gatehouse,
) -> None:
    gatehouse = gatehouse_on_postgresql
    sp, person = provider_at(gatehouse), Person()
    register(gatehouse, sp)
    person.sign_in(person.open(gatehouse.url("/login")), "alice", gatehouse.password)
    cookies = person.session.cookies.get_dict()

    def send(number: int) -> Posted:
        query = sp.redirect(sp.text(identifier=f"_{number}")).decode()
        url = gatehouse.url(f"/saml/sso?{query}")
        return form_of(requests.get(url, cookies=cookies, timeout=TIMEOUT))

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(send, range(20)))
    assert len({answer.name_id.text for answer in answers}) == 1
    indexes = {answer.one("//saml:AuthnStatement").get("SessionIndex") for answer in answers}
    assert len(indexes) == 1


def test_registrations_at_once_make_one_service_provider(
    gatehouse_on_postgresql: Gatehouse,
) -> None:
    gatehouse = gatehouse_on_postgresql
    sp = provider_at(gatehouse)

    def send(number: int) -> dict[str, Any]:
        return gatehouse.register_service_provider(
            entity_id=sp.entity_id, acs=f"{sp.acs_url}{number}"
        )

    with ThreadPoolExecutor(8) as pool:
        registered = list(pool.map(send, range(8)))
    assert len({one["metadata_url"] for one in registered}) == 1
    page = requests.get(registered[0]["metadata_url"], timeout=TIMEOUT)
    assert page.status_code == 200
    assert re.search(r"<md:EntityDescriptor", page.text)
