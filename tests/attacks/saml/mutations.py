"""Random changes of a good message: of its octets, and of its tree (strategies of hypothesis).

An edit is a few small numbers, so that a failing example shrinks to the one change that matters.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st
from lxml import etree

from federation.saml import vocabulary
from tests.attacks.saml.attack import WRAPPER

NAMES = (
    "samlp:AuthnRequest",
    "samlp:LogoutRequest",
    "samlp:Response",
    "saml:Assertion",
    "saml:Issuer",
    "saml:NameID",
    "ds:Signature",
    "ds:Object",
    "ds:Reference",
    "soap:Header",
    "soap:Body",
)
ATTRIBUTES = ("ID", "Id", "URI", "Algorithm", "Destination", "Version", "Format", "Consent")
VALUES = (
    "",
    "_request",
    "#_request",
    "_other",
    "#_other",
    "2.0",
    "mallory",
    "https://evil.example",
    vocabulary.RSA_SHA256,
    vocabulary.EXCLUSIVE_C14N,
    vocabulary.ENVELOPED_SIGNATURE,
    "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
)
PIECES = (b"", b"\0", b"<", b"&", b"=", b"+", b"%3d", b"A", b"<!---->", b"&#0;", b"\xff", b' x="y"')

Operation = Callable[[Any, Any, int], None]


def _drop(node: Any, other: Any, number: int) -> None:
    if node.getparent() is not None:
        node.getparent().remove(node)


def _duplicate(node: Any, other: Any, number: int) -> None:
    if node.getparent() is not None:
        node.addnext(copy.deepcopy(node))


def _copy_into(node: Any, other: Any, number: int) -> None:
    other.insert(number % (len(other) + 1), copy.deepcopy(node))


def _move(node: Any, other: Any, number: int) -> None:
    if node.getparent() is not None and node not in (other, *other.iterancestors()):
        other.insert(number % (len(other) + 1), node)


def _retag(node: Any, other: Any, number: int) -> None:
    node.tag = vocabulary.name(NAMES[number % len(NAMES)])


def _swap_tags(node: Any, other: Any, number: int) -> None:
    node.tag, other.tag = other.tag, node.tag


def _set_attribute(node: Any, other: Any, number: int) -> None:
    node.set(ATTRIBUTES[number % len(ATTRIBUTES)], VALUES[number // 8 % len(VALUES)])


def _change_attribute(node: Any, other: Any, number: int) -> None:
    if node.attrib:
        node.set(node.keys()[number % len(node.attrib)], VALUES[number // 8 % len(VALUES)])


def _drop_attribute(node: Any, other: Any, number: int) -> None:
    if node.attrib:
        del node.attrib[node.keys()[number % len(node.attrib)]]


def _set_text(node: Any, other: Any, number: int) -> None:
    node.text = VALUES[number % len(VALUES)]


def _set_tail(node: Any, other: Any, number: int) -> None:
    node.tail = VALUES[number % len(VALUES)]


def _add_comment(node: Any, other: Any, number: int) -> None:
    node.insert(number % (len(node) + 1), etree.Comment("x") if number % 2 else etree.PI("x"))


def _wrap(node: Any, other: Any, number: int) -> None:
    parent = node.getparent()
    if parent is not None:
        wrapper = etree.fromstring(f"<x:a {WRAPPER}/>")
        parent.replace(node, wrapper)
        wrapper.append(node)


def _change_base64(node: Any, other: Any, number: int) -> None:
    """One character of a text, which may be a digest, a signature value or a certificate."""
    if node.text:
        at = number % len(node.text)
        node.text = f"{node.text[:at]}{'A' if number % 2 else '='}{node.text[at + number % 3 :]}"


OPERATIONS: tuple[Operation, ...] = (
    _drop,
    _duplicate,
    _copy_into,
    _move,
    _retag,
    _swap_tags,
    _set_attribute,
    _change_attribute,
    _drop_attribute,
    _set_text,
    _set_tail,
    _add_comment,
    _wrap,
    _change_base64,
)

Edit = tuple[Operation, int, int, int]
Splice = tuple[int, int, bytes]

_numbers = st.integers(0, 400)
edits: st.SearchStrategy[list[Edit]] = st.lists(
    st.tuples(st.sampled_from(OPERATIONS), _numbers, _numbers, _numbers), min_size=1, max_size=4
)
splices: st.SearchStrategy[list[Splice]] = st.lists(
    st.tuples(
        st.integers(0, 6_000), st.integers(0, 40), st.sampled_from(PIECES) | st.binary(max_size=3)
    ),
    min_size=1,
    max_size=3,
)


def edited(document: bytes, changes: Sequence[Edit]) -> bytes:
    """The document after the changes, each to the node that its numbers choose."""
    root = etree.fromstring(document)
    for operation, first, second, number in changes:
        nodes = list(root.iter(etree.Element))
        operation(nodes[first % len(nodes)], nodes[second % len(nodes)], number)
    return etree.tostring(root)


def spliced(octets: bytes, changes: Sequence[Splice]) -> bytes:
    """The octets after the changes: at a place, so many taken out, something put in."""
    for at, count, piece in changes:
        start = at % (len(octets) + 1)
        octets = octets[:start] + piece + octets[start + count :]
    return octets
