"""SOAP endpoints: faults by their code and status, never a page."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from federation.identity_provider import soap_endpoint
from federation.saml import errors, soap, vocabulary, xml
from idp.models import AuditEvent
from idp.protocol.message import Request, Response

pytestmark = pytest.mark.django_db

SOAP_1_2 = b"http://www.w3.org/2003/05/soap-envelope"
ENVELOPE = soap.envelope(xml.new("samlp:ArtifactResolve"))


def ask(body: bytes = ENVELOPE, *, answer=None, **changes: str) -> Response:
    members = {"method": "POST", "content_type": "text/xml; charset=utf-8", **changes}
    request = Request(path="/saml/soap", now=datetime.now(UTC), body=body, **members)
    return soap_endpoint.handler(answer or (lambda message, request: _answer()))(request)


def _answer() -> xml.Element:
    return xml.new("samlp:ArtifactResponse")


def refuse(message, request):
    raise errors.InvalidSignature("signature_value", "a secret of the trace")


def content(response: Response) -> xml.Element:
    return soap.open_envelope(response.body)


def test_an_answer_goes_out_in_an_envelope() -> None:
    response = ask()
    assert response.status == 200
    assert dict(response.headers)["Content-Type"] == "text/xml; charset=utf-8"
    assert dict(response.headers)["Cache-Control"] == "no-store"
    assert content(response).tag == vocabulary.name("samlp:ArtifactResponse")


@pytest.mark.standard("SAML Bindings", "3.2.3.3", "a broken envelope is answered with a fault")
@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "soap:Client"),
        (b"\xff\xfe<a/>", "soap:Client"),
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "soap:Client"),
        (
            b'<E:Envelope xmlns:E="%s"/>' % SOAP_1_2,
            "soap:VersionMismatch",
        ),
        (b"<a>" * 90_000, "soap:Client"),
    ],
)
def test_a_broken_envelope(body: bytes, code: str) -> None:
    response = ask(body)
    assert response.status == 500
    assert content(response)[0].text == code
    assert "This is no SOAP 1.1 envelope" in content(response)[1].text


@pytest.mark.standard("SAML Bindings", "3.2.3.3", "who is not let in gets 403")
def test_a_refused_message_says_no_more_than_its_reference() -> None:
    response = ask(answer=refuse)
    assert response.status == 403
    words = content(response)[1].text
    assert "signature" not in words
    reference = words.rpartition(" ")[2]
    assert AuditEvent.objects.get(reference=reference).reason == (
        "signature_value: a secret of the trace"
    )


def test_an_envelope_may_come_under_the_name_of_the_next_version() -> None:
    """As from pysaml2; what it is, is told by its namespace alone."""
    label = {"content_type": "application/soap+xml"}
    assert ask(**label).status == 200
    assert ask(ENVELOPE.replace(vocabulary.SOAP.encode(), SOAP_1_2), **label).status == 500


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"method": "GET"}, 405),
        ({"content_type": "application/x-www-form-urlencoded"}, 415),
        ({"content_type": ""}, 415),
    ],
)
def test_another_method_or_content_type_is_a_fault_too(changes, status: int) -> None:
    response = ask(**changes)
    assert response.status == status
    assert content(response).tag == vocabulary.name("soap:Fault")
