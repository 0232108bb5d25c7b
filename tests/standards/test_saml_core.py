"""SAML V2.0 Core: the AuthnRequest as it is understood, the Response as it is built."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from federation.models import PersistentNameId
from federation.saml import vocabulary, xml
from idp.models import Interaction
from tests.attacks.saml import authn_requests, service_provider
from tests.support.protocol import cookie_of, header, sign_in
from tests.support.saml import Party, SamlWorld, posted
from tests.support.sign_in import PASSWORD as SECRET
from tests.support.sign_in import Browser, quick_hashes  # noqa: F401 (a fixture)

S = "SAML Core"
PASSWORD = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
WRAPPING = ("XSW", "forged_around", "another_message_inside", "signature_inside")
WRAPPED = [one for one in authn_requests.ATTACKS if any(part in one.name for part in WRAPPING)]


def instant(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def policy(format_: str, **attributes: str) -> str:
    said = " ".join(f'{name}="{value}"' for name, value in attributes.items())
    return f'<samlp:NameIDPolicy Format="{format_}" {said}/>'


def context(*classes: str, comparison: str = "exact") -> str:
    outer, inner = "samlp:RequestedAuthnContext", "saml:AuthnContextClassRef"
    refs = "".join(f"<{inner}>{one}</{inner}>" for one in classes)
    return f'<{outer} Comparison="{comparison}">{refs}</{outer}>'


# ----- §3.2.1 requests -----


@pytest.mark.standard(S, "3.2.1", "Issuer has to be a registered service provider")
def test_issuer(saml: SamlWorld, party: Party) -> None:
    issuer = "<saml:Issuer>https://nobody.example</saml:Issuer>"
    assert party.redirect(saml.session, issuer=issuer).status == 400


@pytest.mark.standard(S, "3.2.1", "IssueInstant is at most the clock skew away")
@pytest.mark.parametrize("minutes", [-4, 4])
def test_issue_instant(saml: SamlWorld, party: Party, minutes: int) -> None:
    saml.provider.ahead = timedelta(minutes=minutes)
    assert party.redirect(saml.session).status == 400


@pytest.mark.standard(S, "3.2.1", "clocks that differ by less are served")
@pytest.mark.parametrize("minutes", [-2, 2])
def test_clock_skew(saml: SamlWorld, party: Party, minutes: int) -> None:
    party.sp = replace(party.sp, issue_instant=datetime.now(UTC) + timedelta(minutes=minutes))
    for signed in (True, False):
        assert posted(party.redirect(saml.session, signed=signed)).status == ("Success",)


@pytest.mark.standard(S, "3.2.1", "the ID of a signed request is accepted once")
def test_replay(saml: SamlWorld, party: Party) -> None:
    assert posted(party.redirect(saml.session, signed=True, identifier="_a")).status == ("Success",)
    assert party.redirect(saml.session, signed=True, identifier="_a").status == 400


@pytest.mark.standard(S, "2.5.1.2", "NotOnOrAfter in the request's Conditions is honoured")
def test_conditions(saml: SamlWorld, party: Party) -> None:
    ended = instant(datetime.now(UTC) - timedelta(minutes=4))
    inside = f'<saml:Conditions NotOnOrAfter="{ended}"/>'
    assert party.redirect(saml.session, inside=inside).status == 400


def test_wrapped_requests_are_in_the_corpus() -> None:
    assert len(WRAPPED) >= 5


@pytest.mark.standard(S, "5.4.2", "a wrapped request is refused")
@pytest.mark.parametrize("attack", WRAPPED, ids=lambda one: one.name)
def test_wrapping(saml: SamlWorld, party: Party, attack: Any) -> None:
    payload = authn_requests.payload(attack, party.sp)
    if attack.binding == authn_requests.REDIRECT:
        assert party.send_query(payload, saml.session).status == 400
    else:
        assert party.send_form(payload, saml.session).status == 400


@pytest.mark.standard(S, "5", "where signatures are demanded an unsigned request is refused")
def test_unsigned(saml: SamlWorld, party: Party) -> None:
    party.change(want_authn_requests_signed=True)
    assert party.redirect(saml.session).status == 400
    assert party.post(saml.session).status == 400


@pytest.mark.standard(S, "5", "a signature that is not good is refused, demanded or not")
def test_bad_signature(saml: SamlWorld, party: Party) -> None:
    foreign = service_provider.rsa_key("foreign")
    query = party.sp.redirect(party.request(), key=foreign)
    assert party.send_query(query, saml.session).status == 400
    signed = party.sp.signed(key=service_provider.xmlsec_key(foreign))
    assert party.send_form(party.sp.post(signed), saml.session).status == 400


# ----- §3.4.1 AuthnRequest -----


@pytest.mark.standard(S, "3.4.1", "the answer goes to a registered address only, else a page here")
@pytest.mark.parametrize("acs_url", ["https://evil.example/acs", "https://sp.example/acs.evil"])
def test_consumer(saml: SamlWorld, party: Party, acs_url: str) -> None:
    answer = party.redirect(saml.session, acs_url=acs_url)
    assert answer.status == 400
    assert b"SAMLResponse" not in answer.body


@pytest.mark.standard(S, "3.4.1", "by index, and by the default without one")
def test_consumer_index(saml: SamlWorld, party: Party) -> None:
    other = {"url": "https://two.example/acs", "binding": vocabulary.POST, "index": 2}
    party.change(assertion_consumer_services=[*party.row.assertion_consumer_services, other])
    named = f'AssertionConsumerServiceURL="{party.sp.acs_url}"'
    for said, expected in (
        ('AssertionConsumerServiceIndex="2"', "https://two.example/acs"),
        ("", party.sp.acs_url),
    ):
        query = party.sp.redirect(party.request().replace(named, said), signed=False)
        assert posted(party.send_query(query, saml.session)).action == expected


@pytest.mark.standard(S, "3.4.1", "URL and index exclude each other")
def test_consumer_exclusive(saml: SamlWorld, party: Party) -> None:
    both = 'AssertionConsumerServiceIndex="0"'
    assert party.redirect(saml.session, attributes=both).status == 400


@pytest.mark.standard(S, "3.4.1", "ProtocolBinding is POST, or the request gets a page here")
def test_protocol_binding(saml: SamlWorld, party: Party) -> None:
    binding = 'ProtocolBinding="%s"'
    named = f'AssertionConsumerServiceURL="{party.sp.acs_url}"'
    found = posted(party.redirect(saml.session, attributes=binding % vocabulary.POST))
    assert found.action == party.sp.acs_url
    for other in ("HTTP-Artifact", "HTTP-Redirect", "SOAP", "PAOS"):
        said = binding % f"urn:oasis:names:tc:SAML:2.0:bindings:{other}"
        for text in (named, ""):
            request = party.request(attributes=said).replace(named, text)
            answer = party.send_query(party.sp.redirect(request, signed=False), saml.session)
            assert answer.status == 400
            assert b"SAMLResponse" not in answer.body


@pytest.mark.standard(S, "3.4.1", "an index that is not registered gets a page here")
def test_unknown_index(saml: SamlWorld, party: Party) -> None:
    named = f'AssertionConsumerServiceURL="{party.sp.acs_url}"'
    text = party.request().replace(named, 'AssertionConsumerServiceIndex="7"')
    answer = party.send_query(party.sp.redirect(text, signed=False), saml.session)
    assert answer.status == 400
    assert b"SAMLResponse" not in answer.body


@pytest.mark.standard(S, "3.4.1", "ForceAuthn: a new proof, and AuthnInstant is its time")
def test_new_proof(saml: SamlWorld, party: Party, quick_hashes: None) -> None:  # noqa: F811 (fixture)
    earlier = datetime.now(UTC) - timedelta(hours=2)
    saml.user.set_password(SECRET)
    saml.user.save()
    browser = Browser()
    browser.cookies.load(cookie_of(sign_in(saml.user, authenticated_at=earlier)))

    def begin(**options: Any) -> Any:
        query = party.sp.redirect(party.request(**options), signed=False)
        return browser.open(f"/saml/sso?{query.decode()}")

    silent = posted(begin()).one("//saml:AuthnStatement").get("AuthnInstant")
    assert silent == instant(earlier)
    page = begin(attributes='ForceAuthn="true"')
    wrong = browser.submit(page, password="not the password")
    assert b"SAMLResponse" not in wrong.content
    form = posted(browser.submit(wrong, password=SECRET))
    proven = form.one("//saml:AuthnStatement").get("AuthnInstant")
    assert proven >= instant(datetime.now(UTC) - timedelta(minutes=1))


@pytest.mark.standard(S, "3.4.1", "ForceAuthn: a live session is not enough")
def test_force_authn(saml: SamlWorld, party: Party) -> None:
    answer = party.redirect(saml.session, attributes='ForceAuthn="true"')
    assert answer.status == 303
    assert Interaction.objects.get().requirement["force"] is True


@pytest.mark.standard(S, "3.4.1", "IsPassive: no page, else NoPassive")
def test_is_passive(saml: SamlWorld, party: Party) -> None:
    passive = 'IsPassive="true"'
    assert posted(party.redirect(saml.session, attributes=passive)).status == ("Success",)
    form = posted(party.redirect(None, attributes=passive))
    assert form.status == ("Responder", "NoPassive")


@pytest.mark.standard(S, "3.4.1", "ForceAuthn with IsPassive: NoPassive")
def test_force_and_passive(saml: SamlWorld, party: Party) -> None:
    both = 'IsPassive="true" ForceAuthn="true"'
    form = posted(party.redirect(saml.session, attributes=both))
    assert form.status == ("Responder", "NoPassive")


@pytest.mark.standard(
    S, "3.4.1", "a Subject that is not the person who signed in: UnknownPrincipal"
)
def test_subject(saml: SamlWorld, party: Party) -> None:
    inside = "<saml:Subject><saml:NameID>somebody else</saml:NameID></saml:Subject>"
    form = posted(party.redirect(saml.session, inside=inside))
    assert form.status == ("Responder", "UnknownPrincipal")


# ----- §3.3.2.2.1 RequestedAuthnContext -----


@pytest.mark.standard(S, "3.3.2.2.1", "exact: the class that was asked for is stated")
@pytest.mark.parametrize("asked", [(PASSWORD,), ("https://refeds.org/profile/mfa", PASSWORD)])
def test_exact(saml: SamlWorld, party: Party, asked: tuple[str, ...]) -> None:
    form = posted(party.redirect(saml.session, inside=context(*asked)))
    assert form.one("//saml:AuthnContextClassRef").text == PASSWORD


@pytest.mark.standard(S, "3.3.2.2.1", "not to be met: NoAuthnContext")
@pytest.mark.parametrize(
    "asked",
    ["https://refeds.org/profile/mfa", "urn:oasis:names:tc:SAML:2.0:ac:classes:X509", "urn:x"],
)
def test_no_authn_context(saml: SamlWorld, party: Party, asked: str) -> None:
    for session in (saml.session, None):
        form = posted(party.redirect(session, inside=context(asked)))
        assert form.status == ("Responder", "NoAuthnContext")


@pytest.mark.standard(S, "3.3.2.2.1", "minimum and maximum on the ladder, better cannot be met")
def test_comparisons(saml: SamlWorld, party: Party) -> None:
    for comparison, status in (
        ("minimum", ("Success",)),
        ("maximum", ("Success",)),
        ("better", ("Responder", "NoAuthnContext")),
    ):
        inside = context(PASSWORD, comparison=comparison)
        assert posted(party.redirect(saml.session, inside=inside)).status == status


# ----- §3.4.1.1 NameIDPolicy, §8.3 formats -----


@pytest.mark.standard(S, "3.4.1.1", "the requested format, or InvalidNameIDPolicy")
@pytest.mark.parametrize(
    "format_", [vocabulary.PERSISTENT, vocabulary.TRANSIENT, vocabulary.EMAIL_ADDRESS]
)
def test_formats(saml: SamlWorld, party: Party, format_: str) -> None:
    form = posted(party.redirect(saml.session, inside=policy(format_)))
    assert form.name_id.get("Format") == format_


@pytest.mark.standard(S, "3.4.1.1", "a format that is not given here: InvalidNameIDPolicy")
@pytest.mark.parametrize("format_", [vocabulary.ENTITY, vocabulary.ENCRYPTED, "urn:example:x"])
def test_other_formats(saml: SamlWorld, party: Party, format_: str) -> None:
    form = posted(party.redirect(saml.session, inside=policy(format_)))
    assert form.status == ("Requester", "InvalidNameIDPolicy")


@pytest.mark.standard(S, "3.4.1.1", "another's namespace: InvalidNameIDPolicy")
def test_sp_name_qualifier(saml: SamlWorld, party: Party) -> None:
    inside = policy(vocabulary.PERSISTENT, SPNameQualifier="https://other.example")
    form = posted(party.redirect(saml.session, inside=inside))
    assert form.status == ("Requester", "InvalidNameIDPolicy")


@pytest.mark.standard(S, "3.4.1.1", "AllowCreate false: an error, and no identifier is made")
def test_allow_create(saml: SamlWorld, party: Party) -> None:
    forbidden = policy(vocabulary.PERSISTENT, AllowCreate="false")
    refused = posted(party.redirect(saml.session, inside=forbidden))
    assert refused.status == ("Requester", "InvalidNameIDPolicy")
    assert not PersistentNameId.objects.exists()
    name = posted(party.redirect(saml.session)).name_id.text
    assert posted(party.redirect(saml.session, inside=forbidden)).name_id.text == name


@pytest.mark.standard(S, "3.4.1.1", "SPNameQualifier: the affiliation that it belongs to")
def test_affiliation(saml: SamlWorld) -> None:
    affiliation = "https://affiliation.example"
    inside = policy(vocabulary.PERSISTENT, SPNameQualifier=affiliation)
    parties = [saml.party(name_qualifier=affiliation) for _ in range(2)]
    names = [posted(party.redirect(saml.session, inside=inside)).name_id for party in parties]
    assert len({name.text for name in names}) == 1
    assert {name.get("SPNameQualifier") for name in names} == {affiliation}


@pytest.mark.standard(S, "3.4.1.2", "an IDPList without us: NoSupportedIDP; ProxyCount 0 is met")
def test_scoping(saml: SamlWorld, party: Party) -> None:
    scoping = "<samlp:Scoping{}>{}</samlp:Scoping>"
    listed = '<samlp:IDPList><samlp:IDPEntry ProviderID="https://other.example"/></samlp:IDPList>'
    other = posted(party.redirect(saml.session, inside=scoping.format("", listed)))
    assert other.status == ("Responder", "NoSupportedIDP")
    alone = scoping.format(' ProxyCount="0"', "")
    assert posted(party.redirect(saml.session, inside=alone)).status == ("Success",)


@pytest.mark.standard(S, "2.4", "a Subject without NameID, where the application wants none")
def test_without_name_id(saml: SamlWorld, party: Party) -> None:
    party.change(default_name_id_format="none")
    form = posted(party.redirect(saml.session))
    assert form.status == ("Success",)
    assert not form.all("//saml:NameID")


@pytest.mark.standard(S, "8.3.7", "persistent: opaque, one per service provider, at most 256")
def test_persistent(saml: SamlWorld, party: Party) -> None:
    name = posted(party.redirect(saml.session)).name_id.text
    assert posted(party.redirect(saml.session)).name_id.text == name
    assert posted(saml.party().redirect(saml.session)).name_id.text != name
    assert len(name) <= 256
    assert name == name.lower()


@pytest.mark.standard(S, "8.3.7", "persistent: random, in one case, and never given to another")
def test_persistent_is_never_given_again(saml: SamlWorld, party: Party) -> None:
    first = posted(party.redirect(saml.session)).name_id
    assert re.fullmatch(r"[0-9a-f]{40}", first.text)
    assert first.get("SPNameQualifier") == party.sp.entity_id
    name, address = saml.user.username, saml.user.email
    saml.user.delete()
    _, session = saml.other(username=name, email=address)
    assert posted(party.redirect(session)).name_id.text != first.text
    assert PersistentNameId.objects.get(pk=first.text).user is None
    with pytest.raises(IntegrityError), transaction.atomic():
        PersistentNameId.objects.create(value=first.text, service_provider="another")


@pytest.mark.standard(S, "8.3.7", "persistent: two letters that differ in case are no one's")
def test_case_counts(saml: SamlWorld, party: Party) -> None:
    name = posted(party.redirect(saml.session)).name_id.text
    inside = (
        f'<saml:Subject><saml:NameID Format="{vocabulary.PERSISTENT}">%s</saml:NameID>'
        "</saml:Subject>"
    )
    assert posted(party.redirect(saml.session, inside=inside % name)).status == ("Success",)
    wrong = posted(party.redirect(saml.session, inside=inside % name.upper()))
    assert wrong.status == ("Responder", "UnknownPrincipal")


@pytest.mark.standard(S, "3.4.1.1", "unspecified, or no policy: the application's default")
@pytest.mark.parametrize("inside", ["", policy(vocabulary.UNSPECIFIED)])
def test_default_format(saml: SamlWorld, party: Party, inside: str) -> None:
    for default in (vocabulary.PERSISTENT, vocabulary.EMAIL_ADDRESS, vocabulary.TRANSIENT):
        party.change(default_name_id_format=default)
        assert posted(party.redirect(saml.session, inside=inside)).name_id.get("Format") == default


@pytest.mark.standard(S, "8.3.8", "transient: another one each time")
def test_transient(saml: SamlWorld, party: Party) -> None:
    names = {
        posted(party.redirect(saml.session, inside=policy(vocabulary.TRANSIENT))).name_id.text
        for _ in range(3)
    }
    assert len(names) == 3


@pytest.mark.standard(S, "8.3.2", "emailAddress: a verified one only")
def test_email_address(saml: SamlWorld, party: Party) -> None:
    inside = policy(vocabulary.EMAIL_ADDRESS)
    assert posted(party.redirect(saml.session, inside=inside)).name_id.text == "alice@example.org"
    _, session = saml.other(email_verified=False)
    form = posted(party.redirect(session, inside=inside))
    assert form.status == ("Requester", "InvalidNameIDPolicy")


@pytest.mark.standard(S, "8.3.1", "unspecified: the application's own choice")
def test_unspecified(saml: SamlWorld, party: Party) -> None:
    party.change(default_name_id_format=vocabulary.UNSPECIFIED, name_id_source="username")
    form = posted(party.redirect(saml.session, inside=policy(vocabulary.UNSPECIFIED)))
    assert form.name_id.text == "alice"


# ----- §3.2.2 Response -----


@pytest.mark.standard(S, "3.2.2", "ID, InResponseTo, Destination, Issuer, Status")
def test_response(saml: SamlWorld, party: Party) -> None:
    form = posted(party.redirect(saml.session, identifier="_id"))
    root = form.root
    assert re.fullmatch(r"_[0-9a-f]{40}", root.get("ID"))
    assert root.get("InResponseTo") == "_id"
    assert root.get("Destination") == party.sp.acs_url
    assert root.get("Version") == "2.0"
    assert form.one("/samlp:Response/saml:Issuer").text == "http://localhost:8000/saml/metadata"
    assert form.status == ("Success",)


@pytest.mark.standard(S, "1.3.4", "IDs are never used twice")
def test_ids(saml: SamlWorld, party: Party) -> None:
    found = [posted(party.redirect(saml.session)) for _ in range(5)]
    ids = [one.root.get("ID") for one in found] + [one.assertion.get("ID") for one in found]
    assert len(set(ids)) == 10


@pytest.mark.standard(S, "3.2.2.2", "errors: nested status codes, signed, to the proven address")
def test_error_response(saml: SamlWorld, party: Party) -> None:
    form = posted(party.redirect(None, attributes='IsPassive="true"', identifier="_id"))
    assert form.action == party.sp.acs_url
    assert form.root.get("InResponseTo") == "_id"
    assert form.all("/samlp:Response/ds:Signature")
    assert not form.all("//saml:Assertion")
    xml.validate(xml.parse(form.xml), schema="protocol")


@pytest.mark.standard(S, "3.2.2.2", "cancelled: AuthnFailed; without access: RequestDenied")
def test_given_up(saml: SamlWorld, party: Party) -> None:
    browser = Browser()
    query = party.sp.redirect(party.request(identifier="_id"), signed=False, relay_state="back")
    page = browser.open(f"/saml/sso?{query.decode()}")
    cancelled = posted(browser.submit(page, cancel="1"))
    party.change_application(access="nobody")
    browser.cookies.load(cookie_of(saml.session))
    query = party.sp.redirect(party.request(identifier="_id"), signed=False, relay_state="back")
    denied = posted(browser.submit(browser.open(f"/saml/sso?{query.decode()}"), cancel="1"))
    for form, status in ((cancelled, "AuthnFailed"), (denied, "RequestDenied")):
        assert form.status == ("Responder", status)
        assert (form.action, form.relay_state) == (party.sp.acs_url, "back")
        assert form.root.get("InResponseTo") == "_id"
        assert form.root.get("Destination") == party.sp.acs_url
        assert form.all("/samlp:Response/ds:Signature")
        assert not form.all("//saml:Assertion")


@pytest.mark.standard(S, "1.1", "what is sent is valid by the schema, without a DTD")
@pytest.mark.parametrize("encryption", [False, True])
def test_schema(saml: SamlWorld, encryption: bool) -> None:
    party = saml.party(encryption=encryption)
    form = posted(party.redirect(saml.session))
    xml.validate(xml.parse(form.xml), schema="protocol")
    assert b"DOCTYPE" not in form.xml


@pytest.mark.standard(S, "1.3.1", "a request with a DTD is refused")
def test_dtd(saml: SamlWorld, party: Party) -> None:
    text = "<!DOCTYPE samlp:AuthnRequest>" + party.request()
    assert party.send_query(party.sp.redirect(text), saml.session).status == 400


@pytest.mark.standard("SAML2Int", "SDP-G03", "strings of 256 characters")
def test_long_strings(saml: SamlWorld, party: Party) -> None:
    long = "_" + "a" * 255
    form = posted(
        party.redirect(saml.session, identifier=long, attributes=f'ProviderName="{"x" * 256}"')
    )
    assert form.root.get("InResponseTo") == long


# ----- §2.7.2 AuthnStatement -----


@pytest.mark.standard(S, "2.7.2", "AuthnInstant is when the person really proved who they are")
def test_authn_instant(saml: SamlWorld, party: Party) -> None:
    statement = posted(party.redirect(saml.session)).one("//saml:AuthnStatement")
    assert statement.get("AuthnInstant") == instant(saml.session.authenticated_at)


@pytest.mark.standard(S, "2.7.2", "SessionIndex: per service provider, of no meaning to another")
def test_session_index(saml: SamlWorld, party: Party) -> None:
    indexes = {
        posted(one.redirect(saml.session)).one("//saml:AuthnStatement").get("SessionIndex")
        for one in (party, saml.party())
    }
    assert len(indexes) == 2
    assert saml.session.pk.hex not in indexes


@pytest.mark.standard(S, "2.7.2", "SessionNotOnOrAfter is the end of the session here")
def test_session_end(saml: SamlWorld, party: Party) -> None:
    statement = posted(party.redirect(saml.session)).one("//saml:AuthnStatement")
    assert statement.get("SessionNotOnOrAfter") == instant(saml.session.expires_at)


@pytest.mark.standard(S, "3.4.1", "a page is only led to on our own host")
def test_way_to_a_page(saml: SamlWorld, party: Party) -> None:
    location = header(party.redirect(None, relay_state="https://evil.example"), "Location")
    assert re.fullmatch(r"/interaction/[A-Za-z0-9_-]{43}", location)
