"""Logout messages of ours on their way: signed as it is set for the service provider."""

from __future__ import annotations

from federation.identity_provider import entity, pages, protection
from federation.models import ServiceProvider
from federation.saml import logout, signature, soap, xml
from federation.saml.logout import Way
from idp.protocol.message import Response, redirect


def by_browser(element: xml.Element, row: ServiceProvider, *, by: Way, kind: str) -> Response:
    """The answer that lets a browser carry the message. Raises InvalidContent."""
    sent = logout.send(
        element,
        by=by,
        kind=kind,
        key=entity.signing_key(row),
        algorithm=protection.algorithm(row),
    )
    if isinstance(sent, str):
        return redirect(sent)
    return pages.form_post(sent, application=row.application)


def signed(element: xml.Element, row: ServiceProvider) -> xml.Element:
    """The message with its signature, as SOAP carries it. Raises InvalidContent."""
    signature.sign(element, key=entity.signing_key(row), algorithm=protection.algorithm(row))
    return element


def by_soap(element: xml.Element, row: ServiceProvider) -> bytes:
    """The envelope with the signed message. Raises InvalidContent."""
    return soap.envelope(signed(element, row))
