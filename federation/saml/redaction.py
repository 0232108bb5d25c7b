"""A message as an administrator may read it: indented, without what it says about people.

Fails closed: text is shown for a list of elements, attributes for elements of SAML and XML
Signature; what is not listed becomes its length. Signatures, certificates and ciphertext keep their
beginning. Verifies nothing, and nothing here is ever sent.
"""

from __future__ import annotations

import re

from federation.saml import errors, vocabulary, xml

MAX_SHOWN = 16_000
MAX_VALUE = 300
BEGINNING = 16

_SHOWN = frozenset(
    vocabulary.name(name)
    for name in (
        "saml:Issuer",
        "saml:Audience",
        "saml:AuthnContextClassRef",
        "saml:AuthnContextDeclRef",
        "saml:AuthenticatingAuthority",
        "samlp:StatusMessage",
        "samlp:RequesterID",
        "ds:DigestValue",
    )
)
_SHORTENED = frozenset(
    vocabulary.name(name)
    for name in ("ds:SignatureValue", "ds:X509Certificate", "xenc:CipherValue")
)
_OWN = tuple(
    f"{{{vocabulary.PREFIXES[prefix]}}}"
    for prefix in ("saml", "samlp", "ds", "xenc", "xenc11", "soap")
)
# They name a session or a person.
_MASKED_ATTRIBUTES = frozenset({"SessionIndex", "SPProvidedID"})

# Up to the next tag, whatever stands there: rather too much than too little.
_ROUGH_TEXT = re.compile(r">([^<]*)")
_ROUGH_SECTION = re.compile(r"<!(?:\[CDATA\[|--).*?(?:\]\]>|-->|\Z)", re.DOTALL)


def readable(data: bytes) -> str:
    """Return a message that came, or was sent, to be read by administrators.

    One that cannot be parsed is shown as it is, but for everything between its tags.
    """
    try:
        root = xml.parse(data)
    except errors.InvalidMessage:
        return _rough(data[:MAX_SHOWN].decode("utf-8", "replace"))
    return readable_element(root)


def readable_element(root: xml.Element) -> str:
    """Return the same of an element that nobody needs any more: it is changed."""
    for element in root.iter():
        _mask(element)
    return _cut(xml.serialise(root, pretty=True).decode().strip())


def _mask(element: xml.Element) -> None:
    element.tail = None
    if len(element) and not (element.text or "").strip():
        element.text = None
    elif element.text:
        element.text = _text(element)
    own = element.tag.startswith(_OWN)
    for name, value in element.attrib.items():
        if not own or name in _MASKED_ATTRIBUTES or name.startswith("{"):
            element.attrib[name] = _length(value)
        elif len(value) > MAX_VALUE:
            element.attrib[name] = value[:MAX_VALUE] + "…"


def _text(element: xml.Element) -> str:
    text = str(element.text)
    if element.tag in _SHORTENED:
        compact = "".join(text.split())
        return f"{compact[:BEGINNING]}… {_length(compact)}"
    if element.tag in _SHOWN and not len(element):
        return text.strip()[:MAX_VALUE]
    return _length(text.strip())


def _length(text: str) -> str:
    return f"({len(text)} characters)"


def _rough(text: str) -> str:
    without = _ROUGH_SECTION.sub("<!…>", text)
    return _cut(_ROUGH_TEXT.sub(_rough_length, without))


def _rough_length(found: re.Match[str]) -> str:
    text = found[1].strip()
    return f">{_length(text)}" if text else found[0]


def _cut(text: str) -> str:
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "\n…"
