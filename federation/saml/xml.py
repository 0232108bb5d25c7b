"""The only door to XML: hardened parse, schema validation, full text, building (SAML Core §1.3).

Nothing outside `federation.saml` touches lxml. There is one parser, hence one tree: what was
verified is the very node that is read. `parse` refuses what an honest SAML message never has:

- another encoding than UTF-8, another XML version than 1.0, a DOCTYPE (so no entities either);
- comments and processing instructions. In metadata, which people edit, they are dropped instead:
  the parser never creates the nodes, text around them stays whole, and a signature over a
  processing instruction no longer verifies;
- more than the limits; relative namespace URIs, on which canonicalisation fails;
- IDs that are no NCName, that stand twice (ID, Id, id, xml:id), or whose attribute has a prefix.
"""

from __future__ import annotations

import codecs
import copy
import functools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from lxml import etree

from federation.saml import datatypes, errors, vocabulary

# lxml has no type information.
Element: TypeAlias = Any

MAX_ID = 256
MAX_ATTRIBUTES = 64
# Each of an element's two, and what is dropped. A tree of more costs more than its limits allow.
TAGS_PER_ELEMENT = 4
ID_ATTRIBUTES = frozenset({"ID", "Id", "id", f"{{{vocabulary.XML}}}id"})

XSD = "http://www.w3.org/2001/XMLSchema"
SCHEMAS = {
    "protocol": (vocabulary.SAMLP, "saml-schema-protocol-2.0.xsd"),
    "metadata": (vocabulary.MD, "saml-schema-metadata-2.0.xsd"),
}
_OWN = Path(__file__).parent / "schemas"
OWN_SCHEMAS = {
    vocabulary.EXCLUSIVE_C14N: _OWN / "exclusive-canonicalization.xsd",
    vocabulary.XENC11: _OWN / "xml-encryption-1.1.xsd",
}

CHUNK = 256 * 1024
# One octet less than the longest of what is looked for across pieces.
_LONGEST_MARK = len(b"<!DOCTYPE") - 1

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_DECLARED_ENCODING = re.compile(rb"\A<\?xml\s[^>]*?encoding\s*=\s*[\"']([^\"'>]*)")
_ABSOLUTE_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:\S*")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much XML is read. `size` in bytes, `attribute` in characters.

    There may be as many attributes as elements, all in all.
    """

    size: int
    depth: int
    elements: int
    attribute: int
    namespaces: int
    drop_comments: bool = False


MESSAGE = Limits(size=256 * 1024, depth=32, elements=1_000, attribute=4_096, namespaces=64)
METADATA = Limits(
    size=1024 * 1024,
    depth=32,
    elements=20_000,
    attribute=4_096,
    namespaces=1_000,
    drop_comments=True,
)
# Thousands of entities, read where memory is capped (`metadata.aggregate_process`).
AGGREGATE = Limits(
    size=100 * 1024 * 1024,
    depth=32,
    elements=4_000_000,
    attribute=4_096,
    namespaces=2_000_000,
    drop_comments=True,
)


def parse(data: bytes, *, limits: Limits = MESSAGE) -> Element:
    """Return the root element of a document, parsed once. Raises InvalidMessage."""
    if len(data) > limits.size:
        raise errors.MessageTooLarge("size", f"{len(data)} bytes, {limits.size} are read")
    data = data.removeprefix(_BYTE_ORDER_MARK)
    _check_octets(data, limits)
    _check_tag_count(data.count(b"<"), limits)
    parser = _parser(limits)
    try:
        parser.feed(data)
        root = parser.close()
    except etree.XMLSyntaxError as error:
        raise errors.InvalidMessage("well_formed", error.msg) from error
    _check_namespaces(uri for _, (_, uri) in parser.read_events())
    return _checked(root, limits)


def parse_file(file: BinaryIO, *, limits: Limits) -> Element:
    """Return the root element of a file by the same rules, without the file in memory.

    Raises InvalidMessage, and MemoryError where memory is capped and that is reached.
    """
    octets = _Octets(limits)
    parser = _parser(limits)
    try:
        while chunk := file.read(CHUNK):
            parser.feed(octets.take(chunk))
            _check_namespaces(uri for _, (_, uri) in parser.read_events())
        octets.end()
        root = parser.close()
    except etree.XMLSyntaxError as error:
        if error.code == etree.ErrorTypes.ERR_NO_MEMORY:
            raise MemoryError from error
        raise errors.InvalidMessage("well_formed", error.msg) from error
    return _checked(root, limits)


class _Octets:
    """What `_check_octets` looks at, piece by piece; what lies across two pieces is seen too."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._size = 0
        self._namespaces = 0
        self._tags = 0
        self._tail = b""

    def take(self, chunk: bytes) -> bytes:
        """Return what is to be parsed of the next piece. Raises InvalidMessage."""
        is_first = self._size == 0
        self._size += len(chunk)
        if self._size > self._limits.size:
            raise errors.MessageTooLarge("size", f"more than {self._limits.size} bytes")
        self._decode(chunk)
        seen = self._tail + chunk
        _check_doctype(seen)
        self._namespaces += seen.count(b"xmlns") - self._tail.count(b"xmlns")
        _check_namespace_count(self._namespaces, self._limits)
        self._tags += chunk.count(b"<")
        _check_tag_count(self._tags, self._limits)
        self._tail = seen[-_LONGEST_MARK:]
        if is_first:
            chunk = chunk.removeprefix(_BYTE_ORDER_MARK)
            _check_encoding(chunk)
        return chunk

    def end(self) -> None:
        """Refuse a file that ends within a character. Raises InvalidMessage."""
        self._decode(b"", final=True)

    def _decode(self, chunk: bytes, *, final: bool = False) -> None:
        try:
            self._decoder.decode(chunk, final)
        except UnicodeDecodeError as error:
            raise errors.InvalidMessage("utf8", "not UTF-8") from error


def _checked(root: Element, limits: Limits) -> Element:
    """Return the root of a document whose every node keeps the rules. Raises InvalidMessage."""
    document = root.getroottree().docinfo
    if document.xml_version != "1.0":
        raise errors.InvalidMessage("xml_version", f"XML {document.xml_version}")
    if any(True for _ in (*root.itersiblings(preceding=True), *root.itersiblings())):
        raise errors.InvalidMessage("comment", "a node beside the root element")
    _check_tree(root, limits)
    return root


def parse_fragment(data: bytes, *, within: Element) -> Element:
    """Return the one element in `data`, a root of its own, parsed once. Raises InvalidMessage.

    Prefixes mean what they mean at `within`, in whose place it stands (XML Encryption 1.1 §4.4).
    """
    # Whatever closes the frame early leaves a document that is not well-formed.
    frame = etree.tostring(etree.Element("fragment", nsmap=within.nsmap), encoding="utf-8")
    opening = frame.removesuffix(b"/>") + b">"
    root = parse(opening + data.removeprefix(_BYTE_ORDER_MARK) + b"</fragment>")
    if len(root) != 1 or (root.text or "").strip() or (root[0].tail or "").strip():
        raise errors.InvalidMessage("exactly_one", "not one element alone")
    (found,) = root
    root.remove(found)
    return found


def _parser(limits: Limits) -> Any:
    """Return a new parser; it tells each namespace once, where an element tells all in scope."""
    return etree.XMLPullParser(
        ("start-ns",),
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,
        recover=False,
        remove_comments=limits.drop_comments,
        remove_pis=limits.drop_comments,
    )


def _check_octets(data: bytes, limits: Limits) -> None:
    """Refuse what must not even reach the parser."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise errors.InvalidMessage("utf8", "not UTF-8") from error
    _check_encoding(data)
    _check_doctype(data)
    _check_namespace_count(data.count(b"xmlns"), limits)


def _check_encoding(data: bytes) -> None:
    declared = _DECLARED_ENCODING.match(data)
    if declared is not None and declared[1].lower() != b"utf-8":
        raise errors.InvalidMessage("encoding", f"declared as {declared[1]!r}")


def _check_doctype(data: bytes) -> None:
    if b"<!DOCTYPE" in data:
        raise errors.InvalidMessage("doctype", "the document has a DOCTYPE")


def _check_namespace_count(count: int, limits: Limits) -> None:
    if count > limits.namespaces:
        raise errors.InvalidMessage("namespaces", f"more than {limits.namespaces} namespaces")


def _check_tag_count(count: int, limits: Limits) -> None:
    """Refuse many elements before there is a tree of them, which takes ten times as long."""
    most = limits.elements * TAGS_PER_ELEMENT
    if count > most:
        raise errors.InvalidMessage("elements", f"more than {most} tags")


def _check_tree(root: Element, limits: Limits) -> None:
    identifiers: set[str] = set()
    attributes = 0
    for number, (element, depth) in enumerate(_walk(root), start=1):
        if number > limits.elements:
            raise errors.InvalidMessage("elements", f"more than {limits.elements} elements")
        if depth > limits.depth:
            raise errors.InvalidMessage("depth", f"deeper than {limits.depth} elements")
        if not isinstance(element.tag, str):
            raise errors.InvalidMessage("comment", "a comment or processing instruction")
        attributes += len(element.attrib)
        if attributes > limits.elements:
            # Canonicalisation looks each of them up in all namespaces that are in scope.
            raise errors.InvalidMessage("attributes", f"more than {limits.elements} attributes")
        _check_attributes(element, limits, identifiers)


def _walk(root: Element) -> Iterator[tuple[Element, int]]:
    """Yield every node with its depth; the root's is 1."""
    waiting = [(root, 1)]
    while waiting:
        element, depth = waiting.pop()
        yield element, depth
        waiting.extend((child, depth + 1) for child in element)


def _check_attributes(element: Element, limits: Limits, identifiers: set[str]) -> None:
    if len(element.attrib) > MAX_ATTRIBUTES:
        # Finding each by its name takes the square of their number.
        raise errors.InvalidMessage("attributes", f"more than {MAX_ATTRIBUTES} on one element")
    for name, value in element.attrib.items():
        if len(value) > limits.attribute:
            raise errors.InvalidMessage("attribute_size", f"{name}: {len(value)} characters")
        if name in ID_ATTRIBUTES:
            _check_identifier(value, identifiers)
        elif "}" in name and name.rpartition("}")[2].lower() == "id":
            raise errors.InvalidMessage("qualified_id", f"an ID attribute in a namespace: {name}")


def _check_identifier(value: str, identifiers: set[str]) -> None:
    if not datatypes.is_ncname(value) or len(value) > MAX_ID:
        raise errors.InvalidMessage("id_syntax", f"{value[:64]!r} is no ID")
    if value in identifiers:
        raise errors.InvalidMessage("duplicate_id", f"the ID {value!r} stands twice")
    identifiers.add(value)


def _check_namespaces(declared: Iterable[str]) -> None:
    for uri in declared:
        # An empty one takes the default namespace back.
        if uri and _ABSOLUTE_URI.fullmatch(uri) is None:
            raise errors.InvalidMessage("relative_namespace", f"the namespace {uri[:64]!r}")


def validate(element: Element, *, schema: str) -> None:
    """Check `element` against one of SCHEMAS. Raises InvalidMessage."""
    problem = schema_error(element, schema=schema)
    if problem:
        raise errors.InvalidMessage("schema", problem)


def schema_error(element: Element, *, schema: str) -> str:
    """Return the first reason why `element` is not valid, an empty string if it is."""
    known = compiled(schema)
    if known.validate(element):
        return ""
    first = known.error_log.last_error
    return f"line {first.line}: {first.message}" if first is not None else "not valid"


@functools.cache
def compiled(name: str) -> Any:
    """Compile a schema once per process; reading it for each message costs 80 times more.

    The files are those that python3-saml ships, of which nothing else is imported. Beside them
    ours for what XML Signature and Encryption take from elsewhere only if it is declared.
    """
    shipped = Path(str(resources.files("onelogin.saml2"))) / "schemas"
    target, file = SCHEMAS[name]
    all_of_them = etree.Element(f"{{{XSD}}}schema")
    for namespace, path in ((target, shipped / file), *OWN_SCHEMAS.items()):
        location = {"namespace": namespace, "schemaLocation": path.as_uri()}
        etree.SubElement(all_of_them, f"{{{XSD}}}import", location)
    return etree.XMLSchema(all_of_them)


def text(element: Element) -> str:
    """Return the whole text of an element that has no children. Raises InvalidMessage.

    Never `.text`, which ends at the first child or comment (CVE-2026-57580).
    """
    if len(element):
        raise errors.InvalidMessage("text", f"{element.tag} holds more than text")
    return element.text or ""


def token(element: Element) -> str:
    """Return the text of an element without the white space that indenting puts around it."""
    return text(element).strip(datatypes.WHITE_SPACE)


def child(parent: Element, name: str) -> Element | None:
    """Return the only direct child called `name` (`prefix:local`), None if there is none.

    Raises InvalidMessage if there are several.
    """
    found = children(parent, name)
    if len(found) > 1:
        raise errors.InvalidMessage("exactly_one", f"{len(found)} {name} in one element")
    return found[0] if found else None


def children(parent: Element, name: str) -> list[Element]:
    """Return the direct children called `name` (`prefix:local`), in document order."""
    return list(parent.iterchildren(vocabulary.name(name)))


def canonical(element: Element, *, inclusive: Sequence[str] = ()) -> bytes:
    """Return the exclusive canonical form without comments (Exclusive XML Canonicalization 1.0).

    `inclusive`: prefixes, bound at the element, whose declarations are written there in any case
    (§3, InclusiveNamespaces).
    Raises InvalidMessage if there is none, or if it does not begin with the element itself:
    libxml2 has answered with nothing at all where it failed (CVE-2025-66568).
    """
    prefixes = list(inclusive)
    apex = _with_declarations(element, prefixes) if prefixes else element
    try:
        octets: bytes = etree.tostring(
            apex,
            method="c14n",
            exclusive=True,
            with_comments=False,
            inclusive_ns_prefixes=prefixes,
        )
    except (etree.LxmlError, ValueError) as error:
        raise errors.InvalidMessage("canonicalisation", str(error)) from error
    _check_opening(element, octets)
    return octets


def _with_declarations(element: Element, prefixes: Iterable[str]) -> Element:
    """Return a copy that declares the prefixes itself: lxml sees nothing above an element."""
    declared = {prefix: element.nsmap[prefix] for prefix in (element.prefix, *prefixes)}
    apex = etree.Element(element.tag, element.attrib, nsmap=declared)
    apex.text = element.text
    apex.extend(copy.deepcopy(child) for child in element)
    return apex


def check_canonical(element: Element) -> None:
    """Refuse an element without a canonical form, without holding it. Raises InvalidMessage."""
    beginning = _Beginning()
    try:
        etree.ElementTree(element).write_c14n(beginning, exclusive=True, with_comments=False)
    except (etree.LxmlError, ValueError) as error:
        raise errors.InvalidMessage("canonicalisation", str(error)) from error
    _check_opening(element, beginning.octets)


def _check_opening(element: Element, octets: bytes) -> None:
    name = etree.QName(element).localname
    opening = f"<{element.prefix}:{name}" if element.prefix else f"<{name}"
    if not octets.startswith(opening.encode()):
        raise errors.InvalidMessage("canonicalisation", f"no canonical form of {element.tag}")


class _Beginning:
    """A file that keeps its first octets and forgets the rest."""

    def __init__(self) -> None:
        self.octets = b""

    def write(self, data: bytes) -> int:
        """Take a piece."""
        if len(self.octets) <= MAX_ID:
            self.octets += data[: 4 * MAX_ID]
        return len(data)

    def close(self) -> None:
        """Do nothing."""


def new(name: str, *, prefixes: tuple[str, ...] = ()) -> Element:
    """Return a new root element `prefix:local` that declares its own and the given prefixes."""
    wanted = (name.partition(":")[0], *prefixes)
    return etree.Element(
        vocabulary.name(name), nsmap={prefix: vocabulary.PREFIXES[prefix] for prefix in wanted}
    )


def add(
    parent: Element,
    name: str,
    content: str | None = None,
    *,
    attributes: Mapping[str, str] | None = None,
) -> Element:
    """Append a child `prefix:local` with text and attributes, escaped by the serializer.

    A prefix that is not in scope is declared on the child. Raises InvalidContent.
    """
    tag, prefix, declaration = _expanded(name)
    try:
        # Looking a declaration up costs as much as the element: not where the parent has it.
        element = etree.SubElement(
            parent, tag, attributes, None if parent.prefix == prefix else declaration
        )
        if content is not None:
            element.text = content
    except ValueError as error:
        raise errors.InvalidContent("content", f"{name}: {error}") from error
    return element


def add_plain(parent: Element, name: str, content: str) -> Element:
    """Append a child that is in no namespace, as SOAP has them. Raises InvalidContent."""
    element = etree.SubElement(parent, name)
    try:
        element.text = content
    except ValueError as error:
        raise errors.InvalidContent("content", f"{name}: {error}") from error
    return element


@functools.cache
def _expanded(name: str) -> tuple[str, str, dict[str, str]]:
    """Return the expanded name, its prefix and the declaration of that; names are our own few."""
    prefix = name.partition(":")[0]
    return vocabulary.name(name), prefix, {prefix: vocabulary.PREFIXES[prefix]}


def set_attribute(element: Element, name: str, value: str) -> None:
    """Set an attribute. Raises InvalidContent where XML cannot hold the value."""
    try:
        element.set(name, value)
    except ValueError as error:
        raise errors.InvalidContent("content", f"{element.tag} {name}: {error}") from error


def serialise(element: Element, *, pretty: bool = False) -> bytes:
    """Return the element as UTF-8 without declaration and DOCTYPE. `pretty`: to be read only."""
    octets: bytes = etree.tostring(element, encoding="utf-8", pretty_print=pretty, with_tail=False)
    return octets
