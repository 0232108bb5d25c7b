"""Hostile AuthnRequests at the endpoint: a page here, the same for all of them, and no Response."""

from __future__ import annotations

import re

import pytest

from idp.models import AuditEvent, Interaction, SignIn
from idp.protocol.message import Response
from tests.attacks.saml import authn_requests
from tests.attacks.saml.authn_requests import Attack
from tests.support.saml import Party, SamlWorld


def send(party: Party, saml: SamlWorld, attack: Attack) -> Response:
    payload = authn_requests.payload(attack, party.sp)
    if attack.binding == authn_requests.REDIRECT:
        return party.send_query(payload, saml.session)
    return party.send_form(payload, saml.session)


def shown(response: Response) -> str:
    """The page without what is another one each time."""
    text = response.body.decode()
    return re.sub(r'id="error-reference">[A-Z2-9]{10}<', 'id="error-reference"><', text)


@pytest.mark.parametrize("binding", [authn_requests.REDIRECT, authn_requests.POST])
def test_every_hostile_request_gets_the_same_page(
    binding: str, saml: SamlWorld, party: Party
) -> None:
    """All in one go, each from another network: the trace of one is bounded."""
    plain = shown(party.provider.get("/saml/sso"))
    attacks = [attack for attack in authn_requests.ATTACKS if attack.binding == binding]
    assert len(attacks) >= 150
    wrong: dict[str, object] = {}
    for number, attack in enumerate(attacks):
        saml.provider.address = f"10.{number // 250}.{number % 250}.1"
        problem = _problem(attack, saml, party, plain=plain)
        if problem:
            wrong[attack.name] = problem
    assert wrong == {}
    assert not Interaction.objects.exists()
    assert not AuditEvent.objects.filter(action="saml.response").exists()


def _problem(attack: Attack, saml: SamlWorld, party: Party, *, plain: str) -> object:
    """What is not as it should be after one attack."""
    response = send(party, saml, attack)
    if response.status != 400 or _without_application(shown(response)) != plain:
        return response.status, response.body[:200]
    row = SignIn.objects.get(client_address=saml.provider.address)
    if (row.error, row.trace[-1]["rule"]) != (attack.check, attack.check):
        return row.error
    return None


def _without_application(page: str) -> str:
    """The page as it is where the application is not known: with the general words."""
    return page.replace(
        "Go back to Acme Reports and start again from there.",
        "Go back to the application that you came from and start again.",
    )


def test_ten_megabytes_are_not_even_read(saml: SamlWorld, party: Party) -> None:
    answer = party.send_form(b"SAMLRequest=" + b"A" * 10_000_000, saml.session)
    assert answer.status == 413
    assert not SignIn.objects.exists()


def test_the_page_has_a_code_and_a_reference(saml: SamlWorld) -> None:
    page = saml.provider.get("/saml/sso").body.decode()
    assert 'id="error-code">invalid_request<' in page
    assert re.search(r'id="error-reference">[A-Z2-9]{10}<', page)
