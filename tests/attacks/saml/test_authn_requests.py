"""Every hostile AuthnRequest of the corpus is refused, by the check that is there for it."""

from __future__ import annotations

import time

import pytest

from federation.saml import authn_request, bindings, errors, signature
from tests.attacks.saml import authn_requests, service_provider
from tests.attacks.saml.authn_requests import Attack
from tests.attacks.saml.service_provider import ServiceProvider

SP = ServiceProvider()
BY_NAME = {attack.name: attack for attack in authn_requests.ATTACKS}


def receive(binding: str, payload: bytes) -> authn_request.AuthnRequest:
    """What the identity provider does with a request."""
    keys = [signature.verification_key(service_provider.base64_der(SP.certificate))]
    if binding == authn_requests.REDIRECT:
        message = bindings.decode_redirect(payload.decode("ascii"))
    else:
        message = bindings.decode_post(payload)
    return authn_request.receive(message, keys_of=lambda issuer: keys)


def test_names_are_unique() -> None:
    assert len(BY_NAME) == len(authn_requests.ATTACKS)


@pytest.mark.parametrize("attack", BY_NAME.values(), ids=BY_NAME)
def test_refuses(attack: Attack) -> None:
    payload = authn_requests.payload(attack, SP)
    begin = time.process_time()
    with pytest.raises(errors.SamlError) as refused:
        receive(attack.binding, payload)
    assert refused.value.check == attack.check, refused.value
    assert refused.value.description == errors.SamlError.description
    assert time.process_time() - begin < 5


@pytest.mark.parametrize("relay_state", [None, "", "a b&c=d%20+", "\u00e9\u20ac" * 100])
@pytest.mark.parametrize("signed", [True, False])
def test_accepts_honest_requests_by_redirect(relay_state: str | None, signed: bool) -> None:
    query = SP.redirect(SP.text(), relay_state=relay_state, signed=signed)
    request = receive(authn_requests.REDIRECT, query)
    assert request.id == "_request"
    assert request.signed is signed
    assert bindings.decode_redirect(query.decode()).relay_state == relay_state


@pytest.mark.parametrize("signed", [True, False])
def test_accepts_honest_requests_by_post(signed: bool) -> None:
    document = SP.signed() if signed else SP.element()
    assert receive(authn_requests.POST, SP.post(document)).signed is signed
