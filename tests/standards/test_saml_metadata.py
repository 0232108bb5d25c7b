"""SAML V2.0 Metadata: ours, and what is taken from a service provider's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client as DjangoClient
from django.utils import timezone
from lxml import etree

from federation.identity_provider import entity, registration
from federation.identity_provider.metadata_sources import following, jobs, queries, refreshing
from federation.models import MetadataProposal, MetadataSource
from federation.models import ServiceProvider as Row
from federation.saml import datatypes, errors, signature, vocabulary, xml
from idp import directory, keys
from tests.attacks.saml import metadata as hostile
from tests.attacks.saml import service_provider
from tests.attacks.saml.service_provider import ServiceProvider, consumer
from tests.support import metadata as federated
from tests.support.factories import UserFactory
from tests.support.metadata import Federation
from tests.support.protocol import cookie_of, sign_in
from tests.support.saml import NAMESPACES, Party, SamlWorld, metadata_of, posted
from tests.support.sign_in import Browser

S = "SAML Metadata"
SP = ServiceProvider()


@pytest.fixture
def ours(saml: SamlWorld) -> Any:
    return etree.fromstring(saml.provider.get("/saml/metadata").body)


def find(root: Any, path: str) -> list[Any]:
    return list(root.xpath(path, namespaces=NAMESPACES))


@pytest.mark.standard(S, "2.3.2", "entityID is a URL of at most 256 characters")
def test_entity_id(ours: Any, saml: SamlWorld) -> None:
    entity_id = ours.get("entityID")
    assert len(entity_id) <= 256
    assert saml.provider.get(entity_id.removeprefix("http://localhost:8000")).status == 200


@pytest.mark.standard(S, "2.3.2", "validUntil and cacheDuration on the root")
def test_validity(ours: Any) -> None:
    assert datetime.fromisoformat(ours.get("validUntil")) > datetime.now(UTC)
    assert datatypes.duration(ours.get("cacheDuration")).total_seconds() == 6 * 3600


@pytest.mark.standard(S, "3", "our metadata is signed, the signature over the whole document")
def test_signed(saml: SamlWorld) -> None:
    root = xml.parse(saml.provider.get("/saml/metadata").body)
    certificate = keys.saml_signing().certificate
    assert signature.verify(root, keys=[signature.verification_key(certificate)]) is root


@pytest.mark.standard(S, "2.4.3", "IDPSSODescriptor with endpoints, formats, signing keys")
def test_role(ours: Any) -> None:
    (role,) = find(ours, "/md:EntityDescriptor/md:IDPSSODescriptor")
    assert role.get("protocolSupportEnumeration") == vocabulary.SAMLP
    assert role.get("WantAuthnRequestsSigned") == "false"
    assert len(find(role, "md:SingleSignOnService")) == 2
    assert len(find(role, "md:NameIDFormat")) == 4
    assert find(role, "md:KeyDescriptor[@use='signing']//ds:X509Certificate")


@pytest.mark.standard(S, "2.4.3", "nothing is published that does not exist: no name management")
def test_nothing_else(ours: Any) -> None:
    names = {etree.QName(one).localname for one in ours.iter()}
    assert not names & {"AttributeService", "ManageNameIDService"}


@pytest.mark.standard(S, "2.4.2", "SingleLogoutService by Redirect, POST and SOAP")
def test_single_logout_service(ours: Any) -> None:
    services = find(ours, "//md:IDPSSODescriptor/md:SingleLogoutService")
    assert [(one.get("Binding"), one.get("Location")) for one in services] == [
        (vocabulary.REDIRECT, "http://localhost:8000/saml/slo"),
        (vocabulary.POST, "http://localhost:8000/saml/slo"),
        (vocabulary.SOAP_BINDING, "http://localhost:8000/saml/slo/soap"),
    ]


@pytest.mark.standard(S, "2.3.2.2", "whom to ask, where somebody is named; else nothing is made up")
@pytest.mark.parametrize(
    ("contact", "error_url", "addresses"),
    [
        ("help@example.org", None, ["mailto:help@example.org"]),
        ("https://help.example.org/", "https://help.example.org/", []),
        ("", None, []),
    ],
)
def test_contacts(
    saml: SamlWorld, settings: Any, contact: str, error_url: str | None, addresses: list[str]
) -> None:
    settings.IDP = settings.IDP.model_copy(update={"support_contact": contact})
    directory.forget()
    root = etree.fromstring(saml.provider.get("/saml/metadata").body)
    (role,) = find(root, "/md:EntityDescriptor/md:IDPSSODescriptor")
    assert role.get("errorURL") == error_url
    assert [one.text for one in find(root, "//md:ContactPerson/md:EmailAddress")] == addresses
    directory.forget()


@pytest.mark.standard(S, "2.4.3", "each service provider finds ours as it suits it")
def test_own_document(saml: SamlWorld) -> None:
    party = saml.party()
    for demanded in (True, False):
        for format_ in (vocabulary.EMAIL_ADDRESS, vocabulary.PERSISTENT):
            party.change(want_authn_requests_signed=demanded, default_name_id_format=format_)
            address = entity.metadata_url(party.row).removeprefix("http://localhost:8000")
            root = etree.fromstring(DjangoClient().get(address).content)
            (role,) = find(root, "/md:EntityDescriptor/md:IDPSSODescriptor")
            assert role.get("WantAuthnRequestsSigned") == str(demanded).lower()
            assert find(role, "md:NameIDFormat")[0].text == format_


@pytest.mark.standard("SAML MDUI", "2.1", "a display name for discovery pages")
def test_display_name(ours: Any) -> None:
    (name,) = find(ours, "//*[local-name()='DisplayName']")
    assert name.text == "Gatehouse"


@pytest.mark.standard("SAML Algorithm Support", "2", "the algorithms that are verified")
def test_algorithms(ours: Any) -> None:
    listed = {one.get("Algorithm") for one in find(ours, "//*[local-name()='SigningMethod']")}
    assert vocabulary.RSA_SHA256 in listed
    assert not any("sha1" in one for one in listed)


@pytest.mark.standard(S, "1.1.1", "valid by the schema, and without a DTD")
def test_schema(saml: SamlWorld) -> None:
    body = saml.provider.get("/saml/metadata").body
    xml.validate(xml.parse(body), schema="metadata")
    assert b"DOCTYPE" not in body


@pytest.mark.standard(S, "2.3.1", "of several entities the one that is chosen is registered")
def test_several(saml: SamlWorld) -> None:
    other = ServiceProvider(entity_id="https://other.example", acs_url="https://other.example/acs")
    several = hostile.group(metadata_of(SP), metadata_of(other))
    with pytest.raises(errors.SeveralEntities):
        registration.register_from_metadata(several)
    registration.register_from_metadata(several, entity_id=other.entity_id)
    assert Row.objects.get().entity_id == other.entity_id


@pytest.mark.standard(S, "2.3.2.1", "the organisation and the technical contact, if configured")
@pytest.mark.standard("SAML MDUI", "2.1", "description, logo, privacy and information addresses")
@pytest.mark.standard("SAML2Int", "SDP-MD08", "what discovery pages show")
def test_presentation(saml: SamlWorld, settings: Any) -> None:
    told = {
        "organization_name": "Example University",
        "organization_url": "https://www.example.edu/",
        "information_url": "https://www.example.edu/login",
        "privacy_url": "https://www.example.edu/privacy",
        "technical_contact": "saml@example.edu",
        "saml_description": "Sign-in for members",
        "saml_logo": "https://www.example.edu/logo.png 120x60",
    }
    settings.IDP = settings.IDP.model_copy(update=told)
    directory.forget()
    body = saml.provider.get("/saml/metadata").body
    root = etree.fromstring(body)
    xml.validate(xml.parse(body), schema="metadata")
    texts = {etree.QName(one).localname: one.text for one in root.iter() if one.text}
    assert texts["OrganizationName"] == "Example University"
    assert texts["OrganizationURL"] == "https://www.example.edu/"
    assert texts["InformationURL"] == "https://www.example.edu/login"
    assert texts["PrivacyStatementURL"] == "https://www.example.edu/privacy"
    assert texts["Description"] == "Sign-in for members"
    assert texts["EmailAddress"] == "mailto:saml@example.edu"
    (logo,) = find(root, "//*[local-name()='Logo']")
    assert (logo.text, logo.get("width"), logo.get("height")) == (
        "https://www.example.edu/logo.png",
        "120",
        "60",
    )
    directory.forget()


@pytest.mark.standard(S, "2.3.2", "nothing is made up where nothing is configured")
def test_no_presentation(ours: Any) -> None:
    names = {etree.QName(one).localname for one in ours.iter()}
    made_up = {"Organization", "ContactPerson", "Logo", "Description", "PrivacyStatementURL"}
    assert not names & made_up


@pytest.fixture
def administrator(saml: SamlWorld) -> Browser:
    root = UserFactory(username="root", is_superuser=True)
    browser = Browser()
    browser.cookies.load(cookie_of(sign_in(root)))
    return browser


@pytest.mark.standard("IIP", "MD03", "administrators paste it or send a file, and look before")
@pytest.mark.parametrize("way", ["paste", "file"])
def test_import(saml: SamlWorld, administrator: Browser, way: str) -> None:
    document = metadata_of(SP, encryption=True)
    page = administrator.open("/admin/connect/saml/")
    sent: dict[str, Any] = administrator.form_of(page, "entity_id", "acs_url")["inputs"]
    sent = {"csrfmiddlewaretoken": sent["csrfmiddlewaretoken"]}
    if way == "file":
        sent["file"] = SimpleUploadedFile("metadata.xml", document)
    else:
        sent["xml"] = document.decode()
    review = administrator.post(page.path, sent)
    assert review.status_code == 303
    shown = administrator.open(review.headers["Location"])
    assert SP.acs_url in shown.content.decode()
    assert not Row.objects.exists()
    token = administrator.form_of(shown, "csrfmiddlewaretoken")["inputs"]
    done = administrator.post(shown.path, token)
    assert done.status_code == 303
    row = Row.objects.get()
    assert row.entity_id == SP.entity_id
    assert row.signing_certificates
    assert row.encryption_certificates


@pytest.mark.standard(S, "2.4.1.1", "any number of keys; any of them verifies")
@pytest.mark.parametrize("use", ["", "signing"])
def test_any_key(saml: SamlWorld, use: str) -> None:
    party = saml.party()
    names = ("first", "second", "third")
    described = "".join(hostile.key(service_provider.rsa_key(name), use=use) for name in names)
    document = party.sp.metadata(role=described + consumer(party.sp.acs_url))
    row = registration.register_from_metadata(document).service_provider
    assert len(row.signing_certificates) == 3
    party.row = row
    party.change(encrypt_assertion=False)
    for name in names:
        query = party.sp.redirect(party.request(), key=service_provider.rsa_key(name))
        assert posted(party.send_query(query, saml.session)).status == ("Success",)
    assert party.redirect(saml.session, signed=True).status == 400


@pytest.mark.standard(S, "2.4.1.1", "a key without use is encrypted to as well")
def test_key_without_use(saml: SamlWorld) -> None:
    role = hostile.key(SP.key, use="") + consumer(SP.acs_url)
    row = registration.register_from_metadata(SP.metadata(role=role)).service_provider
    assert row.encryption_certificates


@pytest.mark.standard("IIP", "MD06", "an expired certificate is a key like any other")
def test_expired_certificate(saml: SamlWorld, party: Party) -> None:
    old = service_provider.certificate(party.sp.key, ended=True)
    party.change(signing_certificates=[service_provider.base64_der(old)])
    assert posted(party.redirect(saml.session, signed=True)).status == ("Success",)


@pytest.mark.standard("SAML2Int", "SDP-MD07", "keys below 2048 bits are refused")
def test_weak_key(saml: SamlWorld) -> None:
    weak = hostile.key(service_provider.rsa_key("weak", 1024))
    with pytest.raises(errors.InvalidMetadata, match="1024"):
        registration.register_from_metadata(SP.metadata(role=weak + consumer(SP.acs_url)))


@pytest.mark.standard("SAML2Int", "SDP-MD06", "a curve of 256 bits is enough, a smaller one is not")
@pytest.mark.parametrize(("curve", "taken"), [(ec.SECP256R1, True), (ec.SECP192R1, False)])
def test_curves(saml: SamlWorld, curve: Any, taken: bool) -> None:
    role = hostile.key(ec.generate_private_key(curve())) + consumer(SP.acs_url)
    if taken:
        registration.register_from_metadata(SP.metadata(role=role))
        assert len(Row.objects.get().signing_certificates) == 1
    else:
        with pytest.raises(errors.InvalidMetadata):
            registration.register_from_metadata(SP.metadata(role=role))


@pytest.mark.standard(S, "2.4.4", "poor metadata switches no check off (CVE-2026-16443)")
def test_poor_metadata(saml: SamlWorld) -> None:
    party = saml.party(want_authn_requests_signed=True)
    without_use = hostile.key(party.sp.key, use="") + consumer(party.sp.acs_url)
    for role in (without_use, consumer(party.sp.acs_url)):
        document = party.sp.metadata(role=role).replace(b'AuthnRequestsSigned="true"', b"")
        registration.register_from_metadata(document)
        assert party.redirect(saml.session).status == 400
        foreign = party.sp.redirect(party.request(), key=service_provider.rsa_key("foreign"))
        assert party.send_query(foreign, saml.session).status == 400


@pytest.mark.standard(
    S, "2.4.4", "AuthnRequestsSigned switches the demand on, nothing switches it off"
)
def test_flag(saml: SamlWorld) -> None:
    party = saml.party()
    registration.register_from_metadata(party.sp.metadata())
    assert party.redirect(saml.session).status == 400
    registration.register_from_metadata(metadata_of(party.sp))
    assert party.redirect(saml.session).status == 400
    assert posted(party.redirect(saml.session, signed=True)).status == ("Success",)


@pytest.mark.standard("IIP", "MD05", "a certificate to come is published before it signs")
def test_rollover(saml: SamlWorld, party: Party) -> None:
    keys.rotate(keys.SAML, "RS256")
    root = etree.fromstring(saml.provider.get("/saml/metadata").body)
    assert len(find(root, "//md:KeyDescriptor[@use='signing']")) == 2
    keys.rotate(keys.SAML, "RS256", leaving=[str(party.row.pk)])
    party.accept(posted(party.redirect(saml.session, identifier="_id")), request_id="_id")


A, B = federated.provider("a"), federated.provider("b")


def asked(source: MetadataSource) -> MetadataSource:
    """Ask a source now."""
    assert refreshing.claim(source, now=timezone.now())
    refreshing.refresh(source, now=timezone.now())
    source.refresh_from_db()
    return source


@pytest.mark.standard("IIP", "MD03", "an aggregate counts only with a pinned key's signature")
@pytest.mark.standard("SAML2Int", "SDP-MD02", "metadata is verified with a key from elsewhere")
def test_aggregate(saml: SamlWorld, federation: Federation) -> None:
    federation.publish_entities(A, B)
    source = asked(federation.source())
    assert source.entities.count() == 2
    federation.publish(federated.group(metadata_of(A)))
    MetadataSource.objects.update(next_at=timezone.now())
    source.refresh_from_db()
    assert asked(source).error
    assert source.entities.count() == 2


@pytest.mark.standard("IIP", "MD04", "validUntil that is missing, past or too distant is refused")
@pytest.mark.standard("SAML2Int", "SDP-MD03", "a bound on validUntil")
@pytest.mark.parametrize(
    ("days", "longest", "taken"),
    [(None, 30, False), (-1, None, False), (60, 30, False), (7, 30, True)],
)
def test_bounded_validity(
    saml: SamlWorld, federation: Federation, days: Any, longest: Any, taken: bool
) -> None:
    federation.publish_entities(A, days=days)
    source = asked(federation.source(longest_validity_days=longest))
    assert source.entities.exists() == taken
    assert bool(source.error) != taken


@pytest.mark.standard("IIP", "MD02", "metadata is read again on schedule, as cacheDuration says")
@pytest.mark.standard(S, "4.3", "cacheDuration decides when it is read again")
def test_refresh(saml: SamlWorld, federation: Federation) -> None:
    aggregate = federated.group(metadata_of(A), attributes='cacheDuration="PT2H"')
    federation.publish(federation.sign(aggregate))
    source = asked(federation.source())
    wait = source.next_at - timezone.now()
    assert timedelta(minutes=100) < wait < timedelta(minutes=140)
    MetadataSource.objects.update(next_at=timezone.now())
    assert jobs.refresh_due(most=5) == 1
    assert len(federation.server.received) == 2


@pytest.mark.standard("IIP", "MD01", "one entity is asked for at a metadata query service")
def test_query(saml: SamlWorld, federation: Federation) -> None:
    path = "/entities/https%3A%2F%2Fa.example.edu%2Fsp"
    federation.publish(federation.sign(federated.alone(metadata_of(A))), path=path)
    source = federation.source(kind="mdq", url=federation.server.url("/"))
    entity = queries.look_up(source, A.entity_id, now=timezone.now())
    assert registration.register_from_metadata(entity.xml).service_provider.entity_id == A.entity_id


@pytest.mark.standard("IIP", "MD02", "a failed reading leaves the last good")
@pytest.mark.standard(S, "2.4.4", "no new key or address without a yes, where changes wait")
@pytest.mark.standard("SAML2Int", "SDP-MD01", "service providers follow metadata that is refreshed")
def test_following(saml: SamlWorld, federation: Federation) -> None:
    federation.publish_entities(A)
    source = asked(federation.source())
    row = registration.register_from_metadata(source.entities.get().xml).service_provider
    following.subscribe(row, source, actor="root")
    Row.objects.update(changes_wait=True)
    moved = metadata_of(A).replace(A.acs_url.encode(), b"https://a.example.edu/moved")
    for document, address in (
        (federation.sign(federated.group(moved)), A.acs_url),
        (b"broken", A.acs_url),
    ):
        federation.publish(document)
        MetadataSource.objects.update(next_at=timezone.now())
        source.refresh_from_db()
        asked(source)
        assert Row.objects.get().assertion_consumer_services[0]["url"] == address
    assert MetadataProposal.objects.get().state == MetadataProposal.State.WAITING
