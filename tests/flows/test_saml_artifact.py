"""Sign-on by artifact over real HTTP: the browser carries 44 bytes, the service provider asks."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from federation.saml import datatypes, signature, vocabulary, xml
from tests.attacks.saml import service_provider
from tests.attacks.saml.service_provider import ServiceProvider
from tests.support.person import TIMEOUT, Person
from tests.support.saml import enveloped, in_body, metadata_of, with_artifact
from tests.support.server import Gatehouse

pytestmark = pytest.mark.slow

AT_ONCE = 50
XML = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '"http://www.oasis-open.org"'}


def provider_at(gatehouse: Gatehouse) -> ServiceProvider:
    """A registered service provider of this test's own that takes artifacts."""
    host = f"https://{datatypes.new_id().lower().strip('_')}.example"
    sp = ServiceProvider(
        entity_id=f"{host}/metadata",
        acs_url=f"{host}/acs",
        destination=gatehouse.url("/saml/sso"),
    )
    gatehouse.register_service_provider(with_artifact(metadata_of(sp), sp).decode())
    return sp


def art_of(gatehouse: Gatehouse, sp: ServiceProvider, person: Person, **options: Any) -> str:
    """Sign in, as far as the address at which the browser leaves its artifact."""
    text = sp.text(
        identifier=datatypes.new_id(),
        attributes=f'ProtocolBinding="{vocabulary.ARTIFACT}"',
        acs_url=f"{sp.acs_url}/artifact",
        **options,
    )
    query = sp.redirect(text, relay_state="back").decode()
    page = person.open(gatehouse.url(f"/saml/sso?{query}"))
    if "id_username" in page.text:
        page = person.sign_in(page, "alice", gatehouse.password)
    arrived = urlsplit(page.url)
    assert f"{arrived.scheme}://{arrived.netloc}{arrived.path}" == f"{sp.acs_url}/artifact"
    values = parse_qs(arrived.query)
    assert values["RelayState"] == ["back"]
    return values["SAMLart"][0]


def question(gatehouse: Gatehouse, sp: ServiceProvider, art: str) -> bytes:
    """A signed ArtifactResolve in its envelope."""
    sender = replace(sp, destination=gatehouse.url("/saml/artifact"))
    element = sender.element(
        tag="samlp:ArtifactResolve",
        identifier=datatypes.new_id(),
        inside=f"<samlp:Artifact>{art}</samlp:Artifact>",
    )
    return enveloped(service_provider.sign(element))


def ask(gatehouse: Gatehouse, body: Any, **headers: str) -> requests.Response:
    address = gatehouse.url("/saml/artifact")
    return requests.post(address, body, headers={**XML, **headers}, timeout=TIMEOUT)


def has_message(answer: requests.Response) -> bool:
    return in_body(answer).find(f"{{{vocabulary.SAMLP}}}Response") is not None


def test_signs_in_by_our_metadata_alone(gatehouse: Gatehouse) -> None:
    """The address to ask and the key to verify with are those of our metadata."""
    sp = provider_at(gatehouse)
    metadata = xml.parse(requests.get(gatehouse.url("/saml/metadata"), timeout=TIMEOUT).content)
    (service,) = metadata.iter(vocabulary.name("md:ArtifactResolutionService"))
    certificate = next(metadata.iter(vocabulary.name("ds:X509Certificate"))).text
    art = art_of(gatehouse, sp, Person())
    answer = requests.post(
        service.get("Location"), question(gatehouse, sp, art), headers=XML, timeout=TIMEOUT
    )
    assert answer.headers["Content-Type"] == "text/xml; charset=utf-8"
    content = xml.parse(answer.content)[0][0]
    key = signature.verification_key(certificate)
    signature.verify(content, keys=[key])
    message = xml.child(content, "samlp:Response")
    signature.verify(message, keys=[key])
    values = [one.text for one in message.iter(vocabulary.name("saml:AttributeValue"))]
    assert "alice@example.org" in values
    assert art not in gatehouse.log
    assert not has_message(ask(gatehouse, question(gatehouse, sp, art)))


def test_somebody_elses_artifact(gatehouse: Gatehouse) -> None:
    sp, other = provider_at(gatehouse), provider_at(gatehouse)
    art = art_of(gatehouse, sp, Person())
    assert not has_message(ask(gatehouse, question(gatehouse, other, art)))
    assert has_message(ask(gatehouse, question(gatehouse, sp, art)))


def test_signing_out_makes_it_worthless(gatehouse: Gatehouse) -> None:
    sp, person = provider_at(gatehouse), Person()
    art = art_of(gatehouse, sp, person)
    person.submit(person.open(gatehouse.url("/logout")))
    assert not has_message(ask(gatehouse, question(gatehouse, sp, art)))


def test_a_chunked_question_is_read(gatehouse: Gatehouse) -> None:
    sp = provider_at(gatehouse)
    body = question(gatehouse, sp, art_of(gatehouse, sp, Person()))
    assert has_message(ask(gatehouse, iter([body[:300], body[300:]])))


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"", {}, 500),
        (b"<html>", {}, 500),
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", {}, 500),
        (b"<a>" + b"x" * 500_000 + b"</a>", {}, 500),
        (b"SAMLart=x", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
    ],
)
def test_what_is_no_envelope_gets_a_fault(
    gatehouse: Gatehouse, body: bytes, headers: dict[str, str], status: int
) -> None:
    fault = in_body(ask(gatehouse, body, **headers), status=status)
    assert fault.tag == vocabulary.name("soap:Fault")


def test_ten_megabytes(gatehouse: Gatehouse) -> None:
    answer = ask(gatehouse, b"<a>" + b"x" * 10_000_000 + b"</a>")
    assert answer.status_code == 413
    assert "<html" not in answer.text
    assert "endpoint_failed" not in gatehouse.log


def test_by_get_there_is_nothing(gatehouse: Gatehouse) -> None:
    answer = requests.get(gatehouse.url("/saml/artifact"), timeout=TIMEOUT)
    assert answer.status_code == 405
    assert in_body(answer, status=405).tag == vocabulary.name("soap:Fault")


@pytest.mark.standard("SAML Bindings", "3.6.5.2", "of fifty that resolve one at once one gets it")
def test_of_fifty_at_once_one_gets_it(gatehouse_on_postgresql: Gatehouse) -> None:
    gatehouse = gatehouse_on_postgresql
    sp = provider_at(gatehouse)
    art = art_of(gatehouse, sp, Person())
    questions = [question(gatehouse, sp, art) for _ in range(AT_ONCE)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda body: ask(gatehouse, body), questions))
    assert sorted(map(has_message, answers)) == [False] * (AT_ONCE - 1) + [True]
