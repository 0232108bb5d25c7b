"""Every hostile message of the corpus is refused, by the check that is there for it."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from federation.saml import bindings, errors
from tests.attacks.saml import corpus, exclusions, message_types
from tests.attacks.saml.corpus import Attack
from tests.attacks.saml.message_types import POST, REDIRECT, SOAP, TYPES, MessageType
from tests.attacks.saml.receiving import receive
from tests.attacks.saml.service_provider import ServiceProvider

SP = ServiceProvider()
BY_NAME = {attack.name: attack for attack in corpus.ATTACKS}
WITHOUT = {
    f"{message.local}-{binding}-{build.__name__}": (message, binding, build)
    for message in TYPES
    for binding, build in exclusions.of(message)
}
BINDINGS = [(message, binding) for message in TYPES for binding in message.bindings]


def test_names_are_unique() -> None:
    for message in TYPES:
        names = [attack.name for attack in corpus.of(message)]
        assert len(set(names)) == len(names)


@pytest.mark.parametrize("message", TYPES, ids=lambda one: one.local)
def test_every_type_is_attacked_by_each_of_its_bindings(message: MessageType) -> None:
    for binding in message.bindings:
        named = [one.name for one in corpus.of(message) if one.binding == binding]
        assert len(named) > 150


@pytest.mark.parametrize("name", BY_NAME)
def test_refuses(name: str) -> None:
    """As every type of message that it makes sense for, by every binding that brings that."""
    wrong = {
        f"{message.local} by {attack.binding}": refused
        for message, attack in corpus.variants(BY_NAME[name])
        if (refused := _refusal(message, attack)) != attack.check
    }
    assert wrong == {}


def _refusal(message: MessageType, attack: Attack) -> str:
    """The check that refused, or what else came of it."""
    sp = replace(SP, message=message)
    payload = corpus.payload(attack, sp)
    begin = time.process_time()
    try:
        receive(attack.binding, payload, sp)
    except errors.SamlError as refused:
        quiet = refused.description == errors.SamlError.description
        quick = time.process_time() - begin < 5
        return refused.check if quiet and quick else f"{refused}: {quiet=}, {quick=}"
    return "accepted"


@pytest.mark.parametrize(("message", "binding", "build"), WITHOUT.values(), ids=WITHOUT)
def test_says_that_nothing_was_signed(
    message: MessageType, binding: str, build: exclusions.Build
) -> None:
    sp = replace(SP, message=message)
    assert not receive(binding, exclusions.payload(build, binding, sp), sp).signed


def honest(sp: ServiceProvider, binding: str, *, signed: bool) -> bytes:
    """What the service provider sends on an ordinary day."""
    if binding == REDIRECT:
        return sp.redirect(sp.text(), signed=signed)
    document = sp.signed() if signed else sp.element()
    return sp.post(document) if binding == POST else sp.soap(document)


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize(("message", "binding"), BINDINGS)
def test_accepts_honest_messages(message: MessageType, binding: str, signed: bool) -> None:
    sp = replace(SP, message=message)
    received = receive(binding, honest(sp, binding, signed=signed), sp)
    assert received.element.get("ID") == "_request"
    assert received.signed is signed


@pytest.mark.parametrize("header", [b"", b'<x:a xmlns:x="urn:x"/>', b'<x:a xmlns:x="urn:x"/>' * 2])
def test_accepts_headers_that_nobody_has_to_understand(header: bytes) -> None:
    sp = replace(SP, message=message_types.ARTIFACT_RESOLVE)
    payload = sp.soap(sp.signed()).replace(b"<s:Body>", b"<s:Header>%s</s:Header><s:Body>" % header)
    assert receive(SOAP, payload, sp).signed


@pytest.mark.parametrize("relay_state", [None, "", "a b&c=d%20+", "\u00e9\u20ac" * 100])
@pytest.mark.parametrize("signed", [True, False])
def test_keeps_any_relay_state(relay_state: str | None, signed: bool) -> None:
    query = SP.redirect(SP.text(), relay_state=relay_state, signed=signed)
    assert receive(REDIRECT, query, SP).signed is signed
    assert bindings.decode_redirect(query.decode()).relay_state == relay_state
