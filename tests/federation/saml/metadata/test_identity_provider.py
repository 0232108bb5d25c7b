"""Our own metadata: valid, signed, and only what was passed in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from onelogin.saml2.idp_metadata_parser import OneLogin_Saml2_IdPMetadataParser
from onelogin.saml2.utils import OneLogin_Saml2_Utils

from federation.saml import encryption, errors, signature, signature_profile, vocabulary, xml
from federation.saml.metadata import identity_provider
from federation.saml.metadata.identity_provider import Contact, Endpoint, Logo, Organization
from tests.attacks.saml import service_provider
from tests.federation.saml.conftest import IDP, verification_key

SSO = "https://idp.example/saml/sso"
NEXT = service_provider.base64_der(service_provider.certificate(service_provider.rsa_key("next")))


@pytest.fixture
def build(key, now) -> Callable[..., bytes]:
    def build(**changes: Any) -> bytes:
        members: dict[str, Any] = {
            "entity_id": IDP,
            "single_sign_on": (Endpoint(vocabulary.REDIRECT, SSO), Endpoint(vocabulary.POST, SSO)),
            "signing_certificates": (key.certificate,),
            "valid_until": now + timedelta(days=7),
            "cache_duration": timedelta(hours=6),
        }
        provider = identity_provider.IdentityProvider(**(members | changes))
        return identity_provider.build(provider, key=key)

    return build


def role(document: bytes) -> xml.Element:
    found = xml.child(xml.parse(document, limits=xml.METADATA), "md:IDPSSODescriptor")
    assert found is not None
    return found


EVERYTHING = {
    "signing_certificates": (NEXT, NEXT),
    "encryption_certificates": (NEXT,),
    "single_logout": (Endpoint(vocabulary.POST, SSO + "/slo", SSO + "/slo/response"),),
    "display_name": "Gatehouse <&>",
    "description": "Signs in",
    "information_url": "https://idp.example/about",
    "privacy_statement_url": "https://idp.example/privacy",
    "logo": Logo("https://idp.example/logo.png", 80, 60),
    "scopes": ("example.org",),
    "organization": Organization("Example", "Example Ltd", "https://example.org"),
    "contacts": (
        Contact("technical", "ops@example.org", "Ada", "L"),
        Contact("support", "mailto:help@example.org"),
    ),
    "error_url": "https://idp.example/error",
    "want_authn_requests_signed": True,
}


WHOLE = """\
Signature
Extensions
IDPSSODescriptor protocol true error
  Extensions
    Scope false example.org
    UIInfo
      DisplayName en Gatehouse <&>
      Description en Signs in
      InformationURL en about
      PrivacyStatementURL en privacy
      Logo 60 80 logo.png
  KeyDescriptor signing
    KeyInfo
  KeyDescriptor signing
    KeyInfo
  KeyDescriptor encryption
    KeyInfo
  ArtifactResolutionService SOAP artifact 0
  SingleLogoutService HTTP-POST slo response
  NameIDFormat persistent
  NameIDFormat transient
  NameIDFormat emailAddress
  NameIDFormat unspecified
  SingleSignOnService HTTP-Redirect sso
  SingleSignOnService HTTP-POST sso
AttributeAuthorityDescriptor protocol
  Extensions
    Scope false example.org
  KeyDescriptor signing
    KeyInfo
  KeyDescriptor signing
    KeyInfo
  AttributeService SOAP attributes
  NameIDFormat persistent
  NameIDFormat transient
  NameIDFormat emailAddress
  NameIDFormat unspecified
Organization
  OrganizationName en Example
  OrganizationDisplayName en Example Ltd
  OrganizationURL en example.org
ContactPerson technical
  GivenName Ada
  SurName L
  EmailAddress ops@example.org
ContactPerson support
  EmailAddress help@example.org
"""


def outline(element: xml.Element) -> list[str]:
    """Each element below, with the ends of what it says; of signatures and keys the name alone."""
    found = []
    for child in element:
        name = child.tag.rpartition("}")[2]
        told = (*child.attrib.values(), child.text or "")
        ends = (value.strip().replace(":", "/").rpartition("/")[2] for value in told)
        found.append(" ".join(filter(None, (name, *ends))))
        if name not in ("Signature", "KeyInfo"):
            found += [f"  {line}" for line in outline(child)]
    return found


@pytest.mark.standard("SAML Metadata", "2.4", "everything is said, in both roles")
def test_says_everything_in_order(build) -> None:
    services = {
        "artifact_resolution": (Endpoint(vocabulary.SOAP_BINDING, SSO + "/artifact"),),
        "attribute_services": (Endpoint(vocabulary.SOAP_BINDING, SSO + "/attributes"),),
    }
    whole = xml.parse(build(**EVERYTHING, **services), limits=xml.METADATA)
    xml.validate(whole, schema="metadata")
    lines = [line for line in outline(whole) if "Method" not in line]
    assert lines == WHOLE.splitlines()
    methods = whole.iter(vocabulary.name("md:EncryptionMethod"))
    assert [one.get("Algorithm") for one in methods] == [
        *encryption.CONTENT_ALGORITHMS,
        *encryption.KEY_TRANSPORTS,
    ]


@pytest.mark.standard("SAML Metadata", "2.4.3", "our IDPSSODescriptor is valid by the schema")
@pytest.mark.parametrize(
    "changes",
    [
        {},
        EVERYTHING,
        {"scopes": ("a",)},
        {"logo": EVERYTHING["logo"]},
        {"display_name": "a"},
    ],
)
def test_is_valid_by_the_schema(build, changes: dict[str, Any]) -> None:
    root = xml.parse(build(**changes), limits=xml.METADATA)
    xml.validate(root, schema="metadata")


@pytest.mark.standard("SAML Metadata", "3", "our metadata is signed")
def test_is_signed(build, key) -> None:
    document = build()
    root = xml.parse(document, limits=xml.METADATA)
    assert signature.verify(root, keys=[verification_key(key)]) is root
    certificate = f"-----BEGIN CERTIFICATE-----\n{key.certificate}\n-----END CERTIFICATE-----"
    assert OneLogin_Saml2_Utils.validate_metadata_sign(document, cert=certificate)


def test_says_how_long_it_holds(build) -> None:
    root = xml.parse(build(), limits=xml.METADATA)
    assert root.get("validUntil") == "2026-12-01T12:00:00Z"
    assert root.get("cacheDuration") == "PT21600S"
    assert root.get("entityID") == IDP


def test_never_a_dtd_comment_or_instruction(build) -> None:
    document = build(**EVERYTHING)
    assert b"<!" not in document
    assert b"<?" not in document


def test_publishes_only_what_is_there(build) -> None:
    described = role(build())
    names = {child.tag.rpartition("}")[2] for child in described}
    assert names == {"KeyDescriptor", "NameIDFormat", "SingleSignOnService"}
    assert [one.get("Binding") for one in xml.children(described, "md:SingleSignOnService")] == [
        vocabulary.REDIRECT,
        vocabulary.POST,
    ]


@pytest.mark.parametrize(("wanted", "said"), [(True, "true"), (False, "false")])
def test_want_authn_requests_signed_is_always_said(build, wanted: bool, said: str) -> None:
    described = role(build(want_authn_requests_signed=wanted))
    assert described.get("WantAuthnRequestsSigned") == said


def test_formats_keep_their_order(build) -> None:
    formats = (vocabulary.EMAIL_ADDRESS, vocabulary.PERSISTENT)
    described = role(build(name_id_formats=formats))
    assert tuple(one.text for one in xml.children(described, "md:NameIDFormat")) == formats


def test_keys_in_order_current_first(build, key) -> None:
    described = role(
        build(signing_certificates=(key.certificate, NEXT), encryption_certificates=(NEXT,))
    )
    found = [
        (one.get("use"), next(one.iter(vocabulary.name("ds:X509Certificate"))).text)
        for one in xml.children(described, "md:KeyDescriptor")
    ]
    assert found == [("signing", key.certificate), ("signing", NEXT), ("encryption", NEXT)]


def test_algorithms_are_those_that_are_verified(build) -> None:
    root = xml.parse(build(), limits=xml.METADATA)
    listed = [one.get("Algorithm") for one in root.iter(vocabulary.name("alg:SigningMethod"))]
    assert listed == list(signature_profile.SIGNATURE_ALGORITHMS)
    digests = [one.get("Algorithm") for one in root.iter(vocabulary.name("alg:DigestMethod"))]
    assert digests == list(signature_profile.DIGEST_ALGORITHMS)


def test_takes_pem_as_well(build, key) -> None:
    pem = service_provider.pem(
        service_provider.certificate(service_provider.rsa_key("identity provider"))
    )
    described = role(build(signing_certificates=(pem,)))
    (text,) = (one.text for one in described.iter(vocabulary.name("ds:X509Certificate")))
    assert text == key.certificate


def test_python3_saml_understands_it(build, key) -> None:
    read = OneLogin_Saml2_IdPMetadataParser.parse(
        build(
            **EVERYTHING
            | {
                "signing_certificates": (key.certificate, NEXT),
                "encryption_certificates": (),
            }
        )
    )
    assert read["idp"]["entityId"] == IDP
    assert read["idp"]["singleSignOnService"] == {"url": SSO, "binding": vocabulary.REDIRECT}
    assert read["idp"]["x509certMulti"]["signing"] == [key.certificate, NEXT]
    assert read["sp"]["NameIDFormat"] == vocabulary.PERSISTENT
    assert read["security"]["authnRequestsSigned"]


@pytest.mark.parametrize(
    "changes",
    [
        {"entity_id": ""},
        {"entity_id": "https://idp.example/" + "x" * 256},
        {"single_sign_on": ()},
        {"signing_certificates": ()},
        {"display_name": "a\0b"},
    ],
)
def test_refuses_what_no_peer_could_use(build, changes: dict[str, Any]) -> None:
    with pytest.raises(errors.InvalidContent):
        build(**changes)


@pytest.mark.parametrize("name", ["scopes", "logo", "display_name"])
def test_each_extension_is_said_alone(build, name: str) -> None:
    assert outline(role(build(**{name: EVERYTHING[name]})))[0] == "Extensions"


def test_addresses_are_mailto_uris_once(build) -> None:
    root = xml.parse(build(contacts=EVERYTHING["contacts"]), limits=xml.METADATA)
    addresses = [xml.text(one) for one in root.iter(vocabulary.name("md:EmailAddress"))]
    assert addresses == ["mailto:ops@example.org", "mailto:help@example.org"]


def test_key_sizes_go_with_the_algorithms(build) -> None:
    root = xml.parse(build(), limits=xml.METADATA)
    sizes = {
        one.get("Algorithm"): one.get("MinKeySize")
        for one in root.iter(vocabulary.name("alg:SigningMethod"))
    }
    assert (sizes[vocabulary.RSA_SHA256], sizes[vocabulary.ECDSA_SHA256]) == ("2048", "256")
