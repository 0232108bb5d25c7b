"""SOAP endpoints: SAML messages from service providers themselves, no browser between.

What goes wrong is told as SAML Bindings §3.2.3.3 has it: a broken envelope by a fault with status
500, which SOAP 1.1 §6.2 demands; a message that is not let in by a fault with 403; anything after
that by the status inside a SAML answer. Nothing is ever answered with a page.
"""

from __future__ import annotations

from collections.abc import Callable

from federation.identity_provider import received, refusal, remedies
from federation.saml import errors, soap, vocabulary, xml
from federation.saml.bindings import Message
from idp.features import Handler
from idp.protocol.message import NO_STORE, Request, Response

METHOD = "POST"
CONTENT_TYPE = ("Content-Type", "text/xml; charset=utf-8")
BROKEN = "This is no SOAP 1.1 envelope with one SAML message."
REFUSED = "The message was refused."

Answer = Callable[[xml.Element, Request], xml.Element]
"""From the message in the body, still in its tree, to the answer. Raises SamlError: not let in."""


def handler(answer: Answer) -> Handler:
    """Return the endpoint that lets `answer` speak for itself."""

    def endpoint(request: Request) -> Response:
        if request.method != METHOD:
            return _fault(405, soap.CLIENT, "Use POST.", headers=[("Allow", METHOD)])
        media_type = request.content_type.partition(";")[0].strip().lower()
        if media_type not in soap.ACCEPTED_MEDIA_TYPES:
            return _fault(415, soap.CLIENT, f"Use {soap.MEDIA_TYPE}.")
        try:
            message = soap.open_envelope(request.body)
        except errors.InvalidMessage as error:
            code = error.code if isinstance(error, soap.InvalidEnvelope) else soap.CLIENT
            return _refused(500, code, BROKEN, error, request)
        try:
            content = answer(message, request)
        except errors.SamlError as error:
            return _refused(403, soap.CLIENT, REFUSED, error, request)
        return Response(200, [CONTENT_TYPE, *NO_STORE], soap.envelope(content))

    return endpoint


def _refused(
    status: int, code: str, words: str, error: errors.SamlError, request: Request
) -> Response:
    """The fault, which says no more than a stranger may know; the rest is in the trace."""
    came = Message(vocabulary.SOAP_BINDING, "SOAP", request.body)
    reference = refusal.note(
        error,
        request,
        evidence_of=lambda: {
            "received": received.whole({"binding": "SOAP"}, came),
            "suggestion": remedies.of(error),
        },
    )
    return _fault(status, code, f"{words} Reference: {reference}")


def _fault(
    status: int, code: str, words: str, *, headers: list[tuple[str, str]] | None = None
) -> Response:
    return Response(status, [CONTENT_TYPE, *NO_STORE, *(headers or [])], soap.fault(code, words))
