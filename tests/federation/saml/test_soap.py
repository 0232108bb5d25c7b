"""SOAP envelopes: taken apart, put together, and every way in which one can be none."""

from __future__ import annotations

import pytest

from federation.saml import errors, soap, vocabulary, xml

CONTENT = f'<samlp:ArtifactResolve xmlns:samlp="{vocabulary.SAMLP}"/>'


def envelope(body: str, *, header: str = "", namespace: str = vocabulary.SOAP) -> bytes:
    return (
        f'<e:Envelope xmlns:e="{namespace}">{header}<e:Body>{body}</e:Body></e:Envelope>'
    ).encode()


@pytest.mark.standard("SAML Bindings", "3.2.2", "one message, the only child of the body")
def test_opens_what_it_closed() -> None:
    message = xml.new("samlp:ArtifactResolve")
    opened = soap.open_envelope(soap.envelope(message))
    assert opened.tag == vocabulary.name("samlp:ArtifactResolve")
    assert opened.getroottree().getroot().tag == vocabulary.name("soap:Envelope")


def test_indented_and_with_a_harmless_header() -> None:
    header = '<e:Header><x:a xmlns:x="urn:x" e:mustUnderstand="0"/></e:Header>'
    opened = soap.open_envelope(envelope(f"\n  {CONTENT}\n", header=header))
    assert opened.tag == vocabulary.name("samlp:ArtifactResolve")


@pytest.mark.parametrize("value", ["0", "false", " 0 ", "\n0\t"])
def test_header_blocks_may_say_that_nobody_has_to_understand_them(value: str) -> None:
    block = f'<x:a xmlns:x="urn:x" e:mustUnderstand="{value}"/>'
    assert len(soap.open_envelope(envelope(CONTENT, header=f"<e:Header>{block}</e:Header>"))) == 0


@pytest.mark.parametrize("place", range(3))
def test_one_block_that_must_be_understood_is_enough(place: int) -> None:
    blocks = ['<x:a xmlns:x="urn:x"/>'] * 3
    blocks[place] = '<x:a xmlns:x="urn:x" e:mustUnderstand="1"/>'
    with pytest.raises(soap.InvalidEnvelope) as refused:
        soap.open_envelope(envelope(CONTENT, header=f"<e:Header>{''.join(blocks)}</e:Header>"))
    assert (refused.value.check, refused.value.code) == ("soap_header", "MustUnderstand")


def test_the_names_of_the_codes() -> None:
    codes = (soap.CLIENT, soap.SERVER, soap.VERSION_MISMATCH, soap.MUST_UNDERSTAND)
    assert codes == ("Client", "Server", "VersionMismatch", "MustUnderstand")
    assert soap.MEDIA_TYPE == "text/xml"


@pytest.mark.standard("SOAP 1.1", "4.4.1", "the fault code says what is wrong with the envelope")
@pytest.mark.parametrize(
    ("octets", "check", "code"),
    [
        (envelope(""), "soap_body", soap.CLIENT),
        (envelope(CONTENT * 2), "soap_body", soap.CLIENT),
        (CONTENT.encode(), "soap_envelope", soap.CLIENT),
        (
            envelope(CONTENT, namespace="http://www.w3.org/2003/05/soap-envelope"),
            "soap_envelope",
            soap.VERSION_MISMATCH,
        ),
        (f'<e:Envelope xmlns:e="{vocabulary.SOAP}"/>'.encode(), "soap_envelope", soap.CLIENT),
        (
            envelope(CONTENT, header="<e:Body/>"),
            "soap_envelope",
            soap.CLIENT,
        ),
        (
            envelope(
                CONTENT, header='<e:Header><x:a xmlns:x="urn:x" e:mustUnderstand="1"/></e:Header>'
            ),
            "soap_header",
            soap.MUST_UNDERSTAND,
        ),
        (
            envelope(
                CONTENT, header='<e:Header><x:a xmlns:x="urn:x" e:mustUnderstand="?"/></e:Header>'
            ),
            "soap_header",
            soap.MUST_UNDERSTAND,
        ),
    ],
)
def test_refuses_what_is_no_envelope(octets: bytes, check: str, code: str) -> None:
    with pytest.raises(soap.InvalidEnvelope) as refused:
        soap.open_envelope(octets)
    assert (refused.value.check, refused.value.code) == (check, code)


@pytest.mark.parametrize("octets", [b"", b"{}", b"<", b"<!DOCTYPE a><a/>", b"<a>" * 100_000])
def test_refuses_what_is_no_xml(octets: bytes) -> None:
    with pytest.raises(errors.InvalidMessage):
        soap.open_envelope(octets)


@pytest.mark.standard("SOAP 1.1", "4.4", "faultcode and faultstring, unqualified")
def test_a_fault() -> None:
    fault = soap.open_envelope(soap.fault(soap.CLIENT, "no <good>"))
    assert fault.tag == vocabulary.name("soap:Fault")
    assert [(child.tag, child.text) for child in fault] == [
        ("faultcode", "soap:Client"),
        ("faultstring", "no <good>"),
    ]
    assert fault.nsmap["soap"] == vocabulary.SOAP


def test_a_fault_cannot_hold_everything() -> None:
    with pytest.raises(errors.InvalidContent):
        soap.fault(soap.CLIENT, "\x00")
