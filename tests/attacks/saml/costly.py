"""Messages just within the size that is read, made to cost as much as they can before they go.

The bench runs them for their CPU time (`deploy/bench/saml.py`); here each has its check.
"""

from __future__ import annotations

from typing import Any

from tests.attacks.saml import service_provider
from tests.attacks.saml.attack import Document, Raw, one, several, text, within_extensions
from tests.attacks.saml.message_types import POST, REDIRECT
from tests.attacks.saml.references import EXCLUSIVE, inclusive_namespaces
from tests.attacks.saml.service_provider import ServiceProvider, Shape

# What is left of 256 KiB for the filling; the envelope, the signature and the rest take theirs.
ROOM = 250_000


def filled(piece: str, *, room: int = ROOM) -> str:
    """As many of a piece as fit."""
    return piece * (room // len(piece.encode()))


PIECES = {
    "empty": "<a/>",
    "nested": "<a><a><a><a/></a></a></a>",
    "with_text": "<a>b</a>c",
    "with_attributes": '<a b="" c="" d=""/>',
    "with_an_id": '<a ID=""/>',
}


@several("elements", PIECES)
def elements(sp: ServiceProvider, piece: str) -> Document:
    return sp.text(inside=within_extensions(filled(piece)))


@several("elements", {"instructions": "<?a?>"}, post="escapes", redirect="escapes")
@several("elements", {"comments": "<!---->", "sections": "<![CDATA[&]]>"})
def hidden_nodes(sp: ServiceProvider, piece: str) -> Document:
    return sp.text(inside=within_extensions(filled(piece)))


@one("elements")
def comments_before_the_root(sp: ServiceProvider) -> Document:
    return filled("<!---->") + sp.text()


@several(
    "signature_value",
    {
        "plain": "abcdefgh",
        "entities": "&amp;",
        "references": "&#x10ffff;",
        "sections": f"<![CDATA[{'&' * 90}]]>",
        "to_be_escaped": "&gt;&#13;",
        "lines": "\r\n",
        "wide": "\U0001f600",
        "brackets": "]",
    },
)
def text_under_a_foreign_signature(sp: ServiceProvider, piece: str) -> Document:
    """Valid and in shape, so that it is canonicalised and digested before the key is found out."""
    signed = _by_a_foreign_key(sp, inside=within_extensions("here"))
    return text(signed).replace("here", filled(piece))


@several(
    "signature_value",
    {
        "attributes": '<x:a b="1"/>',
        "deep": "<x:a>" * 25 + "</x:a>" * 25,
        "long_attributes": f'<x:a b="{"&amp;" * 800}"/>',
        "identifiers": "",
    },
)
def elements_under_a_foreign_signature(sp: ServiceProvider, piece: str) -> Document:
    content = (piece * (900 // piece.count("<x:a")))[:ROOM] if piece else _identifiers()
    if not content.endswith(">"):
        content = piece * (ROOM // len(piece))
    return text(_by_a_foreign_key(sp, inside=within_extensions(content)))


def _identifiers() -> str:
    return "".join(f'<x:a ID="_{"i" * 200}{number}"/>' for number in range(900))


def _by_a_foreign_key(sp: ServiceProvider, **options: Any) -> Any:
    key = service_provider.xmlsec_key(service_provider.rsa_key("foreign"))
    info = service_provider.key_info(sp.certificate)
    return sp.signed(key=key, shape=Shape(key_info=info), **options)


@one("signature_value")
def namespaces_under_a_foreign_signature(sp: ServiceProvider) -> Document:
    """Every declaration is in scope of every element, and used by many of them."""
    inside = within_extensions(f"<x:a {_used()}/>" * 18 + "<x:a/>" * 900)
    return text(_by_a_foreign_key(sp, attributes=_declared(), inside=inside))


@one("attributes")
def namespaces_used_by_every_element(sp: ServiceProvider) -> Document:
    """Each attribute is looked up in all of them, and each declaration is written out again."""
    inside = within_extensions(f"<x:a {_used()}/>" * 300)
    return text(_by_a_foreign_key(sp, attributes=_declared(), inside=inside))


def _declared() -> str:
    return " ".join(f'xmlns:n{n}="urn:{"n" * 100}{n}"' for n in range(50))


def _used() -> str:
    return " ".join(f'n{n}:a=""' for n in range(50))


@one("signature_value")
def large_certificate(sp: ServiceProvider) -> Document:
    """Base64 that the schema checks letter by letter, and that nobody reads."""
    certificate = service_provider.base64_der(sp.certificate)
    return text(_by_a_foreign_key(sp)).replace(certificate, "A" * 240_000)


@one("schema")
def large_signature_value(sp: ServiceProvider) -> Document:
    signed = text(_by_a_foreign_key(sp))
    return signed.replace("</ds:SignatureValue>", f"{'QUFB' * 60_000}</ds:SignatureValue>")


@one("inclusive_namespaces")
def long_prefix_list(sp: ServiceProvider) -> Document:
    listed = inclusive_namespaces("saml " * 800)
    return sp.signed(shape=Shape(transform_content={EXCLUSIVE: listed}))


@several("schema", {"element": "<samlp:{0}/>", "text": "evil"})
def broken_at_the_very_end(sp: ServiceProvider, last: str) -> Document:
    inside = within_extensions("<x:a>" + "<x:b/>" * 900 + "x" * 200_000 + "</x:a>")
    root = sp.element(inside=inside)
    return text(root).replace(
        f"</{sp.message.tag}>", f"{last.format(sp.message.local)}</{sp.message.tag}>"
    )


FLOODS = {
    "empty": ("&", "parameters"),
    "short": ("a&", "parameters"),
    "escaped": ("%41&", "parameters"),
    "in_the_message": ("%41", "escapes"),
    "line_breaks": ("%0a", "escapes"),
}
for _name, (_piece, _check) in FLOODS.items():

    @one(_check, by=(POST, REDIRECT), name=f"flood[{_name}]")
    def flood(sp: ServiceProvider, piece: str = _piece) -> Document:
        """A query or form that takes long to take apart."""
        return Raw(f"{sp.message.parameter}={filled(piece)}".encode())
