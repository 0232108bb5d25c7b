"""The ArtifactResolutionService, from the redirect to the message."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils import timezone
from lxml import etree

from federation.identity_provider import entity
from federation.models import StoredArtifact
from federation.saml import signature, vocabulary, xml
from idp import keys
from idp.accounts import session as sessions
from idp.models import AuditEvent, SignIn
from tests.support.protocol import cookie_of, header
from tests.support.saml import (
    NAMESPACES,
    Party,
    SamlWorld,
    in_body,
    posted,
)
from tests.support.sign_in import Browser

PATH = entity.ARTIFACT_RESOLUTION_PATH
TAG = "samlp:ArtifactResolve"
BY_ARTIFACT = f'ProtocolBinding="{vocabulary.ARTIFACT}"'


@pytest.fixture
def fetching(saml: SamlWorld) -> Party:
    """A service provider that takes artifacts."""
    return saml.party(artifact=True)


def handed(answer: Any) -> tuple[str, dict[str, str]]:
    """Where the browser is sent, and what it brings along."""
    assert answer.status == 303, (answer.status, answer.body[:500])
    location = urlsplit(header(answer, "Location"))
    values = {name: value for name, (value,) in parse_qs(location.query).items()}
    return f"{location.scheme}://{location.netloc}{location.path}", values


def ask_for(party: Party, session: Any, **options: Any) -> Any:
    """An AuthnRequest that wants an artifact."""
    options.setdefault("acs_url", f"{party.sp.acs_url}/artifact")
    return party.redirect(session, attributes=BY_ARTIFACT, **options)


def art_of(party: Party, session: Any, **options: Any) -> str:
    return handed(ask_for(party, session, **options))[1]["SAMLart"]


def resolve(party: Party, art: str, **options: Any) -> Any:
    return party.soap(PATH, TAG, f"<samlp:Artifact>{art}</samlp:Artifact>", **options)


def message_in(answer: Any) -> Any:
    """The Response in an ArtifactResponse, None if there is none."""
    content = in_body(answer)
    assert content.tag == f"{{{vocabulary.SAMLP}}}ArtifactResponse"
    assert content.xpath("samlp:Status/samlp:StatusCode/@Value", namespaces=NAMESPACES) == [
        vocabulary.SUCCESS
    ]
    return content.find(f"{{{vocabulary.SAMLP}}}Response")


def test_the_message_is_fetched_once(saml: SamlWorld, fetching: Party) -> None:
    answer = ask_for(fetching, saml.session, identifier="_id", relay_state="a&b=<c>")
    address, values = handed(answer)
    assert address == f"{fetching.sp.acs_url}/artifact"
    assert values["RelayState"] == "a&b=<c>"
    assert set(values) == {"SAMLart", "RelayState"}
    assert b"alice" not in answer.body
    first = resolve(fetching, values["SAMLart"], identifier="_resolve")
    assert in_body(first).get("InResponseTo") == "_resolve"
    message = message_in(first)
    assert message.get("InResponseTo") == "_id"
    assert message.get("Destination") == address
    data = message.find(f".//{{{vocabulary.SAML}}}SubjectConfirmationData")
    assert data.get("Recipient") == address
    assert message_in(resolve(fetching, values["SAMLart"])) is None
    assert AuditEvent.objects.filter(action="saml.artifact_resolved").count() == 1


def test_answer_and_message_are_signed_by_us(saml: SamlWorld, fetching: Party) -> None:
    answer = resolve(fetching, art_of(fetching, saml.session))
    root = xml.parse(answer.body)
    content = root[0][0]
    xml.validate(content, schema="protocol")
    key = signature.verification_key(keys.saml_signing().certificate)
    assert signature.verify(content, keys=[key]) is content
    message = xml.child(content, "samlp:Response")
    assert signature.verify(message, keys=[key]) is message
    assertion = xml.child(message, "saml:Assertion")
    assert signature.verify(assertion, keys=[key]) is assertion


def test_an_encrypted_assertion_stays_encrypted(saml: SamlWorld) -> None:
    party = saml.party(artifact=True, encryption=True)
    message = message_in(resolve(party, art_of(party, saml.session)))
    assert message.find(f"{{{vocabulary.SAML}}}EncryptedAssertion") is not None
    assert message.find(f"{{{vocabulary.SAML}}}Assertion") is None


def test_an_error_travels_by_artifact_too(saml: SamlWorld, fetching: Party) -> None:
    inside = '<samlp:NameIDPolicy Format="urn:example:none"/>'
    message = message_in(resolve(fetching, art_of(fetching, saml.session, inside=inside)))
    codes = message.xpath("//samlp:Response//samlp:StatusCode/@Value", namespaces=NAMESPACES)
    assert codes == [vocabulary.REQUESTER, vocabulary.INVALID_NAME_ID_POLICY]
    assert StoredArtifact.objects.count() == 0


def test_through_the_sign_in_page(saml: SamlWorld, fetching: Party) -> None:
    waiting = fetching.post(
        None, signed=True, attributes=BY_ARTIFACT, acs_url=f"{fetching.sp.acs_url}/artifact"
    )
    browser = Browser()
    browser.cookies.load(cookie_of(saml.session))
    page = browser.open(header(waiting, "Location"))
    location = urlsplit(page.headers["Location"])
    (art,) = parse_qs(location.query)["SAMLart"]
    assert message_in(resolve(fetching, art)) is not None


def test_started_here(saml: SamlWorld) -> None:
    party = saml.party(artifact=True, idp_initiated=True, relay_states=["home"])
    services = [one for one in party.row.assertion_consumer_services if "artifact" in one["url"]]
    party.change(assertion_consumer_services=services)
    browser = Browser()
    browser.cookies.load(cookie_of(saml.session))
    page = browser.get(f"/saml/launch/{party.row.slug}")
    query = parse_qs(urlsplit(page.headers["Location"]).query)
    assert query["RelayState"] == ["home"]
    message = message_in(resolve(party, query["SAMLart"][0]))
    assert not message.xpath("//samlp:Response//@InResponseTo", namespaces=NAMESPACES)


def test_a_long_relay_state_goes_into_a_form(saml: SamlWorld, fetching: Party) -> None:
    answer = ask_for(fetching, saml.session, relay_state="\u20ac" * 600)
    assert answer.status == 200
    assert b'name="SAMLart"' in answer.body
    assert b"SAMLResponse" not in answer.body


# ----- which binding -----


def test_by_post_unless_an_artifact_is_asked_for(saml: SamlWorld, fetching: Party) -> None:
    assert posted(fetching.redirect(saml.session)).action == fetching.sp.acs_url
    text = fetching.request().replace(f'AssertionConsumerServiceURL="{fetching.sp.acs_url}"', "")
    query = fetching.sp.redirect(text, signed=False)
    assert posted(fetching.send_query(query, saml.session)).action == fetching.sp.acs_url


def test_by_the_index_of_its_address(saml: SamlWorld, fetching: Party) -> None:
    text = fetching.request().replace(
        f'AssertionConsumerServiceURL="{fetching.sp.acs_url}"', 'AssertionConsumerServiceIndex="1"'
    )
    answer = fetching.send_query(fetching.sp.redirect(text, signed=False), saml.session)
    assert handed(answer)[0].endswith("/artifact")


@pytest.mark.parametrize("keyless", [True, False])
def test_not_to_an_address_of_another_binding(saml: SamlWorld, keyless: bool) -> None:
    party = saml.party(artifact=True, signing=not keyless)
    cases = {"acs_url": party.sp.acs_url} if not keyless else {}
    answer = ask_for(party, saml.session, **cases)
    assert answer.status == 400
    assert b"SAMLart" not in answer.body


def test_metadata_may_have_artifacts_alone(saml: SamlWorld, fetching: Party) -> None:
    services = [one for one in fetching.row.assertion_consumer_services if "artifact" in one["url"]]
    fetching.change(assertion_consumer_services=services)
    text = fetching.request().replace(f'AssertionConsumerServiceURL="{fetching.sp.acs_url}"', "")
    answer = fetching.send_query(fetching.sp.redirect(text, signed=False), saml.session)
    assert handed(answer)[0].endswith("/artifact")


# ----- who gets nothing -----


def test_another_service_provider_gets_nothing_and_spoils_nothing(
    saml: SamlWorld, fetching: Party
) -> None:
    art = art_of(fetching, saml.session)
    assert message_in(resolve(saml.party(), art)) is None
    trace = SignIn.objects.get(result="failure")
    assert "another service provider" in trace.reason
    assert "works once" in trace.suggestion
    assert message_in(resolve(fetching, art)) is not None


def test_after_a_minute_nothing(saml: SamlWorld, fetching: Party) -> None:
    art = art_of(fetching, saml.session)
    StoredArtifact.objects.update(expires_at=timezone.now())
    assert message_in(resolve(fetching, art)) is None


def test_after_the_session_nothing(saml: SamlWorld, fetching: Party) -> None:
    art = art_of(fetching, saml.session)
    sessions.end(saml.session, reason="test", now=timezone.now())
    assert message_in(resolve(fetching, art)) is None


@pytest.mark.parametrize(
    "art",
    ["", "x", "AAQAAA==", "A" * 60, "-" * 60, "A" * 100_000, "&lt;x/&gt;"],
)
def test_what_is_no_artifact_gets_nothing(saml: SamlWorld, fetching: Party, art: str) -> None:
    assert message_in(resolve(fetching, art)) is None


def refused(answer: Any) -> Any:
    """The fault, which says nothing of the reason."""
    fault = in_body(answer, status=403)
    assert fault.tag == f"{{{vocabulary.SOAP}}}Fault"
    assert fault[1].text.startswith("The message was refused. Reference: ")
    return SignIn.objects.order_by("-at").first()


def test_two_artifacts_break_the_schema(saml: SamlWorld, fetching: Party) -> None:
    one = f"<samlp:Artifact>{art_of(fetching, saml.session)}</samlp:Artifact>"
    assert refused(fetching.soap(PATH, TAG, one * 2)).error == "schema"


def test_an_artifact_resolve_in_an_unsigned_one(saml: SamlWorld, fetching: Party) -> None:
    """A captured signed request, hidden in one that asks for something else."""
    inside = f"<samlp:Artifact>{art_of(fetching, saml.session)}</samlp:Artifact>"
    captured = etree.tostring(fetching.message(PATH, TAG, inside)).decode()
    hidden = f"<samlp:Extensions><x:y xmlns:x='urn:x'>{captured}</x:y></samlp:Extensions>{inside}"
    assert refused(fetching.soap(PATH, TAG, hidden, signed=False)).error == "nested_message"


def test_ten_megabytes_are_refused_without_a_page(saml: SamlWorld, fetching: Party) -> None:
    answer = fetching.send_envelope(PATH, b"<a>" + b"x" * 10_000_000 + b"</a>")
    assert answer.status == 413
    assert b"<html" not in answer.body
