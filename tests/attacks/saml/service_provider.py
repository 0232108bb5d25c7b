"""A service provider of the tests: keys, honest messages, and signatures of any shape.

Signs with xmlsec's templates, not with our own code, so that a hostile signature can be
cryptographically good: then only the check that should stop it can stop it.
"""

from __future__ import annotations

import base64
import functools
import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID
from lxml import etree

from federation.saml import vocabulary
from tests.attacks.saml import message_types
from tests.attacks.saml.message_types import MessageType

DS = vocabulary.DS
SAML = vocabulary.SAML
SAMLP = vocabulary.SAMLP
TRANSFORMS = (vocabulary.ENVELOPED_SIGNATURE, vocabulary.EXCLUSIVE_C14N)

HASHES = {
    vocabulary.RSA_SHA256: hashes.SHA256(),
    vocabulary.RSA_SHA512: hashes.SHA512(),
    DS + "rsa-sha1": hashes.SHA1(),
}


OWN = "service provider"


@functools.cache
def _key(name: str, kind: int | type[ec.EllipticCurve]) -> Any:
    if isinstance(kind, int):
        return rsa.generate_private_key(65537, kind)
    return ec.generate_private_key(kind())


def rsa_key(name: str = OWN, bits: int = 2048) -> rsa.RSAPrivateKey:
    """A key of its own for each name, the same for the whole run."""
    return _key(name, bits)


def ec_key(name: str = OWN) -> ec.EllipticCurvePrivateKey:
    """An elliptic-curve key of its own for each name."""
    return _key(name, ec.SECP256R1)


@functools.cache
def certificate(key: Any, *, ended: bool = False) -> x509.Certificate:
    """A self-signed certificate of `key`; `ended` puts its validity into the past."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sp.example")])
    begin = datetime(2020, 1, 1, tzinfo=UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(20)
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=365 if ended else 36_500))
        .sign(key, None if _is_edwards(key) else hashes.SHA256())
    )


def _is_edwards(key: Any) -> bool:
    return type(key).__name__.endswith("Ed25519PrivateKey")


def pem(one: x509.Certificate) -> str:
    """The certificate as PEM."""
    return one.public_bytes(serialization.Encoding.PEM).decode()


def base64_der(one: x509.Certificate) -> str:
    """The certificate as it stands in metadata."""
    return base64.b64encode(one.public_bytes(serialization.Encoding.DER)).decode()


def private_pem(key: Any) -> bytes:
    """The private key as PEM."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


@functools.cache
def xmlsec_key(key: Any) -> Any:
    """The private key in xmlsec's own form."""
    return xmlsec.Key.from_memory(private_pem(key), xmlsec.constants.KeyDataFormatPem, None)


@dataclass(frozen=True, kw_only=True)
class Shape:
    """How a signature looks. The default is what honest service providers send."""

    uri: str | None = ""
    transforms: tuple[str, ...] = TRANSFORMS
    transform_content: dict[str, str] = field(default_factory=dict)
    canonicalisation: str = vocabulary.EXCLUSIVE_C14N
    canonicalisation_content: str = ""
    method: str = vocabulary.RSA_SHA256
    digest: str = vocabulary.SHA256
    references: int = 1
    key_info: str = ""
    extra: str = ""


def blank(shape: Shape, *, identifier: str) -> Any:
    """A ds:Signature of this shape, its values still to be filled in by xmlsec."""
    uri = "" if shape.uri is None else f' URI="{shape.uri or "#" + identifier}"'
    transforms = "".join(
        f'<ds:Transform Algorithm="{one}">{shape.transform_content.get(one, "")}</ds:Transform>'
        for one in shape.transforms
    )
    reference = (
        f"<ds:Reference{uri}><ds:Transforms>{transforms}</ds:Transforms>"
        f'<ds:DigestMethod Algorithm="{shape.digest}"/><ds:DigestValue/></ds:Reference>'
    )
    return etree.fromstring(
        f'<ds:Signature xmlns:ds="{DS}"><ds:SignedInfo>'
        f'<ds:CanonicalizationMethod Algorithm="{shape.canonicalisation}">'
        f"{shape.canonicalisation_content}</ds:CanonicalizationMethod>"
        f'<ds:SignatureMethod Algorithm="{shape.method}"/>{reference * shape.references}'
        f"</ds:SignedInfo><ds:SignatureValue/>{shape.key_info}{shape.extra}</ds:Signature>"
    )


def sign(root: Any, *, key: Any = None, shape: Shape | None = None) -> Any:
    """Put a good signature over `root` right after its Issuer; returns `root`.

    `key`: an xmlsec key, the service provider's own if None.
    """
    root.insert(1, blank(shape or Shape(), identifier=root.get("ID")))
    return fill(root[1], identified=root, key=key)


def fill(signature: Any, *, identified: Any, attribute: str = "ID", key: Any = None) -> Any:
    """Compute the values of a blank signature in its place; returns `identified`.

    `identified`: the element whose ID a Reference may name, in `attribute`.
    """
    context = xmlsec.SignatureContext()
    context.key = key or xmlsec_key(rsa_key())
    context.register_id(identified, attribute, None)
    context.sign(signature)
    return identified


def base64_parameter(data: bytes) -> str:
    """The value of a parameter, encoded; `quote` takes long over hundreds of kilobytes."""
    text = base64.b64encode(data).decode()
    return text.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")


def deflate(data: bytes, *, level: int = 9) -> bytes:
    """Raw DEFLATE, as the Redirect binding has it."""
    packer = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


@dataclass(frozen=True)
class Encoded:
    """A document as text and the codec in which it is to be sent."""

    text: str
    codec: str


@dataclass(frozen=True, kw_only=True)
class ServiceProvider:
    """Names and addresses of an honest service provider, and the type of message that it sends.

    Flows replace the addresses by those of the server under test.
    """

    entity_id: str = "https://sp.example/metadata"
    acs_url: str = "https://sp.example/acs"
    destination: str = "https://idp.example/saml/sso"
    issue_instant: datetime | None = None
    message: MessageType = message_types.AUTHN_REQUEST

    @property
    def key(self) -> rsa.RSAPrivateKey:
        """The signing key."""
        return rsa_key()

    @property
    def certificate(self) -> x509.Certificate:
        """The certificate that stands in its metadata."""
        return certificate(self.key)

    def text(
        self,
        *,
        identifier: str = "_request",
        inside: str = "",
        issuer: str = "",
        attributes: str = "",
        acs_url: str = "",
        tag: str = "",
        version: str = "2.0",
        content: str | None = None,
    ) -> str:
        """A message as text. `inside` follows the Issuer, `issuer` replaces its element.

        `acs_url` is that of an AuthnRequest; `content` replaces that of the message's type.
        """
        tag = tag or self.message.tag
        instant = (self.issue_instant or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")
        consumer = f'AssertionConsumerServiceURL="{acs_url or self.acs_url}"'
        return (
            f'<{tag} xmlns:samlp="{SAMLP}" xmlns:saml="{SAML}" ID="{identifier}" '
            f'Version="{version}" IssueInstant="{instant}" Destination="{self.destination}" '
            f"{consumer if tag == 'samlp:AuthnRequest' else ''} {attributes}>"
            f"{issuer or f'<saml:Issuer>{self.entity_id}</saml:Issuer>'}{inside}"
            f"{self.message.content if content is None else content}</{tag}>"
        )

    def element(self, **options: Any) -> Any:
        """The same as an element."""
        return etree.fromstring(self.text(**options))

    def signed(self, *, shape: Shape | None = None, key: Any = None, **options: Any) -> Any:
        """The same with a signature over it."""
        return sign(self.element(**options), shape=shape, key=key)

    def post(
        self, document: Any, *, relay_state: str | None = None, kind: str | None = None
    ) -> bytes:
        """The form body that brings `document` (element, text or octets) by POST."""
        body = f"{kind or self.message.parameter}={base64_parameter(octets(document))}"
        if relay_state is not None:
            body += f"&{urlencode({'RelayState': relay_state})}"
        return body.encode()

    def redirect(
        self,
        document: Any,
        *,
        relay_state: str | None = None,
        key: rsa.RSAPrivateKey | None = None,
        algorithm: str = vocabulary.RSA_SHA256,
        signed: bool = True,
        level: int = 9,
    ) -> bytes:
        """The raw query that brings `document` by Redirect, signed unless told otherwise."""
        packed = base64_parameter(deflate(octets(document), level=level))
        query = f"{self.message.parameter}={packed}"
        if relay_state is not None:
            query += f"&RelayState={quote(relay_state, safe='')}"
        if not signed:
            return query.encode()
        query += f"&SigAlg={quote(algorithm, safe='')}"
        return query.encode() + b"&Signature=" + self.value(query, key=key, algorithm=algorithm)

    def value(
        self,
        query: str,
        *,
        key: rsa.RSAPrivateKey | None = None,
        algorithm: str = vocabulary.RSA_SHA256,
    ) -> bytes:
        """The escaped signature value over the octets of `query`."""
        value = (key or self.key).sign(query.encode(), padding.PKCS1v15(), HASHES[algorithm])
        return quote(base64.b64encode(value), safe="").encode()

    def soap(self, document: Any) -> bytes:
        """The envelope that brings `document`; what stands before its root goes to the front."""
        if isinstance(document, Encoded):
            return self.soap(document.text.encode()).decode().encode(document.codec)
        inner = octets(document)
        cut = 0
        if inner.startswith((b"<?xml ", b"<!DOCTYPE")):
            cut = inner.index(f"<{self.message.tag} ".encode())
        return inner[:cut] + envelope(inner[cut:])

    def metadata(self, *, role: str = "", inside: str = "", attributes: str = "") -> bytes:
        """Its metadata. `role` replaces the SPSSODescriptor's content."""
        content = role or (
            f'<md:KeyDescriptor use="signing">{key_info(self.certificate)}</md:KeyDescriptor>'
            f"{consumer(self.acs_url)}"
        )
        return (
            f'<md:EntityDescriptor xmlns:md="{vocabulary.MD}" entityID="{self.entity_id}" '
            f'{attributes}>{inside}<md:SPSSODescriptor AuthnRequestsSigned="true" '
            f'protocolSupportEnumeration="{SAMLP}">{content}</md:SPSSODescriptor>'
            "</md:EntityDescriptor>"
        ).encode()


def consumer(url: str, *, binding: str = vocabulary.POST, index: str = "0") -> str:
    """An AssertionConsumerService element."""
    return f'<md:AssertionConsumerService Binding="{binding}" Location="{url}" index="{index}"/>'


def key_info(one: x509.Certificate) -> str:
    """A ds:KeyInfo with the certificate."""
    return (
        f'<ds:KeyInfo xmlns:ds="{DS}"><ds:X509Data><ds:X509Certificate>{base64_der(one)}'
        "</ds:X509Certificate></ds:X509Data></ds:KeyInfo>"
    )


def envelope(body: bytes, *, header: bytes = b"", namespace: str = vocabulary.SOAP) -> bytes:
    """A SOAP envelope around `body`, which may be anything."""
    begin = f'<s:Envelope xmlns:s="{namespace}">'.encode()
    before = b"<s:Header>%s</s:Header>" % header if header else b""
    return begin + before + b"<s:Body>%s</s:Body></s:Envelope>" % body


def octets(document: Any) -> bytes:
    """`document` as bytes, whatever it is."""
    if isinstance(document, Encoded):
        return document.text.encode(document.codec)
    if isinstance(document, bytes):
        return document
    if isinstance(document, str):
        return document.encode()
    return etree.tostring(document.getroottree())
