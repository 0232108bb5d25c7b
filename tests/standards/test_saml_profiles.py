"""SAML V2.0 Profiles: §4.1 Web Browser SSO, §5 artifacts, §6 queries, and saml2int."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils import timezone
from lxml import etree

from federation.identity_provider import registration
from federation.saml import signature, vocabulary, xml
from idp import keys
from idp.accounts import people
from idp.claims import mapping
from idp.models import Application, ClaimMapping
from idp.protocol.message import Response
from tests.attacks.saml import service_provider
from tests.support.protocol import cookie_of, header
from tests.support.saml import (
    NAMESPACES,
    Party,
    SamlWorld,
    decrypted,
    entity_id,
    in_body,
    posted,
)
from tests.support.sign_in import Browser

S = "SAML Profiles"


@pytest.mark.standard(
    S, "4.1.4.2", "exactly one assertion, one AuthnStatement, one AttributeStatement"
)
def test_statements(saml: SamlWorld, party: Party) -> None:
    form = posted(party.redirect(saml.session))
    for name in ("Assertion", "AuthnStatement", "AttributeStatement", "Subject"):
        assert len(form.all(f"//saml:{name}")) == 1


@pytest.mark.standard(S, "4.1.4.2", "bearer: Recipient, InResponseTo, five minutes, no NotBefore")
def test_bearer(saml: SamlWorld, party: Party) -> None:
    form = posted(party.redirect(saml.session, identifier="_id"))
    confirmation = form.one("//saml:SubjectConfirmation")
    data = form.one("//saml:SubjectConfirmationData")
    assert confirmation.get("Method") == "urn:oasis:names:tc:SAML:2.0:cm:bearer"
    assert data.get("Recipient") == party.sp.acs_url
    assert data.get("InResponseTo") == "_id"
    assert data.get("NotBefore") is None
    issued = datetime.fromisoformat(form.root.get("IssueInstant"))
    assert datetime.fromisoformat(data.get("NotOnOrAfter")) - issued <= timedelta(minutes=5)


@pytest.mark.standard(S, "4.1.4.2", "the audience is the service provider alone")
def test_audience(saml: SamlWorld, party: Party) -> None:
    form = posted(party.redirect(saml.session))
    assert [one.text for one in form.all("//saml:Audience")] == [party.sp.entity_id]
    conditions = form.one("//saml:Conditions")
    now = timezone.now()
    assert datetime.fromisoformat(conditions.get("NotBefore")) <= now
    assert (
        now < datetime.fromisoformat(conditions.get("NotOnOrAfter")) <= now + timedelta(minutes=5)
    )


@pytest.mark.standard(S, "4.1.4.5", "response and assertion are signed, with SHA-256")
def test_signed_twice(saml: SamlWorld, party: Party) -> None:
    form = posted(party.redirect(saml.session, identifier="_id"))
    assert form.one("/samlp:Response/ds:Signature") is not None
    assert form.one("/samlp:Response/saml:Assertion/ds:Signature") is not None
    methods = {one.get("Algorithm") for one in form.all("//ds:SignatureMethod")}
    assert methods == {vocabulary.RSA_SHA256}
    party.accept(form, request_id="_id")


@pytest.mark.standard(S, "4.1.4.5", "which of both are signed is the service provider's to say")
@pytest.mark.parametrize(("response", "assertion"), [(True, False), (False, True), (True, True)])
def test_what_is_signed(saml: SamlWorld, party: Party, response: bool, assertion: bool) -> None:
    party.change(sign_response=response, sign_assertion=assertion)
    form = posted(party.redirect(saml.session))
    assert bool(form.all("/samlp:Response/ds:Signature")) is response
    assert bool(form.all("//saml:Assertion/ds:Signature")) is assertion


@pytest.mark.standard("SAML2Int", "SDP-ALG01", "nothing below SHA-256, no CBC, no RSA 1.5")
def test_no_legacy_algorithms(saml: SamlWorld) -> None:
    party = saml.party(encryption=True)
    used = set(posted(party.redirect(saml.session)).all("//@Algorithm"))
    used.discard(f"{vocabulary.DS}sha1")  # inside OAEP, where collisions do not matter
    assert not [one for one in used if one.endswith(("cbc", "rsa-1_5", "sha1"))]
    for legacy in ("aes128-cbc", "tripledes-cbc", "rsa-1_5"):
        method = {"algorithm": f"http://www.w3.org/2001/04/xmlenc#{legacy}"}
        party.change(encryption_methods=[{**method, "digest_method": "", "mask_function": ""}])
        refused = posted(party.redirect(saml.session))
        assert refused.status[0] == "Responder"
        assert not refused.all("//saml:Assertion | //saml:EncryptedAssertion")


@pytest.mark.standard("SAML2Int", "SDP-IDP11", "in clear where no key is, or none is wanted")
def test_not_encrypted(saml: SamlWorld, party: Party) -> None:
    assert posted(party.redirect(saml.session)).assertion is not None
    with_key = saml.party(encryption=True)
    assert not posted(with_key.redirect(saml.session)).all("//saml:Assertion")
    with_key.change(encrypt_assertion=False)
    assert posted(with_key.redirect(saml.session)).assertion is not None


@pytest.mark.standard("IIP", "IDP02", "several values are elements, written by the serializer")
def test_values(saml: SamlWorld, party: Party) -> None:
    hostile = ["</saml:AttributeValue>", "a&b", "\"<x y='z'>", "漢 ]]>"]
    saml.user.attributes = {"roles": hostile, "empty": ""}
    saml.user.save()
    for position, claim in enumerate(("roles", "empty")):
        ClaimMapping.objects.create(
            application=party.row.application,
            position=position,
            claim=claim,
            source="attribute",
            key=claim,
            to_saml=True,
        )
    form = posted(party.redirect(saml.session, identifier="_id"))
    (one,) = form.all("//saml:Attribute[@Name='roles']")
    assert [value.text for value in one] == hostile
    assert one.get("NameFormat") == vocabulary.NAME_FORMAT_URI
    assert not form.all("//*[local-name()='x']")
    party.accept(form, request_id="_id")


@pytest.mark.standard("IIP", "IDP04", "what the rows of the application say goes out, and no more")
def test_release_by_rows(saml: SamlWorld, party: Party) -> None:
    ClaimMapping.objects.create(
        application=party.row.application, claim="mail", key="email", to_saml=True
    )
    ClaimMapping.objects.create(
        application=party.row.application,
        claim="hidden",
        key="name",
        to_saml=False,
        to_userinfo=True,
    )
    form = posted(party.redirect(saml.session))
    assert form.attributes == {"mail": [saml.user.email]}


@pytest.mark.standard(
    "SAML2Int", "SDP-IDP09", "encrypted with AES-GCM and OAEP where there is a key"
)
def test_encrypted(saml: SamlWorld) -> None:
    party = saml.party(encryption=True)
    form = posted(party.redirect(saml.session, identifier="_id"))
    methods = [one.get("Algorithm") for one in form.all("//*[local-name()='EncryptionMethod']")]
    assert methods == [vocabulary.AES256_GCM, vocabulary.RSA_OAEP_MGF1P]
    party.accept(form, request_id="_id", encrypted=True)


@pytest.mark.standard("XML Encryption", "3", "signed first, then encrypted, with a fresh key")
def test_sign_then_encrypt(saml: SamlWorld) -> None:
    party = saml.party(encryption=True)
    first, second = (posted(party.redirect(saml.session)) for _ in range(2))
    values = [one.all("//*[local-name()='CipherValue']")[0].text for one in (first, second)]
    assert values[0] != values[1]
    opened = decrypted(first, party.sp.key)
    assert opened.find(f"{{{vocabulary.DS}}}Signature") is not None


@pytest.mark.standard(
    "SAML2Int", "SDP-IDP18", "attributes under their URI names, a value each element"
)
def test_attributes(saml: SamlWorld, party: Party) -> None:
    form = posted(party.redirect(saml.session))
    assert form.attributes["isMemberOf"] == ["staff", "users"]
    for one in form.all("//saml:Attribute"):
        assert one.get("NameFormat") == vocabulary.NAME_FORMAT_URI
        assert one.get("FriendlyName")


@pytest.mark.standard("IIP", "IDP01", "any name and name format by mapping")
def test_mapped_attributes(saml: SamlWorld, party: Party) -> None:
    ClaimMapping.objects.create(
        application=party.row.application,
        claim="email",
        key="email",
        to_saml=True,
        name_format=mapping.NAME_FORMAT_BASIC,
    )
    (one,) = posted(party.redirect(saml.session)).all("//saml:Attribute")
    assert (one.get("Name"), one.get("NameFormat")) == ("email", vocabulary.NAME_FORMAT_BASIC)


# ----- subject identifiers, and what metadata asks for -----

SUBJECT_IDENTIFIERS = "SAML Subject Identifiers"
ENTITY_ATTRIBUTES = (
    '<md:Extensions><mdattr:EntityAttributes xmlns:mdattr="{mdattr}" xmlns:saml="{saml}">'
    '<saml:Attribute Name="{name}" NameFormat="{format}">'
    "<saml:AttributeValue>{value}</saml:AttributeValue>"
    "</saml:Attribute></mdattr:EntityAttributes></md:Extensions>"
)


def with_entity_attribute(saml: SamlWorld, name: str, value: str, *, asked: str = "") -> Party:
    """A service provider whose metadata carries an entity attribute, and asks for attributes."""
    party = saml.party()
    extensions = ENTITY_ATTRIBUTES.format(
        mdattr=vocabulary.MDATTR,
        saml=vocabulary.SAML,
        name=name,
        format=vocabulary.NAME_FORMAT_URI,
        value=value,
    )
    role = service_provider.consumer(party.sp.acs_url) + asked
    registration.register_from_metadata(party.sp.metadata(inside=extensions, role=role))
    party.row.refresh_from_db()
    return party


@pytest.mark.standard(SUBJECT_IDENTIFIERS, "3.1", "subject-id:req in metadata decides which one")
@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("subject-id", ["subject-id"]),
        ("pairwise-id", ["pairwise-id"]),
        ("any", ["pairwise-id"]),
        ("none", []),
    ],
)
def test_subject_identifiers(saml: SamlWorld, asked: str, given: list[str]) -> None:
    requirement = "urn:oasis:names:tc:SAML:profiles:subject-id:req"
    party = with_entity_attribute(saml, requirement, asked)
    party.change(want_authn_requests_signed=False)
    form = posted(party.redirect(saml.session))
    names = [one for one in form.attributes if one in ("subject-id", "pairwise-id")]
    assert names == given


@pytest.mark.standard(SUBJECT_IDENTIFIERS, "2.3", "subject-id: unique, any case, the scope's own")
def test_subject_id(saml: SamlWorld, party: Party) -> None:
    party.change(subject_identifier="subject-id")
    form = posted(party.redirect(saml.session))
    (value,) = form.attributes["subject-id"]
    assert value == f"{saml.user.id.hex}@localhost"
    (one,) = form.all("//saml:Attribute[@FriendlyName='subject-id']")
    assert one.get("Name") == "urn:oasis:names:tc:SAML:attribute:subject-id"
    assert one.get("NameFormat") == vocabulary.NAME_FORMAT_URI


@pytest.mark.standard(SUBJECT_IDENTIFIERS, "2.4", "pairwise-id: another one at each relying party")
def test_pairwise_id(saml: SamlWorld) -> None:
    values = []
    for _ in range(2):
        party = saml.party(subject_identifier="pairwise-id")
        first, again = (posted(party.redirect(saml.session)).attributes for _ in range(2))
        assert first["pairwise-id"] == again["pairwise-id"]
        values += first["pairwise-id"]
    assert len(set(values)) == 2
    assert all(one.endswith("@localhost") and len(one) <= 255 for one in values)


@pytest.mark.standard("SAML2Int", "SDP-IDP13", "the scope of our identifiers is in our metadata")
def test_scope(saml: SamlWorld) -> None:
    metadata = etree.fromstring(saml.provider.get("/saml/metadata").body)
    (scope,) = metadata.iter(f"{{{vocabulary.SHIBMD}}}Scope")
    assert (scope.text, scope.get("regexp")) == ("localhost", "false")


@pytest.mark.standard("IIP", "IDP04", "release by entity attributes and RequestedAttribute")
def test_release_by_metadata(saml: SamlWorld) -> None:
    asked = (
        '<md:AttributeConsumingService index="0"><md:ServiceName xml:lang="en">s</md:ServiceName>'
        '<md:RequestedAttribute Name="urn:oid:0.9.2342.19200300.100.1.1"/>'
        "</md:AttributeConsumingService>"
    )
    scholarship = "http://refeds.org/category/research-and-scholarship"
    category = "http://macedir.org/entity-category"
    party = with_entity_attribute(saml, category, scholarship, asked=asked)
    party.change(want_authn_requests_signed=False)
    everything = posted(party.redirect(saml.session)).attributes
    party.change(attribute_release="requested")
    assert set(posted(party.redirect(saml.session)).attributes) == set(everything) - {"isMemberOf"}
    party.change(entity_attributes=[])
    assert posted(party.redirect(saml.session)).attributes == {"uid": ["alice"]}


@pytest.mark.standard(S, "4.1.5", "nothing is sent that was not asked for")
@pytest.mark.parametrize(
    "query", ["", "SAMLResponse=x", "entityID=x", "providerId=x", "spentityid=x"]
)
def test_unsolicited(saml: SamlWorld, query: str) -> None:
    answer = saml.provider.get("/saml/sso", query, cookies=cookie_of(saml.session))
    assert answer.status == 400
    assert b"SAMLResponse" not in answer.body


@pytest.mark.standard(S, "4.1.5", "unsolicited where it is switched on: no InResponseTo anywhere")
def test_started_here(saml: SamlWorld) -> None:
    party = saml.party(idp_initiated=True, relay_states=["https://app.example/home"])
    browser = Browser()
    browser.cookies.load(cookie_of(saml.session))
    form = posted(browser.open(f"/saml/launch/{party.row.slug}"))
    assert form.status == ("Success",)
    assert not form.all("//@InResponseTo")
    assert form.relay_state == "https://app.example/home"
    assert form.one("//saml:SubjectConfirmationData").get("Recipient") == party.sp.acs_url
    party.accept(form)


@pytest.mark.standard(S, "4.1.5", "RelayState from the application's own list alone")
def test_started_here_with_a_relay_state(saml: SamlWorld) -> None:
    party = saml.party(idp_initiated=True, relay_states=["first", "second"])
    browser = Browser()
    browser.cookies.load(cookie_of(saml.session))
    at = f"/saml/launch/{party.row.slug}?RelayState="
    assert posted(browser.open(f"{at}second")).relay_state == "second"
    for given in ("https://evil.example", "Second", "second%20", "first&RelayState=second"):
        assert b"SAMLResponse" not in browser.open(at + given).content


# ----- switched off, at every entry -----


def entries(saml: SamlWorld, party: Party) -> list[Any]:
    """Every way in: both bindings, passive, started here, and one that began before."""
    party.change(idp_initiated=True)
    launch = Browser()
    launch.cookies.load(cookie_of(saml.session))
    started = launch.get(f"/saml/launch/{party.row.slug}")
    return [
        Response(started.status_code, [], started.content),
        party.redirect(saml.session),
        party.redirect(saml.session, signed=True),
        party.post(saml.session, signed=True),
        party.redirect(saml.session, attributes='IsPassive="true"'),
        party.redirect(saml.session, attributes='ForceAuthn="true"'),
    ]


@pytest.mark.standard(S, "4.1.3", "a disabled application gets nothing, at any entry")
def test_disabled_application(saml: SamlWorld, party: Party) -> None:
    waiting = party.post(None, signed=True)
    party.change_application(enabled=False)
    for answer in entries(saml, party):
        assert answer.status == 400
        assert b"SAMLResponse" not in answer.body
    browser = Browser()
    browser.cookies.load(cookie_of(saml.session))
    page = browser.open(dict(waiting.headers)["Location"])
    assert b"SAMLResponse" not in page.content


@pytest.mark.standard(S, "4.1.3", "nothing is said about a disabled person, at any entry")
def test_disabled_person(saml: SamlWorld, party: Party) -> None:
    waiting = party.post(None, signed=True)
    people.disable(saml.user, now=timezone.now())
    for answer in entries(saml, party):
        assert b"alice" not in answer.body
        if answer.status == 200:
            assert posted(answer).status == ("Responder", "NoPassive")
        else:
            assert answer.status == 303
    browser = Browser()
    browser.cookies.load(cookie_of(saml.session))
    page = browser.open(dict(waiting.headers)["Location"])
    assert b"SAMLResponse" not in page.content


@pytest.mark.standard(S, "4.1.3", "who may not use the application gets no assertion, at any entry")
def test_access(saml: SamlWorld, party: Party) -> None:
    party.change_application(access=Application.Access.NOBODY)
    for answer in entries(saml, party):
        if answer.status == 200:
            assert posted(answer).status == ("Responder", "RequestDenied")
        else:
            assert answer.status == 303


# ----- §5 Artifact Resolution, §6 Assertion Query/Request -----


def by_artifact(saml: SamlWorld, party: Party) -> str:
    answer = party.redirect(
        saml.session,
        attributes=f'ProtocolBinding="{vocabulary.ARTIFACT}"',
        acs_url=f"{party.sp.acs_url}/artifact",
    )
    (art,) = parse_qs(urlsplit(header(answer, "Location")).query)["SAMLart"]
    return art


@pytest.mark.standard(S, "5.4.2", "ArtifactResponse: Issuer, InResponseTo, signed")
def test_artifact_response(saml: SamlWorld) -> None:
    party = saml.party(artifact=True)
    inside = f"<samlp:Artifact>{by_artifact(saml, party)}</samlp:Artifact>"
    answer = party.soap("/saml/artifact", "samlp:ArtifactResolve", inside, identifier="_a")
    content = xml.parse(answer.body)[0][0]
    assert content.get("InResponseTo") == "_a"
    assert content[0].text == entity_id()
    key = signature.verification_key(keys.saml_signing().certificate)
    signature.verify(content, keys=[key])


@pytest.mark.standard(S, "5.4.1", "an ArtifactResolve comes once, signed, from one that is known")
def test_artifact_resolve(saml: SamlWorld) -> None:
    party = saml.party(artifact=True)
    inside = f"<samlp:Artifact>{by_artifact(saml, party)}</samlp:Artifact>"
    message = party.message("/saml/artifact", "samlp:ArtifactResolve", inside)
    assert in_body(party.send_envelope("/saml/artifact", message)).get("InResponseTo")
    in_body(party.send_envelope("/saml/artifact", message), status=403)


def queried(party: Party, inside: str, **options: Any) -> Any:
    return in_body(party.soap("/saml/attributes", "samlp:AttributeQuery", inside, **options))


def about(name: Any) -> str:
    said = f'Format="{name.get("Format")}"'
    return f"<saml:Subject><saml:NameID {said}>{name.text}</saml:NameID></saml:Subject>"


@pytest.mark.standard(S, "6.4.1", "a query of whoever may ask, signed, about somebody known there")
def test_attribute_query(saml: SamlWorld, party: Party) -> None:
    form = posted(party.redirect(saml.session))
    wanted = about(form.name_id)
    codes = "samlp:Status//samlp:StatusCode/@Value"
    off = queried(party, wanted).xpath(codes, namespaces=NAMESPACES)
    assert off == [vocabulary.RESPONDER, vocabulary.REQUEST_DENIED]
    party.change(attribute_queries=True)
    answer = queried(party, wanted, identifier="_q")
    assert answer.get("InResponseTo") == "_q"
    names = answer.xpath(".//saml:Attribute/@FriendlyName", namespaces=NAMESPACES)
    assert set(names) == set(form.attributes)
    unsigned = party.soap("/saml/attributes", "samlp:AttributeQuery", wanted, signed=False)
    assert in_body(unsigned, status=403) is not None
    other = saml.party(attribute_queries=True)
    unknown = queried(other, wanted).xpath(codes, namespaces=NAMESPACES)
    assert unknown == [vocabulary.RESPONDER, vocabulary.UNKNOWN_PRINCIPAL]


@pytest.mark.standard("SAML Core", "3.3.2.3", "attributes that are named, with the values named")
def test_queried_attributes(saml: SamlWorld, party: Party) -> None:
    party.change(attribute_queries=True)
    wanted = about(posted(party.redirect(saml.session)).name_id)
    groups = (
        '<saml:Attribute Name="urn:oid:1.3.6.1.4.1.5923.1.5.1.1">'
        "<saml:AttributeValue>users</saml:AttributeValue></saml:Attribute>"
    )
    answer = queried(party, wanted + groups)
    values = answer.xpath(".//saml:AttributeValue/text()", namespaces=NAMESPACES)
    assert values == ["users"]


@pytest.mark.standard("SAML Core", "3.3.4", "the Subject of the answer is that of the query")
def test_queried_subject(saml: SamlWorld, party: Party) -> None:
    party.change(attribute_queries=True)
    name = posted(party.redirect(saml.session)).name_id
    (again,) = queried(party, about(name)).xpath(
        "saml:Assertion/saml:Subject/saml:NameID", namespaces=NAMESPACES
    )
    assert (again.text, again.get("Format")) == (name.text, name.get("Format"))
