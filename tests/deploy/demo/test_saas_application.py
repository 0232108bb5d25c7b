"""The demonstration's SaaS application answers only for sign-ins that it began."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from deploy.demo import environment, saas_application, site

NAMESPACE = {"md": "urn:oasis:names:tc:SAML:2.0:metadata"}


@pytest.fixture
def demonstration(tmp_path: Path) -> environment.Demonstration:
    """One on ports of its own."""
    return environment.at(tmp_path, port=9000)


@pytest.fixture
def application(demonstration: environment.Demonstration) -> saas_application.SaasApplication:
    """The application; its identity provider does not answer."""
    registration = {"metadata_url": "http://localhost:1/saml/metadata"}
    return saas_application.SaasApplication(demonstration, registration)


def request(session: dict[str, Any], form: dict[str, str], **query: str) -> site.Request:
    """A request with this session."""
    return site.Request("POST", "/acs", "", query, form, session)


def test_metadata_names_one_address_and_a_key_for_both_uses(
    demonstration: environment.Demonstration,
) -> None:
    settings = saas_application.service_provider(demonstration)
    document = etree.fromstring(saas_application.metadata_of(settings))
    services = document.findall(".//md:AssertionConsumerService", NAMESPACE)
    assert [service.get("Location") for service in services] == ["http://localhost:9002/acs"]
    keys = document.findall(".//md:KeyDescriptor", NAMESPACE)
    assert {key.get("use") for key in keys} == {"signing", "encryption"}
    assert document.get("validUntil") is None


@pytest.mark.parametrize("relay_state", ["", "guessed"])
def test_refuses_a_response_that_nobody_asked_for(
    application: saas_application.SaasApplication, relay_state: str
) -> None:
    with pytest.raises(site.Problem, match="did not begin here"):
        application.acs(request({}, {"RelayState": relay_state, "SAMLResponse": "PHg+"}))


def test_refuses_to_sign_in_another_browser(
    application: saas_application.SaasApplication,
) -> None:
    application.tickets["ticket"] = {"name_id": "alice"}
    session = {"relay_state": "another"}
    with pytest.raises(site.Problem, match="did not begin in this browser"):
        application.finish(request(session, {}, ticket="ticket"))
    assert "received" not in session
    assert not application.tickets


def test_signs_in_the_browser_that_began(application: saas_application.SaasApplication) -> None:
    application.tickets["ticket"] = {"name_id": "alice"}
    session: dict[str, Any] = {"relay_state": "ticket"}
    finishing = request(session, {}, ticket="ticket")
    application.finish(finishing)
    assert session == {"received": {"name_id": "alice"}}
    assert finishing.fresh_session


def test_says_when_the_identity_provider_does_not_answer(
    application: saas_application.SaasApplication,
) -> None:
    with pytest.raises(site.Problem, match="does not answer"):
        application.login(request({}, {}))


def test_keeps_only_the_newest_sign_ins(
    application: saas_application.SaasApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saas_application, "MAXIMUM_UNDERWAY", 2)
    for number in range(4):
        saas_application.remember(application.underway, str(number), "request")
    assert list(application.underway) == ["2", "3"]


def test_metadata_says_how_it_is_signed_out(demonstration: environment.Demonstration) -> None:
    settings = saas_application.service_provider(demonstration)
    document = etree.fromstring(saas_application.metadata_of(settings))
    services = document.findall(".//md:SingleLogoutService", NAMESPACE)
    assert [(one.get("Location"), one.get("Binding")) for one in services] == [
        ("http://localhost:9002/slo", saas_application.REDIRECT)
    ]


def test_refuses_an_answer_to_a_sign_out_that_nobody_asked_for(
    application: saas_application.SaasApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(application, "auth", lambda *a, **k: None)
    with pytest.raises(site.Problem, match="did not begin here"):
        application.single_logout(request({}, {}, SAMLResponse="PHg+"))


def test_forgets_the_person_before_it_asks_to_be_signed_out_everywhere(
    application: saas_application.SaasApplication,
) -> None:
    session: dict[str, Any] = {"received": {"name_id": "alice"}}
    with pytest.raises(site.Problem, match="does not answer"):
        application.logout_everywhere(request(session, {}))
    assert session == {}
    assert application.logout_everywhere(request(session, {})).headers == [("Location", "/")]
