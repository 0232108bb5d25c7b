"""Hostile AuthnRequests at the endpoint: a page here, the same for all of them, and no Response."""

from __future__ import annotations

import re

import pytest

from idp.models import AuditEvent, Interaction, SignIn
from idp.protocol.message import Response
from tests.attacks.saml import authn_requests
from tests.attacks.saml.authn_requests import Attack
from tests.support.saml import Party, SamlWorld

BY_NAME = {attack.name: attack for attack in authn_requests.ATTACKS}


def send(party: Party, saml: SamlWorld, attack: Attack) -> Response:
    payload = authn_requests.payload(attack, party.sp)
    if attack.binding == authn_requests.REDIRECT:
        return party.send_query(payload, saml.session)
    return party.send_form(payload, saml.session)


def shown(response: Response) -> str:
    """The page without what is another one each time."""
    text = response.body.decode()
    return re.sub(r'id="error-reference">[A-Z2-9]{10}<', 'id="error-reference"><', text)


@pytest.mark.parametrize("attack", BY_NAME.values(), ids=BY_NAME)
def test_every_hostile_request_gets_the_same_page(
    attack: Attack, saml: SamlWorld, party: Party
) -> None:
    response = send(party, saml, attack)
    assert response.status == 400
    assert 'id="error-code">invalid_request<' in response.body.decode()
    plain = party.provider.get("/saml/sso")
    assert _without_application(shown(response)) == shown(plain)
    assert not Interaction.objects.exists()
    assert not AuditEvent.objects.filter(action="saml.response").exists()
    row = SignIn.objects.order_by("at").first()
    assert row is not None
    assert row.error == attack.check
    assert row.trace[-1]["rule"] == attack.check


def _without_application(page: str) -> str:
    """The page as it is where the application is not known: with the general words."""
    return page.replace(
        "Go back to Acme Reports and start again from there.",
        "Go back to the application that you came from and start again.",
    )
