"""Whatever becomes of a signed message, what is verified is what was signed, or nothing is.

Nothing but a SamlError ever comes out of the message layer.
"""

from __future__ import annotations

import copy
import functools
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings

from federation.saml import errors, signature, xml
from federation.saml.metadata import service_provider as metadata
from tests.attacks.saml import mutations, service_provider
from tests.attacks.saml.message_types import POST, REDIRECT, TYPES, MessageType
from tests.attacks.saml.mutations import Edit, Splice
from tests.attacks.saml.receiving import receive
from tests.attacks.saml.service_provider import ServiceProvider

NOW = datetime(2026, 11, 24, tzinfo=UTC)
SP = ServiceProvider(issue_instant=NOW)
BINDINGS = [
    pytest.param(message, binding, id=f"{message.local}-{binding}")
    for message in TYPES
    for binding in message.bindings
]
WITH_XML_SIGNATURE = [one for one in BINDINGS if REDIRECT not in one.values]


def content(element: Any) -> bytes:
    """What a signature over `element` covers."""
    bare = copy.deepcopy(element)
    for found in xml.children(bare, "ds:Signature"):
        bare.remove(found)
    return xml.canonical(bare)


@functools.cache
def signed(message: MessageType) -> bytes:
    """A good message, signed, with something in every place that may hold something."""
    sp = replace(SP, message=message)
    info = service_provider.key_info(sp.certificate)
    return service_provider.octets(sp.signed(shape=service_provider.Shape(key_info=info)))


@functools.cache
def sent(message: MessageType, binding: str) -> bytes:
    """The same as it travels."""
    sp = replace(SP, message=message)
    if binding == REDIRECT:
        return sp.redirect(sp.text(), relay_state="state")
    return _packed(sp, signed(message), binding)


def _packed(sp: ServiceProvider, document: bytes, binding: str) -> bytes:
    return sp.post(document) if binding == POST else sp.soap(document)


@functools.cache
def covered(message: MessageType) -> bytes:
    """What the service provider signed."""
    return content(xml.parse(signed(message)))


def _check(message: MessageType, binding: str, payload: bytes) -> None:
    sp = replace(SP, message=message)
    try:
        received = receive(binding, payload, sp)
    except errors.SamlError:
        return
    except UnicodeDecodeError:
        # A query that is not ASCII: the server gives it as text.
        assert binding == REDIRECT
        return
    if received.signed:
        assert content(received.element) == covered(message)


@pytest.mark.parametrize(("message", "binding"), BINDINGS)
def test_without_a_change_the_message_is_good(message: MessageType, binding: str) -> None:
    received = receive(binding, sent(message, binding), replace(SP, message=message))
    assert received.signed
    assert content(received.element) == covered(message)


@pytest.mark.parametrize(("message", "binding"), BINDINGS)
@settings(max_examples=60)
@given(changes=mutations.splices)
def test_changed_octets(message: MessageType, binding: str, changes: list[Splice]) -> None:
    """Of the query, the form or the envelope: also of base64, of escapes and of names."""
    _check(message, binding, mutations.spliced(sent(message, binding), changes))


@pytest.mark.parametrize(("message", "binding"), BINDINGS)
@settings(max_examples=40)
@given(changes=mutations.splices)
def test_changed_text(message: MessageType, binding: str, changes: list[Splice]) -> None:
    """Of the message, before it is packed; by Redirect under a signature of its sender."""
    sp = replace(SP, message=message)
    if binding == REDIRECT:
        document = mutations.spliced(sp.text().encode(), changes)
        _refused_or_readable(sp, sp.redirect(document, level=0))
    else:
        document = mutations.spliced(signed(message), changes)
        _check(message, binding, _packed(sp, document, binding))


def _refused_or_readable(sp: ServiceProvider, payload: bytes) -> None:
    try:
        received = receive(REDIRECT, payload, sp)
    except errors.SamlError:
        return
    assert received.element.tag.endswith("}" + sp.message.local)


@pytest.mark.parametrize(("message", "binding"), WITH_XML_SIGNATURE)
@settings(max_examples=60)
@given(changes=mutations.edits)
def test_changed_trees(message: MessageType, binding: str, changes: list[Edit]) -> None:
    """Nodes dropped, doubled, moved, renamed, wrapped; attributes, texts, digests changed."""
    sp = replace(SP, message=message)
    document = mutations.edited(signed(message), changes)
    _check(message, binding, _packed(sp, document, binding))


@settings(max_examples=60)
@given(changes=mutations.edits)
def test_changed_envelopes(changes: list[Edit]) -> None:
    """The same with Header and Body among the nodes."""
    message = TYPES[-1]
    _check(message, "soap", mutations.edited(sent(message, "soap"), changes))


@functools.cache
def signed_metadata() -> bytes:
    """Metadata of the service provider, signed with another key than those in it."""
    root = xml.parse(SP.metadata(attributes='ID="_metadata"'))
    key = service_provider.xmlsec_key(service_provider.rsa_key("federation"))
    root.insert(0, service_provider.blank(service_provider.Shape(), identifier="_metadata"))
    return service_provider.octets(service_provider.fill(root[0], identified=root, key=key))


def _parsed(document: bytes) -> metadata.ServiceProviderMetadata:
    """What is verified. The warnings are also about what no signature covers: KeyInfo."""
    certificate = service_provider.certificate(service_provider.rsa_key("federation"))
    key = signature.verification_key(service_provider.base64_der(certificate))
    return replace(metadata.parse(document, now=NOW, signing_keys=[key]), warnings=())


def _check_metadata(document: bytes) -> None:
    try:
        parsed = _parsed(document)
    except errors.InvalidMetadata:
        return
    assert parsed == _parsed(signed_metadata())


@settings(max_examples=60)
@given(changes=mutations.edits)
def test_changed_metadata(changes: list[Edit]) -> None:
    _check_metadata(mutations.edited(signed_metadata(), changes))


@settings(max_examples=60)
@given(changes=mutations.splices)
def test_changed_octets_of_metadata(changes: list[Splice]) -> None:
    _check_metadata(mutations.spliced(signed_metadata(), changes))


@settings(max_examples=60)
@given(changes=mutations.edits)
def test_changed_metadata_that_nobody_signed(changes: list[Edit]) -> None:
    """Read, or refused with a sentence for the administrator."""
    said = "read"
    try:
        metadata.parse(mutations.edited(SP.metadata(), changes), now=NOW)
    except errors.InvalidMetadata as refused:
        said = refused.description
    assert said
