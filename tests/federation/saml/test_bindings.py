"""The Redirect and POST bindings: honest messages in every spelling; the rest is in the corpus."""

from __future__ import annotations

import base64
import contextlib
import hashlib
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from federation.saml import bindings, errors, signature, vocabulary, xml
from tests.attacks.saml import service_provider
from tests.attacks.saml.service_provider import ServiceProvider


@pytest.mark.standard("SAML Bindings", "3.4.4.1", "DEFLATE encoding of a request")
def test_decodes_redirect(sp: ServiceProvider) -> None:
    message = bindings.decode_redirect(sp.redirect(sp.text(), relay_state="x").decode())
    assert message.binding == vocabulary.REDIRECT
    assert message.kind == "SAMLRequest"
    assert message.xml == sp.text().encode()
    assert message.relay_state == "x"


def test_unsigned_redirect_has_no_signature(sp: ServiceProvider) -> None:
    message = bindings.decode_redirect(sp.redirect(sp.text(), signed=False).decode())
    assert message.signature is None
    assert message.relay_state is None


@pytest.mark.standard("SAML Bindings", "3.4.4.1", "the signature covers the octets as they came")
@pytest.mark.parametrize("escape", [str.lower, str.upper])
def test_verifies_over_the_raw_octets(sp: ServiceProvider, sp_keys, escape) -> None:
    """Lower-case escapes, which some service providers send, are signed as such."""
    packed = quote(base64.b64encode(service_provider.deflate(sp.text().encode())), safe="")
    algorithm = quote(vocabulary.RSA_SHA256, safe="")
    query = f"SAMLRequest={packed}&RelayState=a%2fb&SigAlg={algorithm}"
    if escape is str.lower:
        query = query.replace("%2F", "%2f").replace("%3A", "%3a").replace("%2B", "%2b")
    signed = query + "&Signature=" + sp.value(query).decode()
    message = bindings.decode_redirect(signed)
    bindings.verify_redirect(message, keys=sp_keys)
    assert message.relay_state == "a/b"


def test_parameters_may_come_in_any_order(sp: ServiceProvider, sp_keys) -> None:
    parts = sp.redirect(sp.text(), relay_state="r").decode().split("&")
    message = bindings.decode_redirect("&".join(["x=y", *reversed(parts)]))
    bindings.verify_redirect(message, keys=sp_keys)


def test_verify_needs_a_signature(sp: ServiceProvider, sp_keys) -> None:
    message = bindings.decode_redirect(sp.redirect(sp.text(), signed=False).decode())
    with pytest.raises(errors.InvalidSignature) as refused:
        bindings.verify_redirect(message, keys=sp_keys)
    assert refused.value.check == "signature_missing"


def test_verify_needs_a_key(sp: ServiceProvider) -> None:
    message = bindings.decode_redirect(sp.redirect(sp.text()).decode())
    with pytest.raises(errors.InvalidSignature) as refused:
        bindings.verify_redirect(message, keys=[])
    assert refused.value.check == "no_key"


def test_every_key_of_the_peer_is_tried(sp: ServiceProvider, sp_keys) -> None:
    others = [
        signature.VerificationKey(service_provider.rsa_key(name).public_key())
        for name in ("foreign", "another")
    ]
    message = bindings.decode_redirect(sp.redirect(sp.text()).decode())
    bindings.verify_redirect(message, keys=[*others, *sp_keys])


def test_says_deflate_aloud(sp: ServiceProvider) -> None:
    query = sp.redirect(sp.text(), signed=False).decode()
    encoding = quote(vocabulary.DEFLATE, safe="")
    assert bindings.decode_redirect(f"{query}&SAMLEncoding={encoding}").kind == "SAMLRequest"


@pytest.mark.standard("SAML Bindings", "3.5.4", "base64 in a form control, lines of any length")
@pytest.mark.parametrize("line_break", ["", "\n", "\r\n"])
def test_decodes_post(sp: ServiceProvider, line_break: str) -> None:
    encoded = base64.b64encode(sp.text().encode()).decode()
    lines = [encoded[start : start + 76] for start in range(0, len(encoded), 76)]
    body = urlencode({"RelayState": "a+b c", "SAMLRequest": line_break.join(lines)})
    message = bindings.decode_post(body.encode())
    assert message.xml == sp.text().encode()
    assert message.relay_state == "a+b c"
    assert message.signature is None


def test_limits_are_inclusive(sp: ServiceProvider) -> None:
    body = sp.post(sp.text(), relay_state="x" * 2_048)
    others = b"&a=b" * (bindings.MAX_PARAMETERS - 2)
    assert len(bindings.decode_post(body + others).relay_state or "") == 2_048
    escapes = body.count(b"%")
    bindings.decode_post(body + b"&a=" + b"%41" * (bindings.MAX_ESCAPES - escapes))
    for longer, check in (
        (body + others + b"&a=b", "parameters"),
        (body + b"&a=" + b"%41" * (bindings.MAX_ESCAPES - escapes + 1), "escapes"),
        (sp.post(sp.text(), relay_state="x" * 2_049), "relay_state"),
        (body + b"a" * (bindings.MAX_ENCODED - len(body) + 1), "size"),
    ):
        with pytest.raises(errors.InvalidMessage) as refused:
            bindings.decode_post(longer)
        assert refused.value.check == check


@pytest.mark.parametrize("size", [255 * 1024, 256 * 1024, 256 * 1024 + 1])
def test_inflates_as_much_as_is_read(size: int) -> None:
    """Stored, not packed: the ratio has nothing to say."""
    packed = service_provider.deflate(b"a" * size, level=0)
    if size <= xml.MESSAGE.size:
        assert len(bindings.inflate(packed)) == size
    else:
        with pytest.raises(errors.MessageTooLarge, match="inflated_size"):
            bindings.inflate(packed)


def test_what_is_short_may_pack_well() -> None:
    assert len(bindings.inflate(service_provider.deflate(b"a" * bindings.RATIO_FREE))) == (
        bindings.RATIO_FREE
    )
    with pytest.raises(errors.MessageTooLarge, match="inflate_ratio"):
        bindings.inflate(service_provider.deflate(b"a" * (bindings.RATIO_FREE + 1)))


def test_post_form_is_ascii(sp: ServiceProvider) -> None:
    with pytest.raises(errors.InvalidMessage) as refused:
        bindings.decode_post(sp.post(sp.text()) + b"&RelayState=\xff")
    assert refused.value.check == "form"


@pytest.mark.standard("SAML Bindings", "3.5.3", "RelayState comes back byte for byte")
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=500))
@settings(max_examples=100, deadline=None)
def test_relay_state_comes_back_unchanged(value: str) -> None:
    sp = ServiceProvider()
    for message in (
        bindings.decode_post(sp.post(b"x", relay_state=value)),
        bindings.decode_redirect(sp.redirect(b"x", relay_state=value, signed=False).decode()),
    ):
        form = bindings.post_form(b"<r/>", action="https://sp/", relay_state=message.relay_state)
        assert dict(form.fields)["RelayState"] == value


def test_post_form_without_relay_state() -> None:
    form = bindings.post_form(b"<r/>", action="https://sp.example/acs", relay_state=None)
    assert form == bindings.PostForm("https://sp.example/acs", (("SAMLResponse", "PHIvPg=="),))


def test_relay_state_of_2_kb_is_taken(sp: ServiceProvider) -> None:
    value = "x" * bindings.MAX_RELAY_STATE
    assert bindings.decode_post(sp.post(b"x", relay_state=value)).relay_state == value


@given(st.binary(min_size=1, max_size=100_000))
@settings(max_examples=50, deadline=None)
def test_inflates_whatever_was_deflated(data: bytes) -> None:
    assert bindings.inflate(service_provider.deflate(data)) == data


@pytest.mark.parametrize("size", [16_383, 16_384, 16_385, 100_000, xml.MESSAGE.size])
def test_inflates_up_to_the_limit(size: int) -> None:
    noise = hashlib.shake_256(b"noise").digest(size)
    assert bindings.inflate(service_provider.deflate(noise)) == noise


def test_stops_inflating_at_the_limit() -> None:
    noise = hashlib.shake_256(b"noise").digest(xml.MESSAGE.size + 1)
    with pytest.raises(errors.MessageTooLarge) as refused:
        bindings.inflate(service_provider.deflate(noise))
    assert refused.value.check == "inflated_size"


@given(st.text(max_size=200), st.binary(max_size=200))
@settings(max_examples=100, deadline=None)
def test_any_query_and_body_is_a_message_or_a_clear_refusal(query: str, body: bytes) -> None:
    for decode, value in (
        (bindings.decode_redirect, query),
        (bindings.decode_redirect, "SAMLRequest=" + query),
        (bindings.decode_post, body),
        (bindings.decode_post, b"SAMLRequest=" + body),
    ):
        with contextlib.suppress(errors.SamlError):
            decode(value)  # type: ignore[operator]


@pytest.mark.standard("SAML Bindings", "3.4.4.1", "a message of ours by Redirect is signed")
@pytest.mark.parametrize("relay_state", [None, "a/b c&d=é"])
@pytest.mark.parametrize("url", ["https://sp.example/slo", "https://sp.example/slo?a=b"])
def test_our_own_redirect_is_read_and_verified(key, url: str, relay_state: str | None) -> None:
    address = bindings.redirect_url(
        b"<a/>", url=url, kind="SAMLRequest", relay_state=relay_state, key=key
    )
    assert address.startswith(url)
    message = bindings.decode_redirect(address.partition("?")[2])
    assert (message.xml, message.kind, message.relay_state) == (b"<a/>", "SAMLRequest", relay_state)
    bindings.verify_redirect(message, keys=[signature.verification_key(key.certificate)])


def test_signs_with_the_algorithm_that_was_agreed(key) -> None:
    query = bindings.redirect_url(
        b"<a/>",
        url="https://sp",
        kind="SAMLRequest",
        relay_state=None,
        key=key,
        algorithm=vocabulary.RSA_SHA512,
    ).partition("?")[2]
    message = bindings.decode_redirect(query)
    assert message.signature is not None
    assert message.signature.algorithm == vocabulary.RSA_SHA512
    bindings.verify_redirect(message, keys=[signature.verification_key(key.certificate)])


def test_a_request_of_ours_by_post() -> None:
    form = bindings.post_form(b"<a/>", action="https://sp", relay_state=None, kind="SAMLRequest")
    assert form.fields == (("SAMLRequest", base64.b64encode(b"<a/>").decode()),)
