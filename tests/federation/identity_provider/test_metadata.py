"""Our metadata: what it says, that it is signed, and how it is served."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from lxml import etree
from onelogin.saml2.idp_metadata_parser import OneLogin_Saml2_IdPMetadataParser

from federation.identity_provider import entity, metadata
from federation.models import ServiceProvider
from federation.saml import certificate, encryption, signature, vocabulary, xml
from idp import directory, keys
from idp.models import SigningKey
from tests.support.protocol import header
from tests.support.saml import NAMESPACES, Party, SamlWorld, posted

MEDIA_TYPE = "application/samlmetadata+xml"


def general(saml: SamlWorld) -> Any:
    return etree.fromstring(saml.provider.get("/saml/metadata").body)


def own(party: Party) -> Any:
    return etree.fromstring(Client().get(path(party)).content)


def path(party: Party) -> str:
    return entity.metadata_url(party.row).removeprefix(settings.IDP.issuer)


def find(root: Any, query: str) -> list[Any]:
    return list(root.xpath(query, namespaces=NAMESPACES))


def test_names_both_endpoints_and_every_format(saml: SamlWorld) -> None:
    root = general(saml)
    assert root.get("entityID") == "http://localhost:8000/saml/metadata"
    services = find(root, "//md:SingleSignOnService")
    assert {(one.get("Binding"), one.get("Location")) for one in services} == {
        (vocabulary.REDIRECT, "http://localhost:8000/saml/sso"),
        (vocabulary.POST, "http://localhost:8000/saml/sso"),
    }
    assert [one.text for one in find(root, "//md:NameIDFormat")] == [
        vocabulary.PERSISTENT,
        vocabulary.TRANSIENT,
        vocabulary.EMAIL_ADDRESS,
        vocabulary.UNSPECIFIED,
    ]


def test_publishes_nothing_that_does_not_work(saml: SamlWorld) -> None:
    root = general(saml)
    for name in ("AttributeService", "ManageNameIDService"):
        assert not find(root, f"//*[local-name()='{name}']")


def test_names_the_key_to_encrypt_to(saml: SamlWorld) -> None:
    (descriptor,) = find(general(saml), "//md:KeyDescriptor[@use='encryption']")
    (text,) = find(descriptor, ".//ds:X509Certificate/text()")
    (private,) = keys.saml_decryption()
    assert certificate.public_key(certificate.load(text)) == private.public_key()
    assert {one.get("Algorithm") for one in find(descriptor, "md:EncryptionMethod")} == {
        *encryption.CONTENT_ALGORITHMS,
        *encryption.KEY_TRANSPORTS,
    }


def test_says_where_artifacts_are_resolved(saml: SamlWorld) -> None:
    (service,) = find(general(saml), "//*[local-name()='ArtifactResolutionService']")
    assert dict(service.attrib) == {
        "Binding": vocabulary.SOAP_BINDING,
        "Location": "http://localhost:8000/saml/artifact",
        "index": "0",
    }


def test_is_an_attribute_authority_where_somebody_may_ask(saml: SamlWorld) -> None:
    asking, other = saml.party(attribute_queries=True), saml.party()

    def services(body: bytes) -> list[str]:
        xml.validate(xml.parse(body), schema="metadata")
        path = "//md:AttributeAuthorityDescriptor/md:AttributeService"
        return [one.get("Location") for one in find(etree.fromstring(body), path)]

    own, others = (
        Client().get(f"/saml/metadata/{party.row.slug}").content for party in (asking, other)
    )
    url = "http://localhost:8000/saml/attributes"
    assert services(own) == services(saml.provider.get("/saml/metadata").body) == [url]
    assert services(others) == []
    asking.change_application(enabled=False)
    assert services(saml.provider.get("/saml/metadata").body) == []


def test_is_valid_and_signed_by_the_current_key(saml: SamlWorld) -> None:
    body = saml.provider.get("/saml/metadata").body
    root = xml.parse(body)
    xml.validate(root, schema="metadata")
    key = signature.verification_key(keys.saml_signing().certificate)
    assert signature.verify(root, keys=[key]) is root
    assert b"<!" not in body


def test_is_good_for_at_least_half_of_its_time(saml: SamlWorld) -> None:
    lifetime = settings.IDP.saml_metadata_lifetime
    for days in (0, 3, 6.99, 7, 10, 13.99, 400):
        now = datetime.now(UTC) + timedelta(days=days)
        body = metadata.document(None, now=now).body
        ends = datetime.fromisoformat(etree.fromstring(body).get("validUntil"))
        assert lifetime / 2 <= ends - now <= lifetime


def test_every_process_makes_the_same_bytes(saml: SamlWorld) -> None:
    first = saml.provider.get("/saml/metadata")
    directory.forget()
    again = saml.provider.get("/saml/metadata")
    assert first.body == again.body
    assert header(first, "ETag") == header(again, "ETag")
    saml.provider.ahead = timedelta(days=8)
    assert saml.provider.get("/saml/metadata").body != first.body


def test_is_not_sent_again_to_who_has_it(saml: SamlWorld, party: Party) -> None:
    first = saml.provider.get("/saml/metadata")
    again = saml.provider.get("/saml/metadata", if_none_match=header(first, "ETag"))
    assert (again.status, again.body) == (304, b"")
    by_django = Client().get(path(party))
    known = Client().get(path(party), headers={"if-none-match": by_django.headers["ETag"]})
    assert (known.status_code, known.content) == (304, b"")


def test_media_type_and_caches(saml: SamlWorld, party: Party) -> None:
    answer = saml.provider.get("/saml/metadata")
    assert header(answer, "Content-Type") == MEDIA_TYPE
    assert header(answer, "Cache-Control") == "public, max-age=300"
    by_django = Client().get(path(party))
    assert by_django.headers["Content-Type"] == MEDIA_TYPE
    assert by_django.headers["Cache-Control"] == "public, max-age=300"
    assert Client().head(path(party)).status_code == 200
    assert Client().post(path(party)).status_code == 405
    assert saml.provider.post("/saml/metadata").status == 405


def test_a_service_providers_own_document(saml: SamlWorld, party: Party) -> None:
    party.change(want_authn_requests_signed=True, default_name_id_format=vocabulary.EMAIL_ADDRESS)
    root = own(party)
    assert root.get("entityID") == entity.entity_id()
    assert find(root, "//md:IDPSSODescriptor")[0].get("WantAuthnRequestsSigned") == "true"
    assert [one.text for one in find(root, "//md:NameIDFormat")] == [
        vocabulary.EMAIL_ADDRESS,
        vocabulary.PERSISTENT,
        vocabulary.TRANSIENT,
        vocabulary.UNSPECIFIED,
    ]
    party.change(want_authn_requests_signed=False)
    root = own(party)
    assert find(root, "//md:IDPSSODescriptor")[0].get("WantAuthnRequestsSigned") == "false"
    role = find(general(saml), "//md:IDPSSODescriptor")[0]
    assert role.get("WantAuthnRequestsSigned") == "false"


def test_python3_saml_wishes_for_the_service_providers_format(
    saml: SamlWorld, party: Party
) -> None:
    party.change(default_name_id_format=vocabulary.EMAIL_ADDRESS)
    parsed = OneLogin_Saml2_IdPMetadataParser.parse(Client().get(path(party)).content)
    assert parsed["sp"]["NameIDFormat"] == vocabulary.EMAIL_ADDRESS


@pytest.mark.parametrize("slug", ["x", "0" * 20, "0" * 41, "a" * 400, "%00", "../metadata"])
def test_an_unknown_document_is_not_found(saml: SamlWorld, slug: str) -> None:
    assert Client().get(f"/saml/metadata/{slug}").status_code == 404


def test_a_rotation_is_published_before_it_signs(saml: SamlWorld, party: Party) -> None:
    before = keys.saml_signing().certificate
    assert keys.rotate(keys.SAML, "RS256") == "published"
    root = general(saml)
    certificates = find(root, "//md:KeyDescriptor[@use='signing']//ds:X509Certificate")
    assert len(certificates) == 2
    assert (
        certificates[0].text
        == signature.SigningKey(keys.saml_signing().private_key, before).certificate
    )
    form = posted(party.redirect(saml.session, identifier="_before"))
    party.accept(form, request_id="_before")

    assert keys.rotate(keys.SAML, "RS256", leaving=[str(party.row.pk)]) == "rotated"
    form = posted(party.redirect(saml.session, identifier="_after"))
    party.accept(form, request_id="_after")
    assert len(find(general(saml), "//md:KeyDescriptor[@use='signing']")) == 2
    assert SigningKey.objects.filter(purpose=keys.SAML).count() == 2


def test_who_to_ask_is_published(saml: SamlWorld, settings: Any) -> None:
    def contacts(address: str) -> tuple[list[str], Any]:
        settings.IDP = settings.IDP.model_copy(update={"support_contact": address})
        directory.forget()
        root = general(saml)
        return [one.text for one in find(root, "//md:EmailAddress")], find(
            root, "//md:IDPSSODescriptor"
        )[0].get("errorURL")

    assert contacts("help@example.org") == (["mailto:help@example.org"], None)
    assert contacts("https://help.example") == ([], "https://help.example")
    assert contacts("the IT desk") == ([], None)


def test_a_broken_default_format_is_not_published(saml: SamlWorld, party: Party) -> None:
    ServiceProvider.objects.update(default_name_id_format="urn:example:format")
    directory.forget()
    formats = [one.text for one in find(own(party), "//md:NameIDFormat")]
    assert formats[0] == vocabulary.PERSISTENT
    assert len(formats) == 4
