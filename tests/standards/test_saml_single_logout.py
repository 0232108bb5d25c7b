"""SAML V2.0 single logout, as the identity provider: Core §3.7, Profiles §4.4, Bindings §3."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client as Browser
from lxml import etree

from federation.saml import vocabulary
from idp.accounts import session as sessions
from idp.models import LogoutNotification, Session
from tests.support.factories import ClientFactory
from tests.support.protocol import sign_in
from tests.support.saml import NAMESPACES, SamlWorld
from tests.support.single_logout import (
    POST,
    REDIRECT,
    RELAY_STATE,
    Leaver,
    instant,
    is_over,
    leaver,
    location_of,
    name_id,
    sent_by_post,
    sent_by_redirect,
    sent_by_soap,
    service,
)

CORE, PROFILES, BINDINGS = "SAML Core", "SAML Profiles", "SAML Bindings"
ASYNC = "SAML Asynchronous Single Logout"


@pytest.fixture
def sp(saml: SamlWorld) -> Leaver:
    return leaver(saml)


def of(saml: SamlWorld) -> Browser:
    browser = Browser()
    browser.cookies[settings.IDP.cookie("session")] = saml.session.token  # type: ignore[attr-defined]
    return browser


@pytest.mark.standard(PROFILES, "4.4.3.1", "a LogoutRequest by Redirect, POST or SOAP")
@pytest.mark.parametrize("binding", ["redirect", "post", "soap"])
def test_bindings(saml: SamlWorld, binding: str) -> None:
    services = {"redirect": REDIRECT, "post": POST, "soap": []}[binding]
    sp = leaver(saml, services)
    inside = sp.sign_on(saml.session).inside
    if binding == "soap":
        sent = sent_by_soap(sp.soap(inside))
    elif binding == "post":
        sent = sent_by_post(sp.post(saml.session, inside))
    else:
        sent = sent_by_redirect(sp.get(saml.session, inside))
    assert (sent.status, is_over(saml.session)) == (("Success",), True)


@pytest.mark.standard(PROFILES, "4.4.4.1", "a LogoutRequest must be signed")
def test_signed_requests(saml: SamlWorld, sp: Leaver) -> None:
    inside = sp.sign_on(saml.session).inside
    assert sp.get(saml.session, inside, signed=False).status == 400
    assert sp.post(saml.session, inside, signed=False).status == 400
    assert sp.soap(inside, signed=False).status == 403
    assert not is_over(saml.session)


@pytest.mark.standard(PROFILES, "4.4.4.2", "a LogoutResponse is signed and has Issuer and status")
def test_signed_answers(saml: SamlWorld, sp: Leaver) -> None:
    sent = sent_by_redirect(sp.get(saml.session, sp.sign_on(saml.session).inside))
    issuer = sent.root.xpath("string(saml:Issuer)", namespaces=NAMESPACES)
    assert issuer == settings.IDP.url("/saml/metadata")
    assert sent.status == ("Success",)


@pytest.mark.standard(CORE, "3.7.3", "sessions of the requester alone: never another's")
def test_only_its_own(saml: SamlWorld, sp: Leaver) -> None:
    theirs = leaver(saml).sign_on(saml.session)
    sp.sign_on(saml.session)
    sent = sent_by_redirect(sp.get(saml.session, theirs.inside))
    assert (sent.status, is_over(saml.session)) == (("Requester", "UnknownPrincipal"), False)


@pytest.mark.standard(CORE, "3.7.1", "without SessionIndex every session of the principal there")
def test_every_session(saml: SamlWorld, sp: Leaver) -> None:
    second = sign_in(saml.user)
    name = sp.sign_on(saml.session).name
    sp.sign_on(second)
    sp.get(saml.session, name_id(name))
    assert is_over(saml.session)
    assert is_over(second)


@pytest.mark.standard(CORE, "3.7.1", "NotOnOrAfter is honoured")
def test_not_on_or_after(saml: SamlWorld, sp: Leaver) -> None:
    inside = sp.sign_on(saml.session).inside
    answer = sp.get(saml.session, inside, attributes='NotOnOrAfter="2020-01-01T00:00:00Z"')
    assert (answer.status, is_over(saml.session)) == (400, False)


@pytest.mark.standard(CORE, "3.2.1", "IssueInstant and ID: recent, and once")
def test_recent_and_once(saml: SamlWorld, sp: Leaver) -> None:
    inside = sp.sign_on(saml.session).inside
    old = sp.get(saml.session, inside, issue_instant=instant(-timedelta(hours=1)))
    assert old.status == 400
    assert sp.get(saml.session, inside, identifier="_one").status == 303
    assert sp.get(None, inside, identifier="_one").status == 400


@pytest.mark.standard(BINDINGS, "3.4.5.2", "Destination is the address it came to")
def test_destination(saml: SamlWorld, sp: Leaver) -> None:
    inside = sp.sign_on(saml.session).inside
    answer = sp.get(saml.session, inside, destination=settings.IDP.url("/saml/slo/"))
    assert (answer.status, is_over(saml.session)) == (400, False)


@pytest.mark.standard(BINDINGS, "3.4.3", "RelayState is given back byte by byte")
@pytest.mark.parametrize("relay_state", [RELAY_STATE, "", "<b>&\"'", "x" * 2048])
def test_relay_state(saml: SamlWorld, relay_state: str) -> None:
    sp = leaver(saml, [*REDIRECT, *POST])
    second = sign_in(saml.user)
    one, two = sp.sign_on(saml.session), sp.sign_on(second)
    sent = sent_by_redirect(sp.get(saml.session, one.inside, relay_state=relay_state))
    assert sent.relay_state == relay_state
    sent = sent_by_post(sp.post(second, two.inside, relay_state=relay_state))
    assert sent.relay_state == relay_state


@pytest.mark.standard("SAML Metadata", "2.2.2", "answers go to the ResponseLocation")
def test_response_location(saml: SamlWorld) -> None:
    sp = leaver(saml, [service(vocabulary.REDIRECT, response_url="https://sp.example/done")])
    sent = sent_by_redirect(sp.get(saml.session, sp.sign_on(saml.session).inside))
    assert sent.url == "https://sp.example/done"


@pytest.mark.standard(CORE, "3.7.3.2", "the session ends here before anybody else is told")
@pytest.mark.standard(PROFILES, "4.4.3.3", "the other participants are told, of both protocols")
def test_propagation(saml: SamlWorld, sp: Leaver) -> None:
    client = ClientFactory(backchannel_logout_uri="https://web.example/out")
    sessions.participate(saml.session, client.application, instant(timedelta(0)))
    leaver(saml, [service(vocabulary.SOAP_BINDING)]).sign_on(saml.session)
    sp.get(saml.session, sp.sign_on(saml.session).inside)
    assert is_over(saml.session)
    waiting = LogoutNotification.objects.filter(state="waiting")
    assert set(waiting.values_list("channel", flat=True)) == {"backchannel", "saml-soap"}


@pytest.mark.standard(CORE, "3.7.3.2", "PartialLogout where not every participant was told")
def test_partial(saml: SamlWorld, sp: Leaver) -> None:
    leaver(saml, []).sign_on(saml.session)
    sent = sent_by_redirect(sp.get(saml.session, sp.sign_on(saml.session).inside))
    assert sent.status == ("Success", "PartialLogout")


@pytest.mark.standard(PROFILES, "4.4.4.1", "our LogoutRequest: signed, name and index as asserted")
def test_our_requests(saml: SamlWorld) -> None:
    sp = leaver(saml)
    signed_on = sp.sign_on(saml.session)
    browser = of(saml)
    tree = etree.HTML(browser.get(location_of(browser.post("/logout", {"logout": "1"}))).content)
    (address,) = tree.xpath('//a[@id="logout-continue"]/@href')
    sent = sent_by_redirect(browser.get(address))
    (name,) = sent.root.xpath("saml:NameID", namespaces=NAMESPACES)
    assert (name.text, dict(name.attrib)) == (signed_on.name.text, dict(signed_on.name.attrib))
    index = sent.root.xpath("string(samlp:SessionIndex)", namespaces=NAMESPACES)
    assert index == signed_on.index
    assert sent.root.get("NotOnOrAfter")
    assert len(sent.relay_state or "") <= 80


@pytest.mark.standard(ASYNC, "2.1", "nobody waits for an answer to an asynchronous request")
def test_asynchronous(saml: SamlWorld, sp: Leaver) -> None:
    extension = (
        f'<samlp:Extensions><aslo:Asynchronous xmlns:aslo="{vocabulary.ASLO}"/></samlp:Extensions>'
    )
    answer = sp.get(saml.session, extension + sp.sign_on(saml.session).inside)
    assert location_of(answer) == "/logout/done"
    assert is_over(saml.session)


@pytest.mark.standard(BINDINGS, "3.2.3.3", "what is no envelope is answered with a fault")
@pytest.mark.parametrize("body", [b"", b"{}", b"<a/>", b"<!DOCTYPE a><a/>"])
def test_faults(sp: Leaver, body: bytes) -> None:
    response = sp.send_soap(body)
    root: Any = etree.fromstring(response.body)
    assert response.status == 500
    assert root[-1][0].tag == vocabulary.name("soap:Fault")


@pytest.mark.standard(CORE, "3.7.3", "a disabled service provider ends nobody's session")
def test_disabled(saml: SamlWorld, sp: Leaver) -> None:
    inside = sp.sign_on(saml.session).inside
    sp.party.change_application(enabled=False)
    assert sp.get(saml.session, inside).status == 400
    assert sp.soap(inside).status == 403
    assert not Session.objects.filter(ended_at__isnull=False).exists()
