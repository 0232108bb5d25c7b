"""Service providers with a SOAP address are asked until they answer, signed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from lxml import etree

from federation.identity_provider.single_logout import soap_responder
from federation.saml import vocabulary
from idp.accounts import expiry
from idp.accounts import session as sessions
from idp.models import AuditEvent, LogoutNotification, Session
from tests.support import receiver as behaviours
from tests.support.logout import deliver, end, notice
from tests.support.logout import receiver as receiver_fixture
from tests.support.receiver import Handler, Receiver
from tests.support.saml import NAMESPACES, SamlWorld
from tests.support.single_logout import (
    Leaver,
    from_envelope,
    leaver,
    sent_by_soap,
    service,
    states,
)

receiver = receiver_fixture


def answering(sp: Leaver, **changes: Any) -> behaviours.Behaviour:
    """A service provider that reads the request and answers it."""

    def behave(handler: Handler) -> None:
        request = etree.fromstring(handler.receiver.received[-1].body)[-1][0]
        handler.send(200, sp.answer_envelope(request, **changes), content_type="text/xml")

    return behave


@pytest.fixture
def listening(saml: SamlWorld, receiver: Receiver) -> Callable[..., Leaver]:
    """Registers a service provider that is told at the receiver, and answers like this."""

    def make(path: str = "/soap", **changes: Any) -> Leaver:
        sp = leaver(saml, [service(vocabulary.SOAP_BINDING, receiver.url(path))])
        receiver.behaviours[path] = answering(sp, **changes)
        return sp

    return make


def test_the_request_says_what_the_assertion_said(
    saml: SamlWorld, receiver: Receiver, listening: Callable[..., Leaver]
) -> None:
    sp = listening()
    signed_on = sp.sign_on(saml.session)
    end(saml.session)
    deliver()
    (received,) = receiver.at("/soap")
    assert received.headers["content-type"].startswith("text/xml")
    assert received.headers["soapaction"] == '"http://www.oasis-open.org/committees/security"'
    request = from_envelope(received.body).root
    assert request.tag == vocabulary.name("samlp:LogoutRequest")
    (name,) = request.xpath("saml:NameID", namespaces=NAMESPACES)
    assert (name.text, dict(name.attrib)) == (signed_on.name.text, dict(signed_on.name.attrib))
    (index,) = request.xpath("samlp:SessionIndex", namespaces=NAMESPACES)
    assert index.text == signed_on.index
    assert request.get("Destination") == receiver.url("/soap")
    assert request.get("NotOnOrAfter") > request.get("IssueInstant")
    assert notice().state == "acknowledged"
    assert states(saml.session) == {"Acme Reports": "acknowledged"}
    event = AuditEvent.objects.get(action="logout.notified")
    assert event.application_id == sp.application.pk


@pytest.mark.parametrize("format_", [vocabulary.TRANSIENT, vocabulary.EMAIL_ADDRESS])
def test_whatever_the_name_is(
    saml: SamlWorld, receiver: Receiver, listening: Callable[..., Leaver], format_: str
) -> None:
    type(saml.user).objects.filter(pk=saml.user.pk).update(email_verified=True)
    sp = listening()
    sp.party.change(default_name_id_format=format_)
    signed_on = sp.sign_on(saml.session)
    end(saml.session)
    deliver()
    request = from_envelope(receiver.at("/soap")[0].body).root
    (name,) = request.xpath("saml:NameID", namespaces=NAMESPACES)
    assert (name.text, dict(name.attrib)) == (signed_on.name.text, dict(signed_on.name.attrib))


@pytest.mark.parametrize(
    ("changes", "state", "words"),
    [
        ({"status": ("Requester", "UnknownPrincipal")}, "failed", "UnknownPrincipal"),
        ({"status": ("Responder",)}, "failed", "Responder"),
        ({"status": ("Success", "PartialLogout")}, "acknowledged", ""),
        ({"signed": False}, "retrying", "unsigned"),
        ({"InResponseTo": "_other"}, "retrying", "in_response_to"),
        ({"InResponseTo": None}, "retrying", "in_response_to"),
        ({"issuer": "https://stranger.example"}, "retrying", "unknown_issuer"),
        ({"Version": "1.1"}, "retrying", "version"),
    ],
)
def test_what_the_answer_means(
    saml: SamlWorld,
    listening: Callable[..., Leaver],
    changes: dict[str, Any],
    state: str,
    words: str,
) -> None:
    listening(**changes).sign_on(saml.session)
    end(saml.session)
    deliver()
    assert notice().state == state
    assert words in notice().error


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (behaviours.ok(b"", status=500), "status 500"),
        (behaviours.ok(b"<html>Sign in</html>"), "soap_envelope"),
        (behaviours.ok(b"x" * 100), "well_formed"),
        (behaviours.redirect("https://elsewhere.example"), "redirect"),
        (behaviours.big(), "larger than"),
        (behaviours.cut(), ""),
    ],
)
def test_anything_else_is_no_answer(
    saml: SamlWorld,
    receiver: Receiver,
    listening: Callable[..., Leaver],
    behaviour: behaviours.Behaviour,
    words: str,
) -> None:
    listening().sign_on(saml.session)
    receiver.behaviours["/soap"] = behaviour
    end(saml.session)
    deliver()
    assert notice().state in ("retrying", "failed")
    assert notice().state != "acknowledged"
    assert words.lower() in notice().error.lower() or not words


def test_an_answer_to_somebody_else_is_none(
    saml: SamlWorld, receiver: Receiver, listening: Callable[..., Leaver]
) -> None:
    sp, other = listening(), leaver(saml)
    sp.sign_on(saml.session)

    def behave(handler: Handler) -> None:
        request = etree.fromstring(handler.receiver.received[-1].body)[-1][0]
        handler.send(200, other.answer_envelope(request))

    receiver.behaviours["/soap"] = behave
    end(saml.session)
    deliver()
    assert (notice().state, "unknown_issuer" in notice().error) == ("retrying", True)


def test_two_applications_one_asks_the_other_hears(
    saml: SamlWorld, receiver: Receiver, listening: Callable[..., Leaver]
) -> None:
    first, second = listening("/first"), listening("/second")
    inside = first.sign_on(saml.session).inside
    second.sign_on(saml.session)
    first.soap(inside)
    deliver()
    assert (receiver.at("/first"), len(receiver.at("/second"))) == ([], 1)


def test_the_soap_responder_says_what_the_others_said(
    saml: SamlWorld,
    receiver: Receiver,
    listening: Callable[..., Leaver],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(soap_responder.time, "sleep", lambda _: deliver())
    first, second = listening("/first"), listening("/second")
    second.sign_on(saml.session)
    sent = sent_by_soap(first.soap(first.sign_on(saml.session).inside))
    assert sent.status == ("Success",)


def test_expired_sessions_and_disabled_applications(
    saml: SamlWorld, receiver: Receiver, listening: Callable[..., Leaver]
) -> None:
    sp = listening()
    sp.sign_on(saml.session)
    sp.party.change_application(enabled=False)
    assert expiry.tell_disabled(now=timezone.now(), pause=0) == 1
    deliver()
    assert len(receiver.at("/soap")) == 1
    sp.party.change_application(enabled=True)
    Session.objects.filter(pk=saml.session.pk).update(expires_at=timezone.now())
    assert expiry.end_expired(now=timezone.now(), pause=0) == 1
    deliver()
    assert len(receiver.at("/soap")) == 2


def test_without_an_address_any_more(saml: SamlWorld, listening: Callable[..., Leaver]) -> None:
    sp = listening()
    sp.sign_on(saml.session)
    end(saml.session)
    sp.party.change(single_logout_services=[])
    deliver()
    assert (notice().state, "no address" in notice().error) == ("failed", True)


def test_nobody_without_a_name_is_told_about(
    saml: SamlWorld, listening: Callable[..., Leaver]
) -> None:
    sessions.participate(saml.session, listening().application, timezone.now())
    end(saml.session)
    assert not LogoutNotification.objects.exists()
