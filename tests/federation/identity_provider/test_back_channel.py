"""Who may send a request in a SOAP envelope: whoever has signed it, now, for this address, once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from lxml import etree

from federation.identity_provider import entity
from federation.models import SeenMessage
from federation.saml import vocabulary
from idp.models import AuditEvent, SignIn
from tests.attacks.saml import service_provider
from tests.support.saml import Party, SamlWorld, enveloped, follow_a_source, in_body

SUBJECT = "<saml:Subject><saml:NameID>nobody</saml:NameID></saml:Subject>"
ENDPOINTS = {
    entity.ARTIFACT_RESOLUTION_PATH: (
        "samlp:ArtifactResolve",
        "<samlp:Artifact>nothing</samlp:Artifact>",
    ),
    entity.ATTRIBUTE_SERVICE_PATH: ("samlp:AttributeQuery", SUBJECT),
}


@pytest.fixture(params=ENDPOINTS)
def path(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def message(party: Party, path: str, **options: Any) -> Any:
    tag, inside = ENDPOINTS[path]
    return party.message(path, tag, options.pop("inside", inside), **options)


def refused(answer: Any) -> str:
    """Which check refused: the fault itself says nothing of it."""
    fault = in_body(answer, status=403)
    assert fault.tag == f"{{{vocabulary.SOAP}}}Fault"
    words = fault[1].text
    assert words.startswith("The message was refused. Reference: ")
    trace = SignIn.objects.order_by("-at").first()
    assert trace is not None
    assert AuditEvent.objects.filter(reference=words.rpartition(" ")[2]).exists()
    return trace.error


def test_is_answered_when_everything_is_right(saml: SamlWorld, party: Party, path: str) -> None:
    content = in_body(party.send_envelope(path, message(party, path, identifier="_asked")))
    assert content.get("InResponseTo") == "_asked"
    assert SeenMessage.objects.count() == 1


def test_without_a_destination_too(saml: SamlWorld, party: Party, path: str) -> None:
    element = message(party, path, signed=False)
    del element.attrib["Destination"]
    in_body(party.send_envelope(path, service_provider.sign(element)))


def test_unsigned(saml: SamlWorld, party: Party, path: str) -> None:
    assert refused(party.send_envelope(path, message(party, path, signed=False))) == "unsigned"
    assert not SeenMessage.objects.exists()


def test_without_a_key_in_its_metadata(saml: SamlWorld, path: str) -> None:
    party = saml.party(signing=False)
    assert refused(party.send_envelope(path, message(party, path))) == "no_key"


def test_signed_by_another_key(saml: SamlWorld, party: Party, path: str) -> None:
    key = service_provider.xmlsec_key(service_provider.rsa_key("mallory"))
    element = service_provider.sign(message(party, path, signed=False), key=key)
    assert refused(party.send_envelope(path, element)) == "signature_value"


def test_signed_with_sha1(saml: SamlWorld, party: Party, path: str) -> None:
    weak = service_provider.Shape(method=f"{vocabulary.DS}rsa-sha1", digest=f"{vocabulary.DS}sha1")
    element = service_provider.sign(message(party, path, signed=False), shape=weak)
    assert "algorithm" in refused(party.send_envelope(path, element))


def test_twice(saml: SamlWorld, party: Party, path: str) -> None:
    body = enveloped(message(party, path))
    in_body(party.send_envelope(path, body))
    assert refused(party.send_envelope(path, body)) == "replay"


def test_the_same_id_of_another_is_another_request(
    saml: SamlWorld, party: Party, path: str
) -> None:
    for one in (party, saml.party()):
        in_body(one.send_envelope(path, message(one, path, identifier="_same")))


@pytest.mark.parametrize("minutes", [-4, 4])
def test_not_of_now(saml: SamlWorld, party: Party, path: str, minutes: int) -> None:
    element = message(party, path)
    saml.provider.ahead = timedelta(minutes=minutes)
    assert refused(party.send_envelope(path, element)) == "issue_instant"


@pytest.mark.parametrize("change", ["/saml/sso", "/saml/artifact/", "/saml/Artifact", ""])
def test_for_another_address(saml: SamlWorld, party: Party, path: str, change: str) -> None:
    tag, inside = ENDPOINTS[path]
    element = party.message(change, tag, inside)
    assert refused(party.send_envelope(path, element)) == "destination"


def test_a_request_for_the_one_sent_to_the_other(saml: SamlWorld, party: Party, path: str) -> None:
    (other,) = set(ENDPOINTS) - {path}
    assert refused(party.send_envelope(path, message(party, other))) == "message_type"


def test_a_stranger(saml: SamlWorld, party: Party, path: str) -> None:
    issuer = "<saml:Issuer>https://stranger.example</saml:Issuer>"
    answer = party.send_envelope(path, message(party, path, issuer=issuer))
    assert refused(answer) == "unknown_issuer"


def test_in_the_name_of_another(saml: SamlWorld, party: Party, path: str) -> None:
    """The right key of one service provider says nothing for another."""
    victim = saml.party(signing=False)
    issuer = f"<saml:Issuer>{victim.sp.entity_id}</saml:Issuer>"
    answer = party.send_envelope(path, message(party, path, issuer=issuer))
    assert refused(answer) == "no_key"


def test_a_disabled_application(saml: SamlWorld, party: Party, path: str) -> None:
    party.change_application(enabled=False)
    assert refused(party.send_envelope(path, message(party, path))) == "disabled"


def test_one_whose_metadata_has_ended(saml: SamlWorld, party: Party, path: str) -> None:
    follow_a_source(party.row, ended=False)
    in_body(party.send_envelope(path, message(party, path)))
    follow_a_source(party.row, ended=True)
    assert refused(party.send_envelope(path, message(party, path))) == "metadata_valid_until"


@pytest.mark.parametrize("tag", ["samlp:AuthnRequest", "samlp:LogoutRequest", "saml:Assertion"])
def test_another_message(saml: SamlWorld, party: Party, path: str, tag: str) -> None:
    element = party.message(path, tag, "", signed=False)
    assert refused(party.send_envelope(path, element)) == "message_type"


def test_hidden_in_an_unsigned_one(saml: SamlWorld, party: Party, path: str) -> None:
    captured = etree.tostring(message(party, path)).decode()
    hidden = f"<samlp:Extensions><x:y xmlns:x='urn:x'>{captured}</x:y></samlp:Extensions>"
    inside = hidden + ENDPOINTS[path][1]
    element = message(party, path, inside=inside, signed=False)
    assert refused(party.send_envelope(path, element)) == "nested_message"


def test_two_in_one_envelope(saml: SamlWorld, party: Party, path: str) -> None:
    first, second = (etree.tostring(message(party, path)) for _ in range(2))
    body = enveloped(message(party, path)).replace(b"</S:Body>", first + second + b"</S:Body>")
    assert in_body(party.send_envelope(path, body), status=500)[0].text == "soap:Client"


def test_ten_megabytes(saml: SamlWorld, party: Party, path: str) -> None:
    answer = party.send_envelope(path, b"<a>" + b"x" * 10_000_000 + b"</a>")
    assert answer.status == 413
    assert b"<html" not in answer.body
