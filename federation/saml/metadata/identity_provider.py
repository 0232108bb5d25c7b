"""Our own metadata, signed (SAML Metadata §2.4.3, IIP-MD05, SDP-MD04).

Publishes what the caller passes and nothing else: an endpoint that does not exist is not there.
Never a DTD, never a comment.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from federation.saml import (
    certificate,
    datatypes,
    encryption,
    errors,
    signature,
    signature_profile,
    vocabulary,
    xml,
)

# SAML allows 1,024; 256 is what every peer stores (IIP-MD09, SDP-MD05).
MAX_ENTITY_ID = 256
DEFAULT_NAME_ID_FORMATS = (
    vocabulary.PERSISTENT,
    vocabulary.TRANSIENT,
    vocabulary.EMAIL_ADDRESS,
    vocabulary.UNSPECIFIED,
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint of ours. `response_location`: where responses go, if elsewhere."""

    binding: str
    location: str
    response_location: str = ""


@dataclass(frozen=True, slots=True)
class Contact:
    """A person or department. `kind`: technical, support, administrative, billing or other."""

    kind: str
    email: str
    given_name: str = ""
    surname: str = ""


@dataclass(frozen=True, slots=True)
class Organization:
    """Who runs this identity provider."""

    name: str
    display_name: str
    url: str


@dataclass(frozen=True, slots=True)
class Logo:
    """A logo with its size in pixels, which the schema demands."""

    url: str
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityProvider:
    """All that our metadata says.

    `signing_certificates`: PEM or base64 DER, the current key's first, then the next key's.
    `name_id_formats`: in this order; some service providers take the first for their wish.
    `want_authn_requests_signed`: some service providers demand that it equals what they do.
    """

    entity_id: str
    single_sign_on: tuple[Endpoint, ...]
    signing_certificates: tuple[str, ...]
    valid_until: datetime
    cache_duration: timedelta
    artifact_resolution: tuple[Endpoint, ...] = ()
    single_logout: tuple[Endpoint, ...] = ()
    attribute_services: tuple[Endpoint, ...] = ()
    encryption_certificates: tuple[str, ...] = ()
    name_id_formats: tuple[str, ...] = DEFAULT_NAME_ID_FORMATS
    want_authn_requests_signed: bool = False
    display_name: str = ""
    description: str = ""
    information_url: str = ""
    privacy_statement_url: str = ""
    logo: Logo | None = None
    scopes: tuple[str, ...] = ()
    organization: Organization | None = None
    contacts: tuple[Contact, ...] = ()
    error_url: str = ""
    language: str = "en"
    id: str = field(default_factory=datatypes.new_id)

    def __post_init__(self) -> None:
        """Refuse what no peer could use. Raises InvalidContent."""
        if not 0 < len(self.entity_id) <= MAX_ENTITY_ID:
            raise errors.InvalidContent("entity_id", f"{len(self.entity_id)} characters")
        if not (self.single_sign_on and self.signing_certificates):
            raise errors.InvalidContent("content", "no endpoint or no signing certificate")


def build(provider: IdentityProvider, *, key: signature.SigningKey) -> bytes:
    """Return the signed md:EntityDescriptor of `provider`. Raises InvalidContent."""
    root = xml.new("md:EntityDescriptor", prefixes=("ds", "alg", "mdui"))
    attributes = {
        "ID": provider.id,
        "entityID": provider.entity_id,
        "validUntil": datatypes.format_instant(provider.valid_until),
        "cacheDuration": datatypes.format_duration(provider.cache_duration),
    }
    for name, value in attributes.items():
        xml.set_attribute(root, name, value)
    _add_algorithms(xml.add(root, "md:Extensions"))
    _add_role(root, provider)
    _add_attribute_authority(root, provider)
    _add_organization(root, provider)
    for contact in provider.contacts:
        _add_contact(root, contact)
    signature.sign(root, key=key)
    return xml.serialise(root)


def _add_algorithms(extensions: xml.Element) -> None:
    """Say which algorithms we verify (SAML Metadata Profile for Algorithm Support §2)."""
    for digest in signature_profile.DIGEST_ALGORITHMS:
        xml.add(extensions, "alg:DigestMethod", attributes={"Algorithm": digest})
    for algorithm, (kind, _) in signature_profile.SIGNATURE_ALGORITHMS.items():
        smallest = certificate.MIN_RSA_BITS if kind == "RSA" else certificate.MIN_EC_BITS
        xml.add(
            extensions,
            "alg:SigningMethod",
            attributes={"Algorithm": algorithm, "MinKeySize": str(smallest)},
        )


def _add_role(root: xml.Element, provider: IdentityProvider) -> None:
    role = xml.add(
        root,
        "md:IDPSSODescriptor",
        attributes={
            "protocolSupportEnumeration": vocabulary.SAMLP,
            "WantAuthnRequestsSigned": "true" if provider.want_authn_requests_signed else "false",
        },
    )
    if provider.error_url:
        xml.set_attribute(role, "errorURL", provider.error_url)
    _add_role_extensions(role, provider)
    for text in provider.signing_certificates:
        _add_key(role, "signing", text)
    for text in provider.encryption_certificates:
        _add_encryption_key(role, text)
    _add_endpoints(role, provider)


def _add_endpoints(role: xml.Element, provider: IdentityProvider) -> None:
    """Add endpoints and formats in the order of the schema (SAML Metadata §2.4.2, §2.4.3)."""
    for index, endpoint in enumerate(provider.artifact_resolution):
        element = _add_endpoint(role, "md:ArtifactResolutionService", endpoint)
        # SAML Bindings §3.6.4: an artifact says which one by its index.
        xml.set_attribute(element, "index", str(index))
    for endpoint in provider.single_logout:
        _add_endpoint(role, "md:SingleLogoutService", endpoint)
    for name_id_format in provider.name_id_formats:
        xml.add(role, "md:NameIDFormat", name_id_format)
    for endpoint in provider.single_sign_on:
        _add_endpoint(role, "md:SingleSignOnService", endpoint)


def _add_attribute_authority(root: xml.Element, provider: IdentityProvider) -> None:
    """Add the second role, where there is one (SAML Metadata §2.4.7)."""
    if not provider.attribute_services:
        return
    enumeration = {"protocolSupportEnumeration": vocabulary.SAMLP}
    role = xml.add(root, "md:AttributeAuthorityDescriptor", attributes=enumeration)
    if provider.scopes:
        _add_scopes(xml.add(role, "md:Extensions"), provider)
    for text in provider.signing_certificates:
        _add_key(role, "signing", text)
    for endpoint in provider.attribute_services:
        _add_endpoint(role, "md:AttributeService", endpoint)
    for name_id_format in provider.name_id_formats:
        xml.add(role, "md:NameIDFormat", name_id_format)


def _add_scopes(extensions: xml.Element, provider: IdentityProvider) -> None:
    for scope in provider.scopes:
        xml.add(extensions, "shibmd:Scope", scope, attributes={"regexp": "false"})


def _add_role_extensions(role: xml.Element, provider: IdentityProvider) -> None:
    """Add scopes and what a discovery page shows (SAML MDUI §2.1); nothing if there is none."""
    shown = {
        "mdui:DisplayName": provider.display_name,
        "mdui:Description": provider.description,
        "mdui:InformationURL": provider.information_url,
        "mdui:PrivacyStatementURL": provider.privacy_statement_url,
    }
    if not (any(shown.values()) or provider.logo or provider.scopes):
        return
    extensions = xml.add(role, "md:Extensions")
    _add_scopes(extensions, provider)
    if not (any(shown.values()) or provider.logo):
        return
    information = xml.add(extensions, "mdui:UIInfo")
    for name, value in shown.items():
        if value:
            _add_localised(information, name, value, provider.language)
    if provider.logo is not None:
        size = {"height": str(provider.logo.height), "width": str(provider.logo.width)}
        xml.add(information, "mdui:Logo", provider.logo.url, attributes=size)


def _add_localised(parent: xml.Element, name: str, value: str, language: str) -> None:
    xml.add(parent, name, value, attributes={f"{{{vocabulary.XML}}}lang": language})


def _add_key(role: xml.Element, use: str, text: str) -> xml.Element:
    """Add a KeyDescriptor; the certificate is the bag for the key (SAML Metadata §2.4.1.1)."""
    descriptor = xml.add(role, "md:KeyDescriptor", attributes={"use": use})
    data = xml.add(xml.add(descriptor, "ds:KeyInfo"), "ds:X509Data")
    compact = certificate.base64_der(certificate.load(text))
    xml.add(data, "ds:X509Certificate", compact)
    return descriptor


def _add_encryption_key(role: xml.Element, text: str) -> None:
    descriptor = _add_key(role, "encryption", text)
    for algorithm in (*encryption.CONTENT_ALGORITHMS, *encryption.KEY_TRANSPORTS):
        xml.add(descriptor, "md:EncryptionMethod", attributes={"Algorithm": algorithm})


def _add_endpoint(role: xml.Element, name: str, endpoint: Endpoint) -> xml.Element:
    attributes = {"Binding": endpoint.binding, "Location": endpoint.location}
    if endpoint.response_location:
        attributes["ResponseLocation"] = endpoint.response_location
    return xml.add(role, name, attributes=attributes)


def _add_organization(root: xml.Element, provider: IdentityProvider) -> None:
    if provider.organization is None:
        return
    element = xml.add(root, "md:Organization")
    for name, value in (
        ("md:OrganizationName", provider.organization.name),
        ("md:OrganizationDisplayName", provider.organization.display_name),
        ("md:OrganizationURL", provider.organization.url),
    ):
        _add_localised(element, name, value, provider.language)


def _add_contact(root: xml.Element, contact: Contact) -> None:
    """Add a ContactPerson; the address is a mailto: URI (SAML Metadata §2.3.2.2)."""
    element = xml.add(root, "md:ContactPerson", attributes={"contactType": contact.kind})
    if contact.given_name:
        xml.add(element, "md:GivenName", contact.given_name)
    if contact.surname:
        xml.add(element, "md:SurName", contact.surname)
    address = contact.email if contact.email.startswith("mailto:") else f"mailto:{contact.email}"
    xml.add(element, "md:EmailAddress", address)
