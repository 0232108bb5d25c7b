"""A service provider itself asks, by SOAP: the same checks, faults instead of pages."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from lxml import etree

from deploy import serve
from federation.identity_provider.single_logout import soap_responder
from federation.saml import vocabulary
from idp.models import LogoutNotification
from tests.attacks.saml import service_provider
from tests.support.saml import SamlWorld, follow_a_source
from tests.support.single_logout import (
    REDIRECT,
    Leaver,
    envelope,
    instant,
    is_over,
    leaver,
    sent_by_soap,
    service,
    states,
)

FAULT = vocabulary.name("soap:Fault")


@pytest.fixture
def sp(saml: SamlWorld) -> Leaver:
    return leaver(saml, [])


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody sends in these tests, so nobody is waited for."""
    monkeypatch.setattr(soap_responder, "PATIENCE", timedelta(0))


def test_the_session_ends_and_the_answer_is_signed(saml: SamlWorld, sp: Leaver) -> None:
    inside = sp.sign_on(saml.session).inside
    sent = sent_by_soap(sp.soap(inside, identifier="_soap"))
    assert is_over(saml.session)
    assert sent.status == ("Success",)
    assert sent.root.tag == vocabulary.name("samlp:LogoutResponse")
    assert (sent.root.get("InResponseTo"), sent.root.get("Destination")) == ("_soap", None)
    assert states(saml.session) == {"Acme Reports": "acknowledged"}


def test_without_destination_it_is_good_too(saml: SamlWorld, sp: Leaver) -> None:
    text = sp.text(sp.sign_on(saml.session).inside)
    root = etree.fromstring(text)
    del root.attrib["Destination"]
    sent = sent_by_soap(sp.send_soap(envelope(service_provider.sign(root))))
    assert sent.status == ("Success",)


def test_an_unknown_session(saml: SamlWorld, sp: Leaver) -> None:
    theirs = leaver(saml, []).sign_on(saml.session)
    for inside in ("<saml:NameID>nobody</saml:NameID>", theirs.inside):
        assert sent_by_soap(sp.soap(inside)).status == ("Requester", "UnknownPrincipal")
    assert not is_over(saml.session)


def test_who_needs_a_browser_is_not_told(saml: SamlWorld, sp: Leaver) -> None:
    leaver(saml, REDIRECT).sign_on(saml.session)
    sent = sent_by_soap(sp.soap(sp.sign_on(saml.session).inside))
    assert sent.status == ("Success", "PartialLogout")


def test_it_waits_for_those_that_are_asked(
    saml: SamlWorld, sp: Leaver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(soap_responder, "PATIENCE", timedelta(seconds=30))
    leaver(saml, [service(vocabulary.SOAP_BINDING)]).sign_on(saml.session)

    def answered(_: float) -> None:
        LogoutNotification.objects.filter(state="waiting").update(state="acknowledged")

    monkeypatch.setattr(soap_responder.time, "sleep", answered)
    sent = sent_by_soap(sp.soap(sp.sign_on(saml.session).inside))
    assert sent.status == ("Success",)


def test_only_a_few_wait_at_a_time(
    saml: SamlWorld, sp: Leaver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While those wait for a slow application, the next is answered at once."""
    assert soap_responder.MOST_WAITING < serve.BLOCKING_THREADS
    monkeypatch.setattr(soap_responder, "_places", threading.BoundedSemaphore(1))
    leaver(saml, [service(vocabulary.SOAP_BINDING)]).sign_on(saml.session)
    inside = sp.sign_on(saml.session).inside
    monkeypatch.setattr(soap_responder, "PATIENCE", timedelta(seconds=30))
    meanwhile: list[tuple[str, ...]] = []

    def another(_: float) -> None:
        monkeypatch.setattr(soap_responder.time, "sleep", lambda _: pytest.fail("it waits too"))
        meanwhile.append(sent_by_soap(sp.soap(inside)).status)
        LogoutNotification.objects.filter(state="waiting").update(state="acknowledged")

    monkeypatch.setattr(soap_responder.time, "sleep", another)
    assert sent_by_soap(sp.soap(inside)).status == ("Success",)
    assert meanwhile == [("Success", "PartialLogout")]


def test_the_place_is_free_again(
    saml: SamlWorld, sp: Leaver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second one waits as well."""
    monkeypatch.setattr(soap_responder, "_places", threading.BoundedSemaphore(1))
    monkeypatch.setattr(soap_responder, "PATIENCE", timedelta(seconds=30))
    waits: list[float] = []

    def answered(seconds: float) -> None:
        waits.append(seconds)
        LogoutNotification.objects.filter(state="waiting").update(state="acknowledged")

    monkeypatch.setattr(soap_responder.time, "sleep", answered)
    for session in (saml.session, saml.other()[1]):
        leaver(saml, [service(vocabulary.SOAP_BINDING)]).sign_on(session)
        assert sent_by_soap(sp.soap(sp.sign_on(session).inside)).status == ("Success",)
    assert len(waits) == 2


def test_who_has_failed_once_is_not_waited_for(
    saml: SamlWorld, sp: Leaver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next attempt is later than anybody waits."""
    leaver(saml, [service(vocabulary.SOAP_BINDING)]).sign_on(saml.session)
    inside = sp.sign_on(saml.session).inside
    sent_by_soap(sp.soap(inside))
    LogoutNotification.objects.filter(state="waiting").update(state="retrying", attempts=1)
    monkeypatch.setattr(soap_responder, "PATIENCE", timedelta(seconds=30))
    monkeypatch.setattr(soap_responder.time, "sleep", lambda _: pytest.fail("it waits"))
    assert sent_by_soap(sp.soap(inside)).status == ("Success", "PartialLogout")


# ----- who is refused -----


def fault(response: Any) -> str:
    """The fault's words."""
    root = etree.fromstring(response.body)
    (content,) = root[-1]
    assert content.tag == FAULT
    assert dict(response.headers)["Content-Type"].startswith("text/xml")
    return content[1].text


@pytest.mark.parametrize(
    "options",
    [
        {"signed": False},
        {"destination": "https://idp.example/saml/slo"},
        {"issue_instant": instant(-timedelta(minutes=10))},
        {"attributes": 'NotOnOrAfter="2020-01-01T00:00:00Z"'},
        {"issuer": "<saml:Issuer>https://stranger.example</saml:Issuer>"},
        {"version": "1.1"},
    ],
)
def test_refused(saml: SamlWorld, sp: Leaver, options: dict[str, Any]) -> None:
    response = sp.soap(sp.sign_on(saml.session).inside, **options)
    assert response.status == 403
    assert fault(response).startswith("The message was refused. Reference: ")
    assert not is_over(saml.session)


def test_a_disabled_application(saml: SamlWorld, sp: Leaver) -> None:
    inside = sp.sign_on(saml.session).inside
    sp.party.change_application(enabled=False)
    assert sp.soap(inside).status == 403
    assert not is_over(saml.session)


def test_one_whose_metadata_has_ended(saml: SamlWorld, sp: Leaver) -> None:
    inside = sp.sign_on(saml.session).inside
    follow_a_source(sp.party.row, ended=True)
    assert sp.soap(inside).status == 403
    assert not is_over(saml.session)


def test_once(saml: SamlWorld, sp: Leaver) -> None:
    inside = sp.sign_on(saml.session).inside
    assert sp.soap(inside, identifier="_once").status == 200
    assert sp.soap(inside, identifier="_once").status == 403


def test_once_whatever_the_binding(saml: SamlWorld, sp: Leaver) -> None:
    inside = sp.sign_on(saml.session).inside
    assert sp.soap(inside, identifier="_once").status == 200
    assert sp.get(saml.session, inside, identifier="_once").status == 400


def wrapped(sp: Leaver, inside: str) -> dict[str, bytes]:
    """A good message where it does not belong."""
    good = service_provider.sign(
        etree.fromstring(sp.text(inside, destination="http://localhost:8000/saml/slo/soap"))
    )
    text = etree.tostring(good).decode()
    evil = sp.text("<saml:NameID>x</saml:NameID>")
    soap = f'<s:Envelope xmlns:s="{vocabulary.SOAP}">'
    return {
        "two messages": f"{soap}<s:Body>{text}{evil}</s:Body></s:Envelope>".encode(),
        "in the header": (
            f"{soap}<s:Header>{text}</s:Header><s:Body>{evil}</s:Body></s:Envelope>".encode()
        ),
        "inside another": (
            f"{soap}<s:Body>"
            + sp.text(f"<samlp:Extensions>{text}</samlp:Extensions><saml:NameID>x</saml:NameID>")
            + "</s:Body></s:Envelope>"
        ).encode(),
        "without envelope": text.encode(),
        "a request": envelope(etree.fromstring(sp.party.request())),
        "a doctype": b"<!DOCTYPE x []>" + envelope(good),
        "nothing": b"",
        "html": b"<html><body>no</body></html>",
        "much": b"<a>" + b"x" * 300 * 1024,
    }


@pytest.mark.parametrize(
    "case",
    [
        *("two messages", "in the header", "inside another", "without envelope", "a request"),
        *("a doctype", "nothing", "html", "much"),
    ],
)
def test_malformed_is_a_fault(saml: SamlWorld, sp: Leaver, case: str) -> None:
    response = sp.send_soap(wrapped(sp, sp.sign_on(saml.session).inside)[case])
    assert response.status in (403, 413, 500)
    assert b"<html" not in response.body.lower()
    assert fault(response)
    assert not is_over(saml.session)


def test_ten_megabytes_are_not_read(sp: Leaver) -> None:
    response = sp.send_soap(b"<a>" + b"x" * 10 * 1024 * 1024)
    assert response.status == 413
    assert b"<html" not in response.body.lower()
