"""Service provider metadata as real ones write it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from lxml import etree
from onelogin.saml2.metadata import OneLogin_Saml2_Metadata

from federation.saml import encryption, errors, signature, vocabulary
from federation.saml.assertion_consumer_service import AssertionConsumerService
from federation.saml.metadata import endpoint, presentation
from federation.saml.metadata import service_provider as metadata
from federation.saml.metadata.attribute_consuming_service import AttributeConsumingService
from tests.attacks.saml import metadata as corpus
from tests.attacks.saml import service_provider
from tests.attacks.saml.service_provider import ServiceProvider, consumer, key_info

NOW = datetime(2026, 11, 24, tzinfo=UTC)
OTHER = corpus.OTHER
REDIRECT = vocabulary.REDIRECT


def parse(data: bytes, **options) -> metadata.ServiceProviderMetadata:
    return metadata.parse(data, now=NOW, **options)


def text(key) -> str:
    return service_provider.base64_der(service_provider.certificate(key))


WHOLE = f"""\
<?xml version="1.0" encoding="UTF-8"?>
<!-- exported by hand -->
<md:EntityDescriptor xmlns:md="{vocabulary.MD}" xmlns:mdui="{vocabulary.MDUI}"
    xmlns:alg="{vocabulary.ALG}" xmlns:ds="{vocabulary.DS}" xmlns:xenc11="{vocabulary.XENC11}"
    ID="_m" entityID="https://sp.example/metadata" validUntil="2027-01-01T00:00:00Z"
    cacheDuration="P1D">
  <md:Extensions>
    <alg:DigestMethod Algorithm="{vocabulary.SHA256}"/>
    <alg:SigningMethod Algorithm="{vocabulary.RSA_SHA256}"/>
  </md:Extensions>
  <md:SPSSODescriptor AuthnRequestsSigned="true" WantAssertionsSigned="1"
      protocolSupportEnumeration="urn:oasis:names:tc:SAML:1.1:protocol {vocabulary.SAMLP}">
    <md:Extensions>
      <mdui:UIInfo>
        <mdui:DisplayName xml:lang="de">Die Anwendung</mdui:DisplayName>
        <mdui:DisplayName xml:lang="en">The <!-- great -->Application</mdui:DisplayName>
        <mdui:Description xml:lang="en">Does things</mdui:Description>
        <mdui:Logo height="1" width="1">data:image/png;base64,AAAA</mdui:Logo>
        <mdui:Logo height="60" width="80">https://sp.example/logo.png</mdui:Logo>
      </mdui:UIInfo>
    </md:Extensions>
    <md:KeyDescriptor use="signing">KEY_ONE</md:KeyDescriptor>
    <md:KeyDescriptor use="encryption">KEY_TWO
      <md:EncryptionMethod Algorithm="{vocabulary.AES128_GCM}"/>
      <md:EncryptionMethod Algorithm="{vocabulary.RSA_OAEP}">
        <ds:DigestMethod Algorithm="{vocabulary.SHA256}"/>
        <xenc11:MGF Algorithm="{vocabulary.MGF1_SHA256}"/>
      </md:EncryptionMethod>
    </md:KeyDescriptor>
    <md:SingleLogoutService Binding="{REDIRECT}" Location="https://sp.example/slo"
        ResponseLocation="https://sp.example/slo/response"/>
    <md:SingleLogoutService Binding="{vocabulary.POST}" Location="https://sp.example/slo"/>
    <md:NameIDFormat>{vocabulary.PERSISTENT}</md:NameIDFormat>
    <md:NameIDFormat>
      {vocabulary.EMAIL_ADDRESS}
    </md:NameIDFormat>
    <md:AssertionConsumerService Binding="{vocabulary.POST}" Location="https://sp.example/acs"
        index="0"/>
    <md:AssertionConsumerService Binding="{vocabulary.POST}" Location="https://sp.example/acs2"
        index="1" isDefault="true"/>
    <md:AttributeConsumingService index="0">
      <md:ServiceName xml:lang="en">first</md:ServiceName>
      <md:RequestedAttribute Name="ignored"/>
    </md:AttributeConsumingService>
    <md:AttributeConsumingService index="1" isDefault="true">
      <md:ServiceName xml:lang="en">second</md:ServiceName>
      <md:RequestedAttribute Name="urn:oid:0.9.2342.19200300.100.1.3" FriendlyName="mail"
          NameFormat="{vocabulary.NAME_FORMAT_URI}" isRequired="true"/>
      <md:RequestedAttribute Name="uid"/>
    </md:AttributeConsumingService>
  </md:SPSSODescriptor>
  <md:Organization>
    <md:OrganizationName xml:lang="en">Example</md:OrganizationName>
    <md:OrganizationDisplayName xml:lang="en">Example Ltd</md:OrganizationDisplayName>
    <md:OrganizationURL xml:lang="en">https://example.org</md:OrganizationURL>
  </md:Organization>
  <md:ContactPerson contactType="technical">
    <md:Company>Example</md:Company><md:GivenName>Ada</md:GivenName><md:SurName>L</md:SurName>
    <md:EmailAddress>mailto:ada@example.org</md:EmailAddress>
    <md:EmailAddress>ops@example.org</md:EmailAddress>
  </md:ContactPerson>
</md:EntityDescriptor>
"""


def whole() -> bytes:
    one, two = (
        key_info(service_provider.certificate(service_provider.rsa_key(name)))
        for name in ("service provider", "encryption")
    )
    return WHOLE.replace("KEY_ONE", one).replace("KEY_TWO", two).encode()


@pytest.mark.standard("SAML Metadata", "2.4.4", "everything a service provider can say")
def test_reads_everything() -> None:
    assert parse(whole()) == metadata.ServiceProviderMetadata(
        entity_id="https://sp.example/metadata",
        assertion_consumer_services=(
            AssertionConsumerService("https://sp.example/acs", index=0),
            AssertionConsumerService("https://sp.example/acs2", index=1, is_default=True),
        ),
        name_id_formats=(vocabulary.PERSISTENT, vocabulary.EMAIL_ADDRESS),
        signing_certificates=(text(service_provider.rsa_key()),),
        encryption_certificates=(text(service_provider.rsa_key("encryption")),),
        encryption_methods=(
            encryption.EncryptionMethod(vocabulary.AES128_GCM),
            encryption.EncryptionMethod(
                vocabulary.RSA_OAEP, vocabulary.SHA256, vocabulary.MGF1_SHA256
            ),
        ),
        authn_requests_signed=True,
        want_assertions_signed=True,
        single_logout_services=(
            endpoint.SingleLogoutService(
                "https://sp.example/slo", REDIRECT, "https://sp.example/slo/response"
            ),
            endpoint.SingleLogoutService("https://sp.example/slo", vocabulary.POST),
        ),
        requested_attributes=(
            metadata.RequestedAttribute(
                "urn:oid:0.9.2342.19200300.100.1.3", vocabulary.NAME_FORMAT_URI, "mail", True
            ),
            metadata.RequestedAttribute("uid"),
        ),
        attribute_consuming_services=(
            AttributeConsumingService(0, None, (metadata.RequestedAttribute("ignored"),)),
            AttributeConsumingService(
                1,
                True,
                (
                    metadata.RequestedAttribute(
                        "urn:oid:0.9.2342.19200300.100.1.3",
                        vocabulary.NAME_FORMAT_URI,
                        "mail",
                        True,
                    ),
                    metadata.RequestedAttribute("uid"),
                ),
            ),
        ),
        display_name="The Application",
        description="Does things",
        logo_url="https://sp.example/logo.png",
        contacts=(
            presentation.Contact(
                "technical", "Ada", "L", "Example", ("ada@example.org", "ops@example.org")
            ),
        ),
        organization=presentation.Organization("Example", "Example Ltd", "https://example.org"),
        digest_methods=(vocabulary.SHA256,),
        signing_methods=(vocabulary.RSA_SHA256,),
        valid_until=datetime(2027, 1, 1, tzinfo=UTC),
        cache_duration=timedelta(days=1),
    )


def test_reads_the_least(sp: ServiceProvider) -> None:
    read = parse(sp.metadata(role=consumer(sp.acs_url)).replace(b'AuthnRequestsSigned="true"', b""))
    assert read == metadata.ServiceProviderMetadata(
        entity_id=sp.entity_id,
        assertion_consumer_services=(AssertionConsumerService(sp.acs_url, index=0),),
    )


@pytest.mark.standard("SAML Metadata", "2.4.1.1", "a key without use serves both")
def test_a_key_without_use_serves_both(sp: ServiceProvider) -> None:
    role = corpus.key(sp.key, use="") + consumer(sp.acs_url)
    read = parse(sp.metadata(role=role))
    assert read.signing_certificates == read.encryption_certificates == (text(sp.key),)


def test_an_elliptic_curve_key_without_use_signs_only(sp: ServiceProvider) -> None:
    key = service_provider.ec_key()
    read = parse(sp.metadata(role=corpus.key(key, use="") + consumer(sp.acs_url)))
    assert read.signing_certificates == (text(key),)
    assert read.encryption_certificates == ()


def test_any_number_of_keys_each_once(sp: ServiceProvider) -> None:
    names = ("service provider", "foreign", "another", "foreign")
    role = "".join(corpus.key(service_provider.rsa_key(name)) for name in names)
    read = parse(sp.metadata(role=role + consumer(sp.acs_url)))
    assert read.signing_certificates == tuple(
        text(service_provider.rsa_key(name)) for name in names[:3]
    )


def test_an_expired_certificate_is_a_warning(sp: ServiceProvider) -> None:
    ended = service_provider.certificate(sp.key, ended=True)
    role = f'<md:KeyDescriptor use="signing">{key_info(ended)}</md:KeyDescriptor>'
    read = parse(sp.metadata(role=role + consumer(sp.acs_url)))
    assert read.signing_certificates == (service_provider.base64_der(ended),)
    assert len(read.warnings) == 1
    assert "2020-12-31" in read.warnings[0]
    assert parse(sp.metadata(role=role * 2 + consumer(sp.acs_url))).warnings == read.warnings


def test_an_encryption_key_that_stands_twice(sp: ServiceProvider) -> None:
    method = f'<md:EncryptionMethod Algorithm="{vocabulary.AES128_GCM}"/></md:KeyDescriptor>'
    role = corpus.key(sp.key, use="encryption").replace("</md:KeyDescriptor>", method)
    read = parse(sp.metadata(role=role * 2 + corpus.key(sp.key) + consumer(sp.acs_url)))
    assert read.encryption_certificates == (text(sp.key),)
    assert read.encryption_methods == (encryption.EncryptionMethod(vocabulary.AES128_GCM),)


def test_missing_keys_with_signed_requests_is_a_warning(sp: ServiceProvider) -> None:
    read = parse(sp.metadata(role=consumer(sp.acs_url)))
    assert read.authn_requests_signed
    assert len(read.warnings) == 1
    assert "no signing key" in read.warnings[0]


def test_key_without_certificate_is_a_warning(sp: ServiceProvider) -> None:
    for content in (
        "",
        f'<ds:KeyInfo xmlns:ds="{vocabulary.DS}"><ds:KeyName>x</ds:KeyName></ds:KeyInfo>',
    ):
        role = corpus.key(sp.key) + f"<md:KeyDescriptor>{content}</md:KeyDescriptor>"
        read = parse(sp.metadata(role=role + consumer(sp.acs_url)))
        assert any("X509Certificate" in one for one in read.warnings)


def test_only_old_encryption_is_a_warning(sp: ServiceProvider) -> None:
    cbc = f'<md:EncryptionMethod Algorithm="{vocabulary.XENC}aes128-cbc"/></md:KeyDescriptor>'
    role = corpus.key(sp.key, use="encryption").replace("</md:KeyDescriptor>", cbc)
    read = parse(sp.metadata(role=corpus.key(sp.key) + role + consumer(sp.acs_url)))
    assert read.encryption_certificates == (text(sp.key),)
    assert any("cannot be encrypted" in one for one in read.warnings)


def test_only_old_signature_algorithms_is_a_warning(sp: ServiceProvider) -> None:
    old = (
        f'<md:Extensions><alg:SigningMethod xmlns:alg="{vocabulary.ALG}" '
        f'Algorithm="{vocabulary.DS}rsa-sha1"/></md:Extensions>'
    )
    assert any("signature algorithms" in one for one in parse(sp.metadata(inside=old)).warnings)


def test_two_services_of_one_index_is_a_warning(sp: ServiceProvider) -> None:
    role = corpus.key(sp.key) + consumer(sp.acs_url) + consumer(sp.acs_url + "2")
    assert any("same index" in one for one in parse(sp.metadata(role=role)).warnings)


def test_another_order_of_elements_is_a_warning(sp: ServiceProvider) -> None:
    """As samlify writes it: NameIDFormat before SingleLogoutService."""
    role = (
        f"{corpus.key(sp.key)}<md:NameIDFormat>{vocabulary.TRANSIENT}</md:NameIDFormat>"
        f'<md:SingleLogoutService Binding="{REDIRECT}" Location="https://sp.example/slo"/>'
        f"{consumer(sp.acs_url)}"
    )
    read = parse(sp.metadata(role=role))
    assert read.name_id_formats == (vocabulary.TRANSIENT,)
    assert len(read.single_logout_services) == 1
    assert len(read.warnings) == 1
    assert "schema" in read.warnings[0]


def test_index_may_be_missing(sp: ServiceProvider) -> None:
    role = corpus.key(sp.key) + consumer(sp.acs_url).replace(' index="0"', "")
    assert parse(sp.metadata(role=role)).assertion_consumer_services[0].index is None


def test_other_bindings_are_kept(sp: ServiceProvider) -> None:
    artifact = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact"
    role = consumer(sp.acs_url, binding=artifact, index="1") + consumer(sp.acs_url)
    bindings = [one.binding for one in parse(sp.metadata(role=role)).assertion_consumer_services]
    assert bindings == [artifact, vocabulary.POST]


def test_logo_at_an_unsafe_address_is_passed_over(sp: ServiceProvider) -> None:
    logo = (
        f'<md:Extensions><mdui:UIInfo xmlns:mdui="{vocabulary.MDUI}"><mdui:Logo height="1" '
        'width="1">javascript:alert(1)</mdui:Logo></mdui:UIInfo></md:Extensions>'
    )
    role = logo + corpus.key(sp.key) + consumer(sp.acs_url)
    assert parse(sp.metadata(role=role)).logo_url == ""


def test_names_fall_back(sp: ServiceProvider) -> None:
    service = (
        '<md:AttributeConsumingService index="0"><md:ServiceName xml:lang="fr">Le service'
        '</md:ServiceName><md:RequestedAttribute Name="a"/></md:AttributeConsumingService>'
    )
    role = corpus.key(sp.key) + consumer(sp.acs_url)
    assert parse(sp.metadata(role=role + service)).display_name == "Le service"
    empty = service.replace("Le service", " ")
    assert parse(sp.metadata(role=role + empty)).display_name == ""
    organization = (
        '<md:Organization><md:OrganizationName xml:lang="en">n</md:OrganizationName>'
        '<md:OrganizationDisplayName xml:lang="en">Example Ltd</md:OrganizationDisplayName>'
        '<md:OrganizationURL xml:lang="en">https://e.example</md:OrganizationURL>'
        "</md:Organization></md:EntityDescriptor>"
    )
    document = sp.metadata(role=role).replace(b"</md:EntityDescriptor>", organization.encode())
    assert parse(document).display_name == "Example Ltd"


def test_comments_never_cut_a_value(sp: ServiceProvider) -> None:
    role = f"<md:NameIDFormat>urn:good<!-- -->.evil</md:NameIDFormat>{consumer(sp.acs_url)}"
    assert parse(sp.metadata(role=role)).name_id_formats == ("urn:good.evil",)


# --- Several entities ----------------------------------------------------------------------------


def test_lists_the_service_providers_of_a_group(sp: ServiceProvider) -> None:
    document = corpus.group(
        sp.metadata(),
        corpus.group(OTHER.metadata()),
        ServiceProvider(entity_id="urn:idp").metadata().replace(b"SPSSO", b"IDPSSO"),
    )
    assert metadata.entity_ids(document) == (sp.entity_id, OTHER.entity_id)
    with pytest.raises(errors.SeveralEntities) as refused:
        parse(document)
    assert refused.value.entity_ids == (sp.entity_id, OTHER.entity_id)
    assert OTHER.entity_id in refused.value.description
    read = parse(document, entity_id=OTHER.entity_id)
    assert read.entity_id == OTHER.entity_id
    assert read.assertion_consumer_services[0].url == OTHER.acs_url


def test_the_only_service_provider_of_a_group_needs_no_choice(sp: ServiceProvider) -> None:
    assert parse(corpus.group(sp.metadata())).entity_id == sp.entity_id


def test_the_chosen_one_must_be_there(sp: ServiceProvider) -> None:
    with pytest.raises(errors.InvalidMetadata) as refused:
        parse(sp.metadata(), entity_id="urn:other")
    assert refused.value.check == "unknown_entity"


def test_entity_ids_of_what_is_no_metadata() -> None:
    with pytest.raises(errors.InvalidMetadata, match="well_formed"):
        metadata.entity_ids(b"no")


# --- Signatures ----------------------------------------------------------------------------------

FEDERATION = "federation"


@pytest.fixture
def federation_keys() -> list[signature.VerificationKey]:
    return [signature.VerificationKey(service_provider.rsa_key(FEDERATION).public_key())]


@pytest.fixture
def federation_key() -> signature.SigningKey:
    key = service_provider.rsa_key(FEDERATION)
    return signature.SigningKey(key, service_provider.pem(service_provider.certificate(key)))


def signed(document: bytes, key: signature.SigningKey, *, path: str = ".") -> bytes:
    root = etree.fromstring(document)
    signature.sign(root.find(path, {"md": vocabulary.MD}), key=key)
    return etree.tostring(root)


def test_verifies_a_signed_entity(sp: ServiceProvider, federation_key, federation_keys) -> None:
    document = signed(sp.metadata(attributes='ID="_a"'), federation_key)
    assert parse(document, signing_keys=federation_keys).entity_id == sp.entity_id


def test_verifies_a_signed_group(sp: ServiceProvider, federation_key, federation_keys) -> None:
    group = corpus.group(sp.metadata(), OTHER.metadata()).replace(
        b"<md:EntitiesDescriptor", b'<md:EntitiesDescriptor ID="_g"'
    )
    read = parse(
        signed(group, federation_key), entity_id=OTHER.entity_id, signing_keys=federation_keys
    )
    assert read.entity_id == OTHER.entity_id


def test_unsigned_is_refused_where_a_key_is_given(sp: ServiceProvider, federation_keys) -> None:
    with pytest.raises(errors.InvalidMetadata) as refused:
        parse(sp.metadata(), signing_keys=federation_keys)
    assert refused.value.check == "signature_missing"


def test_another_entitys_signature_does_not_count(
    sp: ServiceProvider, federation_key, federation_keys
) -> None:
    group = corpus.group(sp.metadata(attributes='ID="_a"'), OTHER.metadata())
    document = signed(group, federation_key, path="md:EntityDescriptor")
    assert parse(document, entity_id=sp.entity_id, signing_keys=federation_keys)
    with pytest.raises(errors.InvalidMetadata) as refused:
        parse(document, entity_id=OTHER.entity_id, signing_keys=federation_keys)
    assert refused.value.check == "signature_missing"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"https://sp.example/acs", b"https://evil.example/acs"),
        (b'AuthnRequestsSigned="true"', b'AuthnRequestsSigned="false"'),
    ],
)
def test_changed_after_signing(
    sp: ServiceProvider, federation_key, federation_keys, old: bytes, new: bytes
) -> None:
    document = signed(sp.metadata(attributes='ID="_a"'), federation_key).replace(old, new)
    with pytest.raises(errors.InvalidMetadata) as refused:
        parse(document, signing_keys=federation_keys)
    assert refused.value.check == "signature_value"


def test_signed_by_somebody_else(sp: ServiceProvider, key, federation_keys) -> None:
    document = signed(sp.metadata(attributes='ID="_a"'), key)
    with pytest.raises(errors.InvalidMetadata):
        parse(document, signing_keys=federation_keys)


def test_a_signature_that_nobody_asked_for_is_not_processed(sp: ServiceProvider, key) -> None:
    """Whoever pastes the metadata trusts it; its own signature proves nothing without a key."""
    document = signed(sp.metadata(attributes='ID="_a"'), key).replace(
        b"sp.example/acs", b"sp.example/a"
    )
    assert parse(document).assertion_consumer_services[0].url == "https://sp.example/a"


# --- Real ones -----------------------------------------------------------------------------------


def test_reads_the_metadata_of_python3_saml(sp: ServiceProvider) -> None:
    built = OneLogin_Saml2_Metadata.builder(
        {
            "entityId": sp.entity_id,
            "assertionConsumerService": {"url": sp.acs_url, "binding": vocabulary.POST},
            "singleLogoutService": {"url": "https://sp.example/slo", "binding": REDIRECT},
            "NameIDFormat": vocabulary.PERSISTENT,
        },
        authnsign=True,
        wsign=True,
    )
    certificate = service_provider.base64_der(sp.certificate)
    document = OneLogin_Saml2_Metadata.add_x509_key_descriptors(built, certificate)
    read = metadata.parse(document, now=datetime.now(UTC))
    assert read.entity_id == sp.entity_id
    assert read.signing_certificates == read.encryption_certificates == (certificate,)
    assert read.authn_requests_signed
    assert read.want_assertions_signed
    assert read.warnings == ()


def by_artifact(sp: ServiceProvider, keys: str) -> bytes:
    return sp.metadata(role=keys + consumer(sp.acs_url, binding=vocabulary.ARTIFACT))


def test_artifacts_alone_are_enough(sp: ServiceProvider) -> None:
    read = parse(by_artifact(sp, corpus.key(sp.key)))
    assert [one.binding for one in read.assertion_consumer_services] == [vocabulary.ARTIFACT]
    assert read.warnings == ()


def test_without_a_key_nobody_fetches_what_an_artifact_stands_for(sp: ServiceProvider) -> None:
    read = parse(by_artifact(sp, ""))
    assert any("nobody can sign in" in warning for warning in read.warnings)


@pytest.mark.parametrize(
    "inside", ["&#10;Send the key to x@evil.example", "&#13;x", "\u202e", "\u200b"]
)
def test_an_entity_id_is_one_line_that_can_be_read(inside: str) -> None:
    """It stands in mails to its operators, in logs and in the administration."""
    document = ServiceProvider(entity_id=f"https://sp.example/{inside}").metadata()
    with pytest.raises(errors.InvalidMetadata) as refused:
        parse(document)
    assert refused.value.check == "entity_id"


HOLDERS = ("md:EntitiesDescriptor ", "md:EntityDescriptor ", "md:SPSSODescriptor ")


def in_a_group(sp: ServiceProvider, said: dict[str, str]) -> bytes:
    """Its metadata alone in a group; `said`: attributes by the element that says them."""
    whole = f'<md:EntitiesDescriptor xmlns:md="{vocabulary.MD}">{sp.metadata().decode()}'
    whole = f"{whole}</md:EntitiesDescriptor>"
    for holder, attributes in said.items():
        whole = whole.replace(f"<{holder}", f"<{holder}{attributes} ", 1)
    return whole.encode()


@pytest.mark.standard("SAML Metadata", "2.3.1", "the earliest end and shortest duration count")
@pytest.mark.parametrize("first", HOLDERS)
def test_the_earliest_end_of_group_entity_and_role_counts(sp: ServiceProvider, first: str) -> None:
    days = {holder: 10 if holder == first else 20 for holder in HOLDERS}
    said = {
        holder: f'validUntil="2026-12-{number}T00:00:00Z" cacheDuration="P{number}D"'
        for holder, number in days.items()
    }
    read = parse(in_a_group(sp, said))
    assert read.valid_until == datetime(2026, 12, 10, tzinfo=UTC)
    assert read.cache_duration == timedelta(days=10)
    assert parse(in_a_group(sp, {first: said[first]})) == read


@pytest.mark.parametrize("ended", HOLDERS)
def test_what_has_ended_is_refused_whoever_says_so(sp: ServiceProvider, ended: str) -> None:
    with pytest.raises(errors.InvalidMetadata):
        parse(in_a_group(sp, {ended: 'validUntil="2026-11-23T00:00:00Z"'}))


@pytest.mark.parametrize("place", HOLDERS[1:])
def test_algorithms_of_role_or_entity(sp: ServiceProvider, place: str) -> None:
    listed = f'<alg:SigningMethod xmlns:alg="{vocabulary.ALG}" Algorithm="{{}}"/>'
    whole = sp.metadata().decode()
    for holder, algorithm in ((HOLDERS[1], vocabulary.RSA_SHA512), (place, vocabulary.RSA_SHA256)):
        begin, end = whole.split(f"<{holder}", 1)
        opening, rest = end.split(">", 1)
        if rest.startswith("<md:Extensions>"):
            rest = rest.split("</md:Extensions>", 1)[1]
        inside = f"<md:Extensions>{listed.format(algorithm)}</md:Extensions>"
        whole = f"{begin}<{holder}{opening}>{inside}{rest}"
    assert parse(whole.encode()).signing_methods == (vocabulary.RSA_SHA256,)


def test_no_warning_where_something_comes_by_post_too(sp: ServiceProvider) -> None:
    both = consumer(sp.acs_url) + consumer(sp.acs_url, binding=vocabulary.ARTIFACT, index="1")
    whole = sp.metadata(role=both).decode().replace('AuthnRequestsSigned="true"', "")
    assert parse(whole.encode()).warnings == ()
    alone = whole.replace(consumer(sp.acs_url), "")
    assert "by HTTP-Artifact alone" in " ".join(parse(alone.encode()).warnings)
