"""Hostile SOAP envelopes around good messages: shapes, headers, and signatures of another thing."""

from __future__ import annotations

from typing import Any

from lxml import etree

from federation.saml import vocabulary
from tests.attacks.saml import service_provider
from tests.attacks.saml.attack import Document, Raw, forgery, one, several, text
from tests.attacks.saml.message_types import SOAP
from tests.attacks.saml.service_provider import ServiceProvider, Shape, envelope

NS = vocabulary.SOAP
SOAP_1_2 = "http://www.w3.org/2003/05/soap-envelope"
BODY = "<s:Body>{}</s:Body>"
HEADER = "<s:Header>{}</s:Header>"
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"


def around(content: str) -> Raw:
    """An envelope with whatever parts."""
    return Raw(f'<s:Envelope xmlns:s="{NS}">{content}</s:Envelope>'.encode())


@several(
    "soap_envelope",
    {
        "two_bodies": BODY + BODY,
        "forged_body_first": "<s:Body>forged</s:Body>" + BODY,
        "no_body": "{}",
        "nothing": "",
        "header_only": HEADER,
        "header_after_body": BODY + "<s:Header/>",
        "two_headers": "<s:Header/><s:Header/>" + BODY,
        "something_after_body": BODY + '<x:a xmlns:x="urn:x"/>',
        "body_without_namespace": "<Body>{}</Body>",
        "body_of_soap_1_2": f'<b:Body xmlns:b="{SOAP_1_2}">{{}}</b:Body>',
        "lower_case_body": "<s:body>{}</s:body>",
    },
    by=(SOAP,),
)
def envelope_of_another_shape(sp: ServiceProvider, parts: str) -> Document:
    good, forged = text(sp.signed()), sp.text(**forgery(sp))
    return around(parts.replace("forged", forged).replace("{}", good, 1).replace("{}", forged))


@several(
    "soap_envelope",
    {"soap_1_2": SOAP_1_2, "unknown": "urn:x", "case": NS.upper(), "no_slash": NS[:-1]},
    by=(SOAP,),
)
def envelope_of_another_namespace(sp: ServiceProvider, namespace: str) -> Document:
    return Raw(envelope(text(sp.signed()).encode(), namespace=namespace))


@one("soap_envelope", by=(SOAP,))
def message_without_envelope(sp: ServiceProvider) -> Document:
    return Raw(service_provider.octets(sp.signed()))


@one("soap_envelope", by=(SOAP,))
def envelope_in_something_else(sp: ServiceProvider) -> Document:
    return Raw(b'<x:a xmlns:x="urn:x">%s</x:a>' % sp.soap(sp.signed()))


@one("message_type", by=(SOAP,))
def envelope_in_envelope(sp: ServiceProvider) -> Document:
    return Raw(envelope(sp.soap(sp.signed())))


@several("soap_body", {"first": True, "second": False}, by=(SOAP,))
def two_messages_in_the_body(sp: ServiceProvider, first: bool) -> Document:
    good, forged = text(sp.signed()), sp.text(**forgery(sp))
    return Raw(envelope((forged + good if first else good + forged).encode()))


@several("soap_body", {"empty": "", "text": "evil", "space": " \n"}, by=(SOAP,))
def message_in_the_header_alone(sp: ServiceProvider, body: str) -> Document:
    return Raw(envelope(body.encode(), header=text(sp.signed()).encode()))


@one("message_type", by=(SOAP,))
def fault(sp: ServiceProvider) -> Document:
    return around("<s:Body><s:Fault><faultcode>s:Client</faultcode></s:Fault></s:Body>")


@several(
    "soap_header",
    {"one": "1", "true": "true", "space": " 1 ", "unknown": "yes", "empty": ""},
    by=(SOAP,),
)
def header_that_must_be_understood(sp: ServiceProvider, value: str) -> Document:
    harmless = '<x:a xmlns:x="urn:x"/>'
    header = f'{harmless}<x:Security xmlns:x="{WSSE}" s:mustUnderstand="{value}"/>{harmless}'
    return Raw(envelope(text(sp.signed()).encode(), header=header.encode()))


@one("duplicate_id", by=(SOAP,))
def the_id_of_the_message_in_the_header(sp: ServiceProvider) -> Document:
    """A signature that looks its Reference up by ID would find the other one."""
    header = '<x:a xmlns:x="urn:x" ID="_request"/>'
    return Raw(envelope(text(sp.signed()).encode(), header=header.encode()))


@one("duplicate_id", by=(SOAP,))
def good_message_in_the_header_under_the_same_id(sp: ServiceProvider) -> Document:
    forged = sp.text(**(forgery(sp) | {"identifier": "_request"}))
    return Raw(envelope(forged.encode(), header=text(sp.signed()).encode()))


def _detached(sp: ServiceProvider, message: Any) -> str:
    """A good signature over `message` that does not stand in it."""
    signed = service_provider.sign(message, shape=Shape())
    signature = signed[1]
    signed.remove(signature)
    return text(signature)


SECURITY = f'<w:Security xmlns:w="{WSSE}">{{}}</w:Security>'


@several("signature_parent", {"alone": "{}", "security": SECURITY}, by=(SOAP,))
def signature_in_the_header(sp: ServiceProvider, block: str) -> Document:
    message = sp.element()
    signature = _detached(sp, message)
    header = block.replace("{}", signature).encode()
    return Raw(envelope(text(message).encode(), header=header))


@several("soap_body", {"before": True, "after": False}, by=(SOAP,))
def signature_beside_the_message(sp: ServiceProvider, before: bool) -> Document:
    message = sp.element()
    signature = _detached(sp, message)
    parts = [signature, text(message)] if before else [text(message), signature]
    return Raw(envelope("".join(parts).encode()))


@several("signature_parent", {"Body": False, "Envelope": True}, by=(SOAP,))
def signature_over_more_than_the_message(sp: ServiceProvider, whole: bool) -> Document:
    root = etree.fromstring(sp.soap(sp.element()))
    signed = root if whole else root[0]
    signed.set("ID", "_more")
    header = etree.Element(f"{{{NS}}}Header")
    header.append(service_provider.blank(Shape(), identifier="_more"))
    root.insert(0, header)
    service_provider.fill(header[0], identified=signed)
    return Raw(etree.tostring(root))
