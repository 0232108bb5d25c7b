"""People are led past service providers that only listen in a browser, and back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client as Browser
from django.utils import timezone
from lxml import etree

from federation.saml import vocabulary
from idp.accounts import session as sessions
from idp.accounts.logout_channels import frontchannel, journey
from idp.models import AuditEvent, Interaction, LogoutNotification, Session
from tests.support.factories import ClientFactory
from tests.support.protocol import FORM
from tests.support.saml import NAMESPACES, SamlWorld
from tests.support.single_logout import (
    POST,
    RELAY_STATE,
    Leaver,
    Sent,
    is_over,
    leaver,
    location_of,
    parameters,
    sent_by_post,
    sent_by_redirect,
    service,
    states,
)

SLO = "/saml/slo"


@pytest.fixture
def browser(saml: SamlWorld) -> Browser:
    """Alice's, signed in."""
    return signed_in(saml.session)


def signed_in(session: Session) -> Browser:
    browser = Browser()
    browser.cookies[settings.IDP.cookie("session")] = session.token  # type: ignore[attr-defined]
    return browser


def named(saml: SamlWorld, name: str, services: Any = None) -> Leaver:
    sp = leaver(saml, services)
    sp.party.change_application(name=name)
    return sp


def sign_out(browser: Browser) -> str:
    """The person's own wish; where it leads."""
    return location_of(browser.post("/logout", {"logout": "1"}))


def page(browser: Browser, location: str) -> Any:
    """A page as a tree."""
    response = browser.get(location)
    assert response.status_code == 200, (response.status_code, response.headers)
    return etree.HTML(response.content.decode())


def labels(tree: Any) -> dict[str, str]:
    """What the page says of each application."""
    rows = tree.xpath('//ul[@class="rows"]/li')
    return {row.text: (row.xpath("string(span)") or "") for row in rows}


def button(tree: Any, name: str = "logout-continue") -> str:
    (link,) = tree.xpath(f'//a[@id="{name}"]/@href')
    return link


def leave(browser: Browser, location: str) -> Sent:
    """Press the page's button; what the service provider gets."""
    return sent_by_redirect(browser.get(button(page(browser, location))))


def bring_back(browser: Browser, query: str) -> str:
    """Come back from the service provider; where that leads."""
    return location_of(browser.get(f"{SLO}?{query}"))


def test_the_person_goes_past_each_and_ends_at_home(saml: SamlWorld, browser: Browser) -> None:
    one, two = named(saml, "One"), named(saml, "Two")
    two.sign_on(saml.session)
    signed_on = one.sign_on(saml.session)
    where = sign_out(browser)
    assert is_over(saml.session)
    tree = page(browser, where)
    assert labels(tree) == {"One": "next", "Two": "to be told"}
    request = leave(browser, where)
    assert request.url == "https://sp.example/slo"
    (name,) = request.root.xpath("saml:NameID", namespaces=NAMESPACES)
    assert (name.text, dict(name.attrib)) == (signed_on.name.text, dict(signed_on.name.attrib))
    assert request.root.xpath("string(samlp:SessionIndex)", namespaces=NAMESPACES) == (
        signed_on.index
    )
    assert request.root.get("NotOnOrAfter")
    assert len(request.relay_state or "") <= 80
    back = bring_back(browser, one.answer_query(request.root, relay_state=request.relay_state))
    assert labels(page(browser, back)) == {"One": "signed out", "Two": "next"}
    request = leave(browser, back)
    back = bring_back(browser, two.answer_query(request.root, relay_state=request.relay_state))
    assert location_of(browser.get(back)) == "/logout/done"
    assert states(saml.session) == {"One": "acknowledged", "Two": "acknowledged"}
    assert AuditEvent.objects.filter(action="logout.notified").count() == 2
    done = browser.get("/logout/done").content.decode()
    assert done.count("signed out") >= 2


def test_by_post_both_ways(saml: SamlWorld, browser: Browser) -> None:
    sp = named(saml, "One", POST)
    sp.sign_on(saml.session)
    tree = page(browser, sign_out(browser))
    request = sent_by_post(browser.get(button(tree)), "SAMLRequest")
    body = sp.answer_form(request.root, relay_state=request.relay_state)
    # A browser keeps our cookies from another site's form.
    stranger = Browser().post(SLO, body, content_type=FORM)
    assert location_of(stranger).startswith("/saml/slo?ticket=")
    back = location_of(browser.get(location_of(stranger)))
    assert location_of(browser.get(back)) == "/logout/done"
    assert states(saml.session) == {"One": "acknowledged"}


def test_an_application_asks_and_the_others_are_told_before_it_hears(
    saml: SamlWorld, browser: Browser
) -> None:
    asking, other = named(saml, "Asking"), named(saml, "Other")
    inside = asking.sign_on(saml.session).inside
    other.sign_on(saml.session)
    where = location_of(browser.get(f"{SLO}?{asking.query(inside, identifier='_asked')}"))
    assert is_over(saml.session)
    assert labels(page(browser, where)) == {"Other": "next"}
    request = leave(browser, where)
    back = bring_back(browser, other.answer_query(request.root, relay_state=request.relay_state))
    reply = location_of(browser.get(back))
    sent = sent_by_redirect(browser.get(reply))
    assert (sent.status, sent.relay_state) == (("Success",), RELAY_STATE)
    assert sent.root.get("InResponseTo") == "_asked"


def test_who_skips_the_others_is_told_the_truth_about(saml: SamlWorld, browser: Browser) -> None:
    asking, other = named(saml, "Asking"), named(saml, "Other")
    inside = asking.sign_on(saml.session).inside
    other.sign_on(saml.session)
    tree = page(browser, location_of(browser.get(f"{SLO}?{asking.query(inside)}")))
    sent = sent_by_redirect(browser.get(button(tree, "logout-skip")))
    assert sent.status == ("Success", "PartialLogout")
    assert states(saml.session) == {"Asking": "acknowledged", "Other": "browser_only"}


def pause(tree: Any) -> int:
    """How long the page can be read before it leaves by itself, in milliseconds."""
    (said,) = tree.xpath('//a[@id="logout-continue"]/@data-goes-on')
    return int(said)


def test_who_does_not_lead_back_is_left_behind(saml: SamlWorld, browser: Browser) -> None:
    """The Back button leads to the page, which goes on without asking there again."""
    one, two = named(saml, "One"), named(saml, "Two")
    two.sign_on(saml.session)
    one.sign_on(saml.session)
    where = sign_out(browser)
    assert pause(page(browser, where)) == 1_500
    leave(browser, where)
    tree = page(browser, where)
    assert labels(tree) == {"One": "has not answered", "Two": "next"}
    assert pause(tree) == 0
    request = sent_by_redirect(browser.get(button(tree)))
    back = bring_back(browser, two.answer_query(request.root, relay_state=request.relay_state))
    tree = page(browser, back)
    assert "Not every application has confirmed it" in etree.tostring(tree).decode()
    # Nothing hurries past that.
    assert not tree.xpath('//a[@id="logout-continue"]/@data-goes-on')
    assert button(tree) == "/logout/done"
    assert states(saml.session) == {"One": "unanswered", "Two": "acknowledged"}


def test_who_is_stuck_goes_on_from_the_signed_out_page(saml: SamlWorld, browser: Browser) -> None:
    one, two = named(saml, "One"), named(saml, "Two")
    two.sign_on(saml.session)
    one.sign_on(saml.session)
    leave(browser, sign_out(browser))
    rest = button(page(browser, "/logout/done"), "logout-rest")
    request = leave(browser, rest)
    back = bring_back(browser, two.answer_query(request.root, relay_state=request.relay_state))
    assert button(page(browser, back)) == "/logout/done"
    assert not page(browser, "/logout/done").xpath('//a[@id="logout-rest"]')
    assert states(saml.session) == {"One": "unanswered", "Two": "acknowledged"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"signed": False}, "unsigned"),
        ({"InResponseTo": "_other"}, "in_response_to"),
        ({"InResponseTo": None}, "in_response_to"),
        ({"issuer": "https://stranger.example"}, "unknown_issuer"),
        ({"Destination": "https://idp.example/saml/sso"}, "destination"),
        ({"Destination": None}, "destination"),
        ({"IssueInstant": "2020-01-01T00:00:00Z"}, "issue_instant"),
        ({"status": ("Responder",)}, "it answers Responder"),
        ({"status": ("Requester", "UnknownPrincipal")}, "UnknownPrincipal"),
        ({"Version": "1.1"}, "version"),
    ],
)
def test_an_answer_that_does_not_count(
    saml: SamlWorld, browser: Browser, changes: Mapping[str, Any], words: str
) -> None:
    sp = named(saml, "One")
    sp.sign_on(saml.session)
    request = leave(browser, sign_out(browser))
    query = sp.answer_query(request.root, relay_state=request.relay_state, **changes)
    tree = page(browser, bring_back(browser, query))
    assert labels(tree) == {"One": "could not sign you out there"}
    notice = LogoutNotification.objects.get()
    assert (notice.state, words in notice.error) == ("failed", True)
    assert AuditEvent.objects.filter(action="logout.failed").count() == 1


def test_another_service_provider_cannot_answer(saml: SamlWorld, browser: Browser) -> None:
    sp, other = named(saml, "One"), leaver(saml)
    sp.sign_on(saml.session)
    request = leave(browser, sign_out(browser))
    bring_back(browser, other.answer_query(request.root, relay_state=request.relay_state))
    assert LogoutNotification.objects.get().state == "failed"


def answered(saml: SamlWorld, browser: Browser) -> str:
    """A service provider's answer, not brought back yet."""
    sp = named(saml, "One")
    sp.sign_on(saml.session)
    request = leave(browser, sign_out(browser))
    return sp.answer_query(request.root, relay_state=request.relay_state)


def refused(browser: Browser, query: str) -> str:
    response = browser.get(f"{SLO}?{query}")
    assert response.status_code == 400
    return response.content.decode().partition('id="error-code">')[2].partition("<")[0]


def test_an_answer_in_another_browser_is_none(saml: SamlWorld, browser: Browser) -> None:
    query = answered(saml, browser)
    assert refused(Browser(), query) == "unexpected_response"
    _, session = saml.other()
    assert refused(signed_in(session), query) == "unexpected_response"
    assert LogoutNotification.objects.get().state == "shown"
    assert bring_back(browser, query).startswith("/logout/applications")


def test_an_answer_counts_once(saml: SamlWorld, browser: Browser) -> None:
    query = answered(saml, browser)
    bring_back(browser, query)
    assert refused(browser, query) == "unexpected_response"
    assert AuditEvent.objects.filter(action="logout.notified").count() == 1


@pytest.mark.parametrize("relay_state", [None, "", "x", "A" * 43, "/logout/done"])
def test_without_the_handle(saml: SamlWorld, browser: Browser, relay_state: str | None) -> None:
    sp = named(saml, "One")
    sp.sign_on(saml.session)
    request = leave(browser, sign_out(browser))
    query = sp.answer_query(request.root, relay_state=relay_state)
    assert refused(browser, query) == "unexpected_response"


def test_an_interaction_of_another_kind_is_no_handle(saml: SamlWorld, browser: Browser) -> None:
    sp = named(saml, "One")
    sp.sign_on(saml.session)
    request = leave(browser, sign_out(browser))
    Interaction.objects.update(kind="logout")
    query = sp.answer_query(request.root, relay_state=request.relay_state)
    assert refused(browser, query) == "unexpected_response"


def test_a_post_of_nobody_is_refused_at_once(saml: SamlWorld, browser: Browser) -> None:
    sp = named(saml, "One", POST)
    sp.sign_on(saml.session)
    tree = page(browser, sign_out(browser))
    request = sent_by_post(browser.get(button(tree)), "SAMLRequest")
    body = sp.answer_form(request.root, relay_state=request.relay_state, signed=False)
    assert Browser().post(SLO, body, content_type=FORM).status_code == 400


def test_each_is_gone_to_once(saml: SamlWorld, browser: Browser) -> None:
    sp = named(saml, "One")
    sp.sign_on(saml.session)
    address = button(page(browser, sign_out(browser)))
    assert parameters(location_of(browser.get(address)))["SAMLRequest"]
    assert location_of(browser.get(address)).startswith("/logout/applications?ticket=")
    assert LogoutNotification.objects.count() == 1


@pytest.mark.parametrize("to", ["", "x", "0" * 32])
def test_going_to_nobody(saml: SamlWorld, browser: Browser, to: str) -> None:
    named(saml, "One").sign_on(saml.session)
    ticket = parameters(sign_out(browser))["ticket"]
    answer = browser.get("/logout/applications/leave", {"ticket": ticket, "to": to})
    assert location_of(answer).startswith("/logout/applications?ticket=")
    assert not LogoutNotification.objects.exists()


def test_going_without_a_ticket(browser: Browser) -> None:
    assert location_of(browser.get("/logout/applications/leave?ticket=x")) == "/logout/done"


def test_nothing_before_the_end(saml: SamlWorld, browser: Browser) -> None:
    named(saml, "One").sign_on(saml.session)
    assert journey.stops(saml.session.pk) == []
    ticket = frontchannel.address(saml.session.pk, redirect_to="", now=timezone.now())
    assert location_of(browser.get(ticket)) == "/logout/done"


def test_an_address_that_is_gone_meanwhile(saml: SamlWorld, browser: Browser) -> None:
    sp = named(saml, "One")
    sp.sign_on(saml.session)
    address = button(page(browser, sign_out(browser)))
    # Still listening as far as this process knows, no address as the registration says.
    sp.party.row.single_logout_services = []
    type(sp.party.row).objects.filter(pk=sp.party.row.pk).update(single_logout_services=[])
    assert location_of(browser.get(address)).startswith("/logout/applications?ticket=")
    assert LogoutNotification.objects.get().state == "failed"


def test_frames_and_stops_on_one_page(saml: SamlWorld, browser: Browser) -> None:
    client = ClientFactory(
        frontchannel_logout_uri="https://web.example/front", application__name="Web"
    )
    sessions.participate(saml.session, client.application, timezone.now())
    sp = named(saml, "One")
    sp.sign_on(saml.session)
    where = sign_out(browser)
    tree = page(browser, where)
    assert len(tree.xpath("//iframe")) == 1
    assert labels(tree)["One"] == "next"
    request = sent_by_redirect(browser.get(button(tree)))
    back = bring_back(browser, sp.answer_query(request.root, relay_state=request.relay_state))
    assert location_of(browser.get(back)) == "/logout/done"
    assert states(saml.session) == {"Web": "shown", "One": "acknowledged"}


def test_soap_is_preferred_to_the_browser(saml: SamlWorld, browser: Browser) -> None:
    sp = leaver(
        saml,
        [service(vocabulary.REDIRECT), service(vocabulary.SOAP_BINDING, "https://sp.example/s")],
    )
    sp.sign_on(saml.session)
    assert sign_out(browser) == "/logout/done"
    assert LogoutNotification.objects.get().channel == "saml-soap"


def test_a_session_ended_elsewhere_tells_nobody_in_a_browser(
    saml: SamlWorld, browser: Browser
) -> None:
    named(saml, "One").sign_on(saml.session)
    sessions.end(saml.session, reason="ended by an administrator", now=timezone.now())
    assert states(saml.session) == {"One": "browser_only"}
    assert browser.get("/logout/done").status_code == 200


def test_openid_connect_application_signs_out_of_saml(saml: SamlWorld, browser: Browser) -> None:
    """RP-initiated logout leads past the service provider, then back to the application."""
    after = "https://web.example/bye"
    client = ClientFactory(post_logout_redirect_uris=[after])
    sessions.participate(saml.session, client.application, timezone.now())
    sp = named(saml, "One")
    sp.sign_on(saml.session)
    asked = browser.get(
        "/end_session", {"client_id": client.client_id, "post_logout_redirect_uri": after}
    )
    where = location_of(browser.post(location_of(asked), {"logout": "1"}))
    request = leave(browser, where)
    back = bring_back(browser, sp.answer_query(request.root, relay_state=request.relay_state))
    assert location_of(browser.get(back)) == after
    assert states(saml.session)["One"] == "acknowledged"


def test_nothing_is_waited_for_for_ever(saml: SamlWorld, browser: Browser) -> None:
    query = answered(saml, browser)
    Interaction.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert refused(browser, query) == "unexpected_response"
