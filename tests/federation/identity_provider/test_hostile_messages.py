"""Hostile messages of every type at their endpoints: one answer for all, details in the trace."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings

from federation.identity_provider import entity, soap_endpoint
from federation.models import SeenMessage
from federation.saml import soap
from idp.models import AuditEvent, Session, SignIn
from idp.protocol.message import Response
from tests.attacks.saml import corpus, exclusions
from tests.attacks.saml.corpus import Attack
from tests.attacks.saml.message_types import (
    ARTIFACT_RESOLVE,
    ATTRIBUTE_QUERY,
    AUTHN_REQUEST,
    LOGOUT_REQUEST,
    LOGOUT_RESPONSE,
    POST,
    REDIRECT,
    SOAP,
    MessageType,
)
from tests.attacks.saml.service_provider import ServiceProvider
from tests.support.protocol import FORM
from tests.support.saml import Party, SamlWorld


@dataclass(frozen=True)
class Door:
    """An endpoint, a type of message that it takes, and a binding. `early`: a check before all
    that look at the message itself.
    """

    path: str
    message: MessageType
    binding: str
    early: str = ""

    def sender(self, party: Party) -> ServiceProvider:
        """The service provider as one that sends this type to this address."""
        url = settings.IDP.url(self.path)
        return replace(party.sp, message=self.message, destination=url)

    def honest(self, sp: ServiceProvider, **options: str) -> bytes:
        """A good message, signed."""
        if self.binding == REDIRECT:
            return sp.redirect(sp.text(**options))
        document = sp.signed(**options)
        return sp.post(document) if self.binding == POST else sp.soap(document)

    def send(self, party: Party, payload: bytes) -> Response:
        """Bring octets as they are."""
        if self.binding == SOAP:
            return party.send_envelope(self.path, payload)
        if self.binding == POST:
            return self._post(party, payload)
        return party.provider.send("GET", self.path, query=payload.decode("ascii"))

    def _post(self, party: Party, payload: bytes) -> Response:
        """A form, and where that leads to by GET, to which browsers give our cookies."""
        response = party.provider.send("POST", self.path, body=payload, content_type=FORM)
        path, _, query = dict(response.headers).get("Location", "").partition("?")
        if path != self.path:
            return response
        return party.provider.send("GET", path, query=query)


ARTIFACTS = Door(entity.ARTIFACT_RESOLUTION_PATH, ARTIFACT_RESOLVE, SOAP)
ATTRIBUTES = Door(entity.ATTRIBUTE_SERVICE_PATH, ATTRIBUTE_QUERY, SOAP)
LOGOUT_BY_SOAP = Door(entity.SINGLE_LOGOUT_SOAP_PATH, LOGOUT_REQUEST, SOAP)
LOGOUT_BY_REDIRECT = Door(entity.SINGLE_LOGOUT_PATH, LOGOUT_REQUEST, REDIRECT)
LOGOUT_BY_POST = Door(entity.SINGLE_LOGOUT_PATH, LOGOUT_REQUEST, POST)
# An answer to nothing that this browser has begun is not looked at, unless its cookies are missing.
ANSWER_BY_REDIRECT = Door(entity.SINGLE_LOGOUT_PATH, LOGOUT_RESPONSE, REDIRECT, early="relay_state")
ANSWER_BY_POST = Door(entity.SINGLE_LOGOUT_PATH, LOGOUT_RESPONSE, POST)
SIGN_ON_BY_REDIRECT = Door(entity.SINGLE_SIGN_ON_PATH, AUTHN_REQUEST, REDIRECT)
SIGN_ON_BY_POST = Door(entity.SINGLE_SIGN_ON_PATH, AUTHN_REQUEST, POST)

REQUESTS = (ARTIFACTS, ATTRIBUTES, LOGOUT_BY_SOAP, LOGOUT_BY_REDIRECT, LOGOUT_BY_POST)
SIGN_ONS = (SIGN_ON_BY_REDIRECT, SIGN_ON_BY_POST)
DOORS = (*REQUESTS, ANSWER_BY_REDIRECT, ANSWER_BY_POST)


def name(door: Door) -> str:
    return f"{door.message.local}-{door.binding}"


@pytest.fixture
def party(saml: SamlWorld) -> Party:
    """A service provider that may do everything, and signs what it sends."""
    return saml.party(artifact=True, attribute_queries=True, want_authn_requests_signed=True)


def shown(response: Response) -> str:
    """The answer without what is another one each time, and without the application's name."""
    text = response.body.decode()
    text = re.sub(r'id="error-reference">[A-Z2-9]{10}<', 'id="error-reference"><', text)
    text = text.replace(
        "Go back to Acme Reports and start again from there.",
        "Go back to the application that you came from and start again.",
    )
    return re.sub(r"Reference: [A-Z2-9]{10}<", "Reference: <", text)


def fault(words: str) -> str:
    return soap.fault(soap.CLIENT, f"{words} Reference: ").decode()


FAULTS = {
    403: {fault(soap_endpoint.REFUSED)},
    # SOAP 1.1 §6.2 demands this status for a broken envelope; the codes of §4.4.1 differ.
    500: {
        soap.fault(code, f"{soap_endpoint.BROKEN} Reference: ").decode()
        for code in (soap.CLIENT, soap.VERSION_MISMATCH, soap.MUST_UNDERSTAND)
    },
}


def _problem(
    door: Door, response: Response, check: str, *, plain: set[str], address: str
) -> object:
    """What is not as it should be after one attack."""
    text = shown(response)
    if door.binding == SOAP:
        uniform = text in FAULTS.get(response.status, ())
    else:
        uniform = response.status == 400 and text in plain
    if not uniform:
        return response.status, text[:300]
    row = SignIn.objects.get(client_address=address)
    if row.error not in (check, door.early):
        return row.error, row.trace
    return None


@pytest.mark.parametrize("door", DOORS, ids=name)
def test_every_hostile_message_gets_the_same_answer(
    door: Door, saml: SamlWorld, party: Party
) -> None:
    """All in one go, each from another network: the trace of one is bounded."""
    sp = door.sender(party)
    plain = {shown(party.provider.get(door.path))}
    if door.early:
        plain.add(shown(door.send(party, door.honest(sp))))
    attacks = [one for one in corpus.of(door.message) if one.binding == door.binding]
    assert len(attacks) >= 150
    wrong: dict[str, object] = {}
    for number, attack in enumerate(_small_enough(attacks)):
        saml.provider.address = f"10.{number // 250}.{number % 250}.1"
        response = door.send(party, corpus.payload(attack, sp))
        problem = _problem(door, response, attack.check, plain=plain, address=saml.provider.address)
        if problem:
            wrong[attack.name] = problem
    assert wrong == {}
    _assert_nothing_happened()


def _small_enough(attacks: list[Attack]) -> list[Attack]:
    """All but those that the server does not read at all."""
    return [attack for attack in attacks if "megabytes" not in attack.name]


def _assert_nothing_happened() -> None:
    assert Session.objects.filter(ended_at=None).count() == 1
    assert not SeenMessage.objects.exists()
    actions = AuditEvent.objects.filter(action__startswith="saml.")
    assert set(actions.values_list("action", flat=True)) == {"saml.refused"}


@pytest.mark.parametrize("door", [*REQUESTS, *SIGN_ONS, ANSWER_BY_POST], ids=name)
def test_what_only_looks_signed_is_refused(door: Door, saml: SamlWorld, party: Party) -> None:
    sp = door.sender(party)
    found = {}
    for number, (binding, build) in enumerate(exclusions.of(door.message)):
        if binding == door.binding:
            saml.provider.address = f"10.0.{number}.1"
            response = door.send(party, exclusions.payload(build, binding, sp))
            row = SignIn.objects.get(client_address=saml.provider.address)
            found[build.__name__] = (response.status, row.error)
    assert set(found.values()) == {(403 if door.binding == SOAP else 400, "unsigned")}
    _assert_nothing_happened()


OTHER_PLACES = {
    "prefix": "{}.evil.example",
    "path": "{}/more",
    "query": "{}?a=b",
    "fragment": "{}#a",
    "slash": "{}/",
    "substring": "https://evil.example/?to={}",
    "userinfo": "https://idp.example@evil.example/saml/slo",
    "shorter": "{short}",
    "space": "{}%20",
    "escape": "{escaped}",
    "case": "{upper}",
    "port": "http://localhost:80/saml/slo",
    "scheme": "{other_scheme}",
    "empty": "",
}


@pytest.mark.parametrize("place", OTHER_PLACES)
@pytest.mark.parametrize("door", [*REQUESTS, *SIGN_ONS], ids=name)
def test_destination_is_this_endpoint_and_no_other(
    door: Door, place: str, saml: SamlWorld, party: Party
) -> None:
    sp = door.sender(party)
    url = sp.destination
    named = OTHER_PLACES[place].format(
        url,
        short=url[:-1],
        escaped=url.replace("/saml/", "/%73aml/"),
        upper=url.upper(),
        other_scheme=url.replace("http:", "https:"),
    )
    door.send(party, door.honest(replace(sp, destination=named)))
    assert SignIn.objects.get().error == "destination"
    _assert_nothing_happened()


@pytest.mark.parametrize("hours", [-24, -1, 1, 24 * 365])
@pytest.mark.parametrize("door", [*REQUESTS, *SIGN_ONS], ids=name)
def test_messages_of_another_time_are_refused(
    door: Door, hours: int, saml: SamlWorld, party: Party
) -> None:
    sp = replace(door.sender(party), issue_instant=datetime.now(UTC) + timedelta(hours=hours))
    door.send(party, door.honest(sp))
    assert SignIn.objects.get().error == "issue_instant"
    _assert_nothing_happened()


@pytest.mark.parametrize("door", [*REQUESTS, *SIGN_ONS], ids=name)
def test_a_signed_request_comes_once(door: Door, saml: SamlWorld, party: Party) -> None:
    """Also if it is packed in another way the second time."""
    sp = door.sender(party)
    good = door.honest(sp)
    first = door.send(party, good)
    assert first.status in (200, 303)
    saml.provider.address = "10.0.0.1"
    again = good.replace(b"</s:Envelope>", b" </s:Envelope>")
    door.send(party, again + (b"&a=b" if door.binding != SOAP else b""))
    assert SignIn.objects.get(client_address="10.0.0.1").error == "replay"


@pytest.mark.parametrize("door", [*REQUESTS, *SIGN_ONS], ids=name)
def test_strangers_are_not_heard(door: Door, saml: SamlWorld, party: Party) -> None:
    """Not even with the key of a service provider that is known."""
    stranger = replace(door.sender(party), entity_id="https://nobody.example")
    door.send(party, door.honest(stranger))
    assert SignIn.objects.get().error == "unknown_issuer"
    _assert_nothing_happened()


@pytest.mark.parametrize("door", [*REQUESTS, *SIGN_ONS], ids=name)
def test_a_disabled_application_gets_nothing(door: Door, saml: SamlWorld, party: Party) -> None:
    party.change_application(enabled=False)
    response = door.send(party, door.honest(door.sender(party)))
    assert response.status == (403 if door.binding == SOAP else 400)
    assert SignIn.objects.get().error == "disabled"
    _assert_nothing_happened()


CONTENT_TYPES = (
    "",
    "application/json",
    "text/html",
    "text/xml-evil",
    "multipart/form-data; boundary=x",
    "text/plain; charset=text/xml",
    "\u0000",
)


@pytest.mark.parametrize("content_type", CONTENT_TYPES)
@pytest.mark.parametrize(
    "door", [ARTIFACTS, ATTRIBUTES, LOGOUT_BY_SOAP, LOGOUT_BY_POST, SIGN_ON_BY_POST], ids=name
)
def test_other_content_types_are_not_read(
    door: Door, content_type: str, saml: SamlWorld, party: Party
) -> None:
    good = door.honest(door.sender(party))
    response = party.provider.send("POST", door.path, body=good, content_type=content_type)
    assert response.status == (415 if door.binding == SOAP else 400)
    _assert_nothing_happened_at_all()


def _assert_nothing_happened_at_all() -> None:
    assert Session.objects.filter(ended_at=None).count() == 1
    assert not SeenMessage.objects.exists()


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
@pytest.mark.parametrize("door", [ARTIFACTS, ATTRIBUTES, LOGOUT_BY_SOAP], ids=name)
def test_other_methods_are_not_answered(
    door: Door, method: str, saml: SamlWorld, party: Party
) -> None:
    good = door.honest(door.sender(party))
    response = party.provider.send(method, door.path, body=good, content_type="text/xml")
    assert response.status == 405
    _assert_nothing_happened_at_all()


@pytest.mark.parametrize("door", [ARTIFACTS, ATTRIBUTES, LOGOUT_BY_SOAP], ids=name)
def test_ten_megabytes_are_not_even_read(door: Door, saml: SamlWorld, party: Party) -> None:
    response = door.send(party, b"<s:Envelope>" + b"x" * 10_000_000)
    assert response.status in (400, 413)
    assert b"<html" not in response.body
