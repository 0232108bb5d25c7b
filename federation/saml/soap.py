"""The SOAP binding: one SAML message in the body of a SOAP 1.1 envelope (SAML Bindings §3.2).

Takes envelopes apart and puts them together; the message inside stays in its tree, so that what is
verified is the node that is read. Knows no HTTP.
"""

from __future__ import annotations

from federation.saml import errors, vocabulary, xml

MEDIA_TYPE = "text/xml"
# SOAP 1.1 §6.1.1 demands the header of a request, SAML Bindings §3.2.3.1 suggests this value.
ACTION = ("SOAPAction", '"http://www.oasis-open.org/committees/security"')
# The second is SOAP 1.2's, under which pysaml2 sends envelopes of SOAP 1.1.
ACCEPTED_MEDIA_TYPES = (MEDIA_TYPE, "application/soap+xml")

# Fault codes (SOAP 1.1 §4.4.1).
CLIENT, SERVER = "Client", "Server"
VERSION_MISMATCH, MUST_UNDERSTAND = "VersionMismatch", "MustUnderstand"

_ENVELOPE = vocabulary.name("soap:Envelope")
_MUST_UNDERSTAND = vocabulary.name("soap:mustUnderstand")
_PARTS = (
    [vocabulary.name("soap:Body")],
    [vocabulary.name("soap:Header"), vocabulary.name("soap:Body")],
)


class InvalidEnvelope(errors.InvalidMessage):
    """Not an envelope with one SAML message. `code`: that of the fault to answer with."""

    def __init__(self, check: str, detail: str, *, code: str = CLIENT) -> None:
        """`detail`: for our log."""
        super().__init__(check, detail)
        self.code = code


def open_envelope(data: bytes) -> xml.Element:
    """Return the only child of the body, still in the envelope's tree.

    Header blocks are ignored, unless they must be understood: none is here (SOAP 1.1 §4.2.3).
    Raises InvalidMessage, InvalidEnvelope.
    """
    root = xml.parse(data)
    if root.tag != _ENVELOPE:
        code = VERSION_MISMATCH if root.tag.endswith("}Envelope") else CLIENT
        raise InvalidEnvelope("soap_envelope", f"{root.tag} is no SOAP 1.1 envelope", code=code)
    if [child.tag for child in root] not in _PARTS:
        raise InvalidEnvelope("soap_envelope", "not a Header, perhaps, and a Body")
    for header in root[:-1]:
        if any(_must_be_understood(block) for block in header):
            raise InvalidEnvelope("soap_header", "must be understood", code=MUST_UNDERSTAND)
    content = list(root[-1])
    if len(content) != 1:
        raise InvalidEnvelope("soap_body", f"{len(content)} elements in the Body")
    return content[0]


def _must_be_understood(block: xml.Element) -> bool:
    return block.get(_MUST_UNDERSTAND, "0").strip() not in ("0", "false")


def envelope(content: xml.Element) -> bytes:
    """Return the envelope around a message of ours, which may be signed already."""
    root = xml.new("soap:Envelope")
    xml.add(root, "soap:Body").append(content)
    return xml.serialise(root)


def fault(code: str, words: str) -> bytes:
    """Return an envelope with a fault (SOAP 1.1 §4.4). `words`: for the other side's developer."""
    root = xml.new("soap:Envelope")
    element = xml.add(xml.add(root, "soap:Body"), "soap:Fault")
    xml.add_plain(element, "faultcode", f"soap:{code}")
    xml.add_plain(element, "faultstring", words)
    return xml.serialise(root)
