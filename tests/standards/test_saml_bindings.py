"""SAML V2.0 Bindings: HTTP Redirect, HTTP POST, HTTP Artifact, SOAP."""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from django.utils import timezone

from federation.models import StoredArtifact
from federation.saml import vocabulary
from idp.models import Interaction
from tests.attacks.saml import service_provider
from tests.support.protocol import FORM, cookie_of, header
from tests.support.saml import Party, SamlWorld, entity_id, in_body, posted
from tests.support.sign_in import Browser

S = "SAML Bindings"


def query_of(party: Party, **options: Any) -> str:
    return party.sp.redirect(party.request(), **options).decode()


@pytest.mark.standard(S, "3.4", "AuthnRequests by Redirect, signed and unsigned")
@pytest.mark.parametrize("signed", [True, False])
def test_redirect(saml: SamlWorld, party: Party, signed: bool) -> None:
    assert posted(party.redirect(saml.session, signed=signed)).status == ("Success",)


@pytest.mark.standard(S, "3.5", "AuthnRequests by POST, signed and unsigned")
@pytest.mark.parametrize("signed", [True, False])
def test_post(saml: SamlWorld, party: Party, signed: bool) -> None:
    assert posted(party.post(saml.session, signed=signed)).status == ("Success",)


@pytest.mark.standard(S, "3.4.4.1", "the signature covers the octets as they were sent")
@pytest.mark.parametrize("relay_state", [None, "", "a b", "\u00e9&=%", "x" * 80])
def test_octets(saml: SamlWorld, party: Party, relay_state: str | None) -> None:
    query = query_of(party, relay_state=relay_state)
    form = posted(party.send_query(query, saml.session))
    assert form.relay_state == relay_state


@pytest.mark.standard(S, "3.4.4.1", "parameters may come in any order, others among them")
def test_order(saml: SamlWorld, party: Party) -> None:
    pairs = query_of(party, relay_state="state").split("&")
    shuffled = "&".join(["utm=1", *reversed(pairs), "lang=en"])
    assert posted(party.send_query(shuffled, saml.session)).relay_state == "state"


@pytest.mark.standard(S, "3.4.4.1", "a changed, missing or moved part breaks the signature")
@pytest.mark.parametrize(
    "change",
    [
        lambda query: query.replace("RelayState=state", "RelayState=other"),
        lambda query: query.replace("&RelayState=state", ""),
        lambda query: query.replace("RelayState=state", "RelayState=stat%65"),
        lambda query: query.replace("rsa-sha256", "rsa-sha512"),
        lambda query: query.replace("&SigAlg=", "&SigAlg2="),
        lambda query: query.partition("&Signature=")[0],
        lambda query: query + "&RelayState=state",
        lambda query: query + "&SAMLRequest=x",
        lambda query: query + "&Signature=x",
        lambda query: query + "&SAMLResponse=x",
        lambda query: query + "&Saml%52equest=x" + "&SAML%52equest=x",
    ],
)
def test_tampering(saml: SamlWorld, party: Party, change: Any) -> None:
    changed = change(query_of(party, relay_state="state"))
    assert party.send_query(changed, saml.session).status == 400


@pytest.mark.standard(S, "3.4.4.1", "DSA, SHA-1 and unknown algorithms are refused")
@pytest.mark.parametrize(
    "algorithm", ["http://www.w3.org/2000/09/xmldsig#rsa-sha1", "urn:example:none", ""]
)
def test_algorithms(saml: SamlWorld, party: Party, algorithm: str) -> None:
    query = query_of(party).replace(
        quote(vocabulary.RSA_SHA256, safe=""), quote(algorithm, safe="")
    )
    assert party.send_query(query, saml.session).status == 400


@pytest.mark.standard(S, "3.4.4.1", "an XML signature does not travel by Redirect")
def test_embedded_signature(saml: SamlWorld, party: Party) -> None:
    query = party.sp.redirect(party.sp.signed(), signed=False)
    assert party.send_query(query, saml.session).status == 400


@pytest.mark.standard(S, "3.4.5.2", "Destination is our exact address, and there when signed")
def test_destination(saml: SamlWorld, party: Party) -> None:
    for destination in ("", f'Destination="{party.sp.destination}/"'):
        text = party.request().replace(f'Destination="{party.sp.destination}"', destination)
        assert party.send_query(party.sp.redirect(text), saml.session).status == 400


@pytest.mark.standard(S, "3.5.5.2", "and by POST")
def test_destination_by_post(saml: SamlWorld, party: Party) -> None:
    for destination in ("", f'Destination="{party.sp.destination}/"'):
        own = f'Destination="{party.sp.destination}"'
        root = service_provider.etree.fromstring(party.request().replace(own, destination))
        service_provider.sign(root)
        assert party.send_form(party.sp.post(root), saml.session).status == 400


@pytest.mark.standard(S, "3.4.3", "RelayState goes back byte for byte, up to 2 KiB, escaped")
@pytest.mark.parametrize(
    "relay_state",
    ['"><script>alert(1)</script>', "https://evil.example", "\r\n", "x" * 2048, "\u20ac"],
)
def test_relay_state(saml: SamlWorld, party: Party, relay_state: str) -> None:
    for answer in (
        party.redirect(saml.session, relay_state=relay_state),
        party.post(saml.session, relay_state=relay_state),
    ):
        form = posted(answer)
        assert form.relay_state == relay_state
        assert form.action == party.sp.acs_url
        assert b"<script>alert" not in answer.body


@pytest.mark.standard(S, "3.4.3", "more than 2 KiB are refused")
def test_long_relay_state(saml: SamlWorld, party: Party) -> None:
    assert party.redirect(saml.session, relay_state="x" * 2049).status == 400


@pytest.mark.standard(S, "3.5.4", "the answer is a self-posting form that works without a script")
def test_form(saml: SamlWorld, party: Party) -> None:
    answer = party.redirect(saml.session)
    page = answer.body.decode()
    assert 'method="post"' in page
    assert "<button" in page
    assert "<script>" not in page
    assert "onload" not in page
    assert "'unsafe-inline'" not in header(answer, "Content-Security-Policy")


@pytest.mark.standard(S, "3.5.5.1", "no cache keeps it")
def test_caches(saml: SamlWorld, party: Party) -> None:
    assert header(party.redirect(saml.session), "Cache-Control") == "no-store"


@pytest.mark.standard(
    S, "3.5.4", "a form from another site, without cookies, is stored: 303, then GET"
)
def test_cross_site(saml: SamlWorld, party: Party) -> None:
    answer = party.post(None, signed=True)
    assert answer.status == 303
    assert header(answer, "Location").startswith("/interaction/")
    assert Interaction.objects.get().browser_hash == b""


@pytest.mark.standard(S, "3.5.4", "answered once, and in the browser that the GET came from")
def test_resumed_once(saml: SamlWorld, party: Party) -> None:
    location = header(party.post(None, signed=True), "Location")
    browser, thief = Browser(), Browser()
    _, session = saml.other(username="mallory")
    thief.cookies.load(cookie_of(session))
    stranger = browser.open(location)
    assert b"SAMLResponse" not in stranger.content
    browser.cookies.load(cookie_of(saml.session))
    assert thief.open(location).status_code == 400
    form = posted(browser.open(location))
    assert form.attributes["uid"] == ["alice"]
    for one in (browser, thief):
        assert b"SAMLResponse" not in one.open(location).content


@pytest.mark.standard(S, "3.4.4", "one message: a request or a response, by one way")
def test_one_message(saml: SamlWorld, party: Party) -> None:
    query = query_of(party)
    body = party.sp.post(party.sp.signed())
    assert party.send_query(query + "&SAMLResponse=", saml.session).status == 400
    both = saml.provider.send(
        "POST",
        "/saml/sso",
        query=query,
        body=body,
        content_type=FORM,
        cookies=cookie_of(saml.session),
    )
    assert both.status == 400
    assert party.send_form(body + b"&SAMLRequest=x", saml.session).status == 400
    assert party.send_form(body + b"&SAMLResponse=x", saml.session).status == 400


@pytest.mark.standard(S, "3.6", "SimpleSign, artifacts and SOAP are not spoken")
def test_other_bindings(saml: SamlWorld, party: Party) -> None:
    signed = query_of(party)
    assert party.send_form(signed.encode(), saml.session).status == 400
    assert (
        saml.provider.get("/saml/sso", "SAMLart=x", cookies=cookie_of(saml.session)).status == 400
    )
    soap = saml.provider.send("POST", "/saml/sso", body=b"<x/>", content_type="text/xml")
    assert soap.status == 400


@pytest.mark.standard(S, "3.5.1", "the answer comes by POST alone, whatever the request came by")
def test_never_by_redirect(saml: SamlWorld, party: Party) -> None:
    for answer in (
        party.redirect(saml.session),
        party.post(saml.session, signed=True),
        party.redirect(None, attributes='IsPassive="true"'),
    ):
        assert posted(answer).action == party.sp.acs_url
        assert header(answer, "Location") == ""


# ----- §3.6 HTTP Artifact, §3.2 SOAP -----

RESOLVE = "/saml/artifact"


def artifact_of(saml: SamlWorld, party: Party, **options: Any) -> str:
    """The artifact that the browser brings to the service provider."""
    answer = party.redirect(
        saml.session,
        attributes=f'ProtocolBinding="{vocabulary.ARTIFACT}"',
        acs_url=f"{party.sp.acs_url}/artifact",
        **options,
    )
    assert answer.status == 303
    (art,) = parse_qs(urlsplit(header(answer, "Location")).query)["SAMLart"]
    return art


def resolved(party: Party, art: str, **options: Any) -> Any:
    """The Response behind an artifact, None if there is none."""
    inside = f"<samlp:Artifact>{art}</samlp:Artifact>"
    answer = party.soap(RESOLVE, "samlp:ArtifactResolve", inside, **options)
    return in_body(answer).find(f"{{{vocabulary.SAMLP}}}Response")


@pytest.mark.standard(S, "3.6.4", "type 4: 44 bytes, the endpoint's index, SHA-1 of the entity ID")
def test_artifact_format(saml: SamlWorld) -> None:
    octets = base64.b64decode(artifact_of(saml, saml.party(artifact=True)), validate=True)
    assert len(octets) == 44
    assert octets[:4] == b"\x00\x04\x00\x00"
    assert octets[4:24] == hashlib.sha1(entity_id().encode()).digest()


@pytest.mark.standard(S, "3.6.3", "artifact and RelayState in the address, and nothing else")
def test_artifact_in_the_address(saml: SamlWorld) -> None:
    party = saml.party(artifact=True)
    answer = party.redirect(
        saml.session,
        attributes=f'ProtocolBinding="{vocabulary.ARTIFACT}"',
        acs_url=f"{party.sp.acs_url}/artifact",
        relay_state="state &=",
    )
    query = parse_qs(urlsplit(header(answer, "Location")).query)
    assert set(query) == {"SAMLart", "RelayState"}
    assert query["RelayState"] == ["state &="]
    assert header(answer, "Cache-Control") == "no-store"


@pytest.mark.standard(S, "3.6.5.2", "an artifact works once, for the one it was made for")
def test_artifact_is_single_use(saml: SamlWorld, party: Party) -> None:
    fetching = saml.party(artifact=True)
    art = artifact_of(saml, fetching)
    assert resolved(party, art) is None
    assert resolved(fetching, art) is not None
    assert resolved(fetching, art) is None


@pytest.mark.standard(S, "3.6.5.2", "an artifact lives for a minute at most")
def test_artifact_lifetime(saml: SamlWorld) -> None:
    fetching = saml.party(artifact=True)
    art = artifact_of(saml, fetching)
    stored = StoredArtifact.objects.get()
    assert stored.expires_at <= timezone.now() + timedelta(seconds=60)
    saml.provider.ahead = timedelta(seconds=61)
    assert resolved(fetching, art) is None


@pytest.mark.standard(S, "3.6.5", "the resolver has to prove who it is")
def test_artifact_resolve_is_signed(saml: SamlWorld) -> None:
    fetching = saml.party(artifact=True)
    inside = f"<samlp:Artifact>{artifact_of(saml, fetching)}</samlp:Artifact>"
    answer = fetching.soap(RESOLVE, "samlp:ArtifactResolve", inside, signed=False)
    assert in_body(answer, status=403).tag == f"{{{vocabulary.SOAP}}}Fault"


@pytest.mark.standard(S, "3.2.3.3", "what is no envelope is answered by a fault, never by a page")
@pytest.mark.parametrize("body", [b"", b"<a/>", b"no XML", b"<!DOCTYPE a><a/>"])
def test_faults(saml: SamlWorld, party: Party, body: bytes) -> None:
    fault = in_body(party.send_envelope(RESOLVE, body), status=500)
    assert fault.tag == f"{{{vocabulary.SOAP}}}Fault"
