"""What real clients need, observed by driving them; the section is the row of that list."""

from __future__ import annotations

import sys
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from django.core.management import call_command
from django.test import Client as DjangoClient
from lxml import etree

from federation.identity_provider import entity, name_ids, registration
from federation.saml import vocabulary
from idp.claims import mapping
from idp.models import ClaimMapping, Client, LogoutNotification
from tests.attacks.saml.service_provider import ServiceProvider
from tests.support import dynamic
from tests.support import receiver as behaviours
from tests.support.crafted_jwt import ClientKeyRing
from tests.support.factories import GroupFactory
from tests.support.logout import deliver, receiver  # noqa: F401 (a fixture)
from tests.support.protocol import (
    RelyingParty,
    World,
    answer,
    claims_of,
    cookie_of,
    header,
    header_of,
    json,
)
from tests.support.receiver import Receiver
from tests.support.saml import NAMESPACES, Party, SamlWorld, metadata_of, posted
from tests.support.sign_in import PASSWORD, Browser, alice, browser, quick_hashes  # noqa: F401 (fixtures)

S = "Interoperability"


# ----- OpenID Connect and OAuth -----

METADATA: dict[str, Any] = {
    "redirect_uris": ["https://wiki.example/callback"],
    "post_logout_redirect_uris": ["https://wiki.example/bye"],
    "backchannel_logout_uri": "https://wiki.example/logout",
    "backchannel_logout_session_required": True,
    "frontchannel_logout_uri": "https://wiki.example/front",
    "jwks": ClientKeyRing("ES256").public,
    "token_endpoint_auth_method": "private_key_jwt",
    "token_endpoint_auth_signing_alg": "ES256",
    "id_token_signed_response_alg": "ES256",
    "scope": "openid email groups",
    "grant_types": ["authorization_code", "refresh_token"],
    "response_types": ["code"],
    "application_type": "web",
}


def by_command(
    document: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> dict[str, Any]:
    source = SimpleNamespace(buffer=BytesIO(orjson.dumps(document)))
    monkeypatch.setattr(sys, "stdin", source)
    call_command("register_client", "-")
    found: dict[str, Any] = orjson.loads(capsys.readouterr().out)
    return found


@pytest.mark.standard(S, "1", "the whole set of metadata, by command and by RFC 7591")
@pytest.mark.parametrize("way", ["command", "registration"])
def test_metadata(
    world: World, way: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if way == "command":
        found = by_command(METADATA, monkeypatch, capsys)
    else:
        dynamic.policy()
        found = json(dynamic.register(world.provider, **METADATA))
    assert {name: found.get(name) for name in METADATA} == METADATA


@pytest.mark.standard(S, "1", "algorithms that are not said have their defaults, empty ones too")
@pytest.mark.parametrize("changes", [{}, {"id_token_signed_response_alg": ""}])
def test_defaults(
    world: World,
    changes: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    document = {"redirect_uris": METADATA["redirect_uris"], "gatehouse_first_party": True}
    if changes:
        dynamic.policy()
        response = dynamic.register(world.provider, **changes)
        refused = json(response).get("error") == "invalid_client_metadata"
        assert refused or json(response)["id_token_signed_response_alg"] == "RS256"
        return
    found = by_command(document, monkeypatch, capsys)
    client = Client.objects.select_related("application").get(client_id=found["client_id"])
    party = RelyingParty(world.provider, client, found["client_secret"])
    assert header_of(party.tokens(world.session)["id_token"])["alg"] == "RS256"


@pytest.mark.standard(S, "2", "groups are a list of names, in the ID token too if wished")
@pytest.mark.parametrize("names", [["staff", "users"], ["staff"], []])
def test_groups(world: World, web: RelyingParty, names: list[str]) -> None:
    world.user.groups.set([GroupFactory(name=name) for name in names])
    scope = "openid profile email groups"
    for inside in (False, True):
        web.change(id_token_scope_claims=inside)
        tokens = web.tokens(world.session, scope=scope)
        said = json(web.userinfo(tokens["access_token"]))
        told = claims_of(tokens["id_token"])
        assert said.get("groups", []) == names
        for claim in ("groups", "name", "email", "preferred_username"):
            assert (claim in told) is (inside and claim in said)
            if claim in told:
                assert told[claim] == said[claim]


@pytest.mark.standard(S, "3", "registration and introspection are in both documents")
def test_both_documents(world: World, web: RelyingParty) -> None:
    dynamic.policy()
    for tail in ("openid-configuration", "oauth-authorization-server"):
        document = json(world.provider.get(f"/.well-known/{tail}"))
        assert document["registration_endpoint"] == "http://localhost:8000/register"
        assert document["introspection_endpoint"] == "http://localhost:8000/introspect"
    found = web.introspect(web.tokens(world.session)["access_token"])
    assert (found["sub"], found["aud"]) == (world.user.subject, "http://localhost:8000")


@pytest.mark.standard(S, "5", "an application in the browser: CORS, and refresh tokens that rotate")
def test_browser_clients(world: World, public: RelyingParty) -> None:
    public.change(refresh_always=False)
    assert "refresh_token" not in public.tokens(world.session)
    public.change(refresh_always=True)
    tokens = public.tokens(world.session)
    renewed = json(public.refresh(tokens["refresh_token"]))
    assert renewed["refresh_token"] != tokens["refresh_token"]
    last = public.provider.responses[-1]
    assert header(last, "Access-Control-Allow-Origin") == "*"
    for path in ("/token", "/userinfo", "/revoke", "/jwks", "/.well-known/openid-configuration"):
        asked = world.provider.send("OPTIONS", path, origin="https://spa.example")
        assert header(asked, "Access-Control-Allow-Origin") == "*"
        assert "Authorization" in header(asked, "Access-Control-Allow-Headers")


@pytest.mark.standard(S, "6", "200 and 204 are success; several clients share a host")
@pytest.mark.parametrize("status", [200, 204])
def test_logout_receivers(
    world: World,
    receiver: Receiver,  # noqa: F811 (the fixture)
    status: int,
) -> None:
    parties = [
        world.relying_party(backchannel_logout_uri=receiver.url(path)) for path in ("/a", "/b")
    ]
    for path in ("/a", "/b"):
        receiver.behaviours[path] = behaviours.ok(status=status)
    hints = [party.tokens(world.session)["id_token"] for party in parties]
    world.provider.get(
        "/end_session", {"id_token_hint": hints[0]}, cookies=cookie_of(world.session)
    )
    deliver()
    assert {one.path for one in receiver.received} == {"/a", "/b"}
    assert {one.state for one in LogoutNotification.objects.all()} == {"acknowledged"}


@pytest.mark.standard(S, "7", "no cookie has a name that another application on the host uses")
@pytest.mark.usefixtures("alice", "quick_hashes")
def test_cookie_names(world: World, web: RelyingParty, browser: Browser) -> None:  # noqa: F811 (fixture)
    browser.open(f"/authorize?{'&'.join(f'{k}={v}' for k, v in web.request().items())}")
    browser.submit(browser.open("/login"), username="alice", password=PASSWORD)
    browser.open("/account/sessions")
    browser.submit(browser.open("/logout"), logout="1")
    assert len(browser.cookies) >= 4
    assert all(name.startswith("gatehouse_") for name in browser.cookies)


@pytest.mark.standard(S, "8", "every answer says how long it is")
def test_content_length(world: World, web: RelyingParty) -> None:
    client = DjangoClient()
    for path in (
        *("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/jwks"),
        *("/authorize", "/userinfo", "/saml/metadata", "/saml/sso", "/login", "/nowhere", "/token"),
    ):
        found = client.get(path)
        assert int(found.headers["Content-Length"]) == len(found.content), path


@pytest.mark.standard(S, "9", "codes reach the registered address alone, and only over TLS")
def test_what_unchecked_signatures_rest_on(world: World, web: RelyingParty) -> None:
    dynamic.policy()
    for address in ("http://wiki.example/cb", "http://localhost.evil.example/cb"):
        response = dynamic.register(world.provider, redirect_uris=[address])
        assert json(response)["error"] == "invalid_redirect_uri"
    near = web.client.redirect_uris[0] + "/"
    assert web.authorize(world.session, redirect_uri=near).status == 400
    assert answer(web.authorize(world.session))["code"]


# ----- SAML -----


@pytest.mark.standard(S, "10", "response and assertion are signed, unless the row says otherwise")
def test_signatures(saml: SamlWorld, party: Party) -> None:
    form = posted(party.redirect(saml.session, identifier="_id"))
    party.accept(form, request_id="_id")
    party.change(sign_response=False)
    form = posted(party.redirect(saml.session))
    assert not form.all("/samlp:Response/ds:Signature")
    assert form.all("//saml:Assertion/ds:Signature")


@pytest.mark.standard(S, "11", "encrypted when there is a key, and only then")
def test_encryption(saml: SamlWorld) -> None:
    for encryption in (True, False):
        party = saml.party(encryption=encryption)
        form = posted(party.redirect(saml.session, identifier="_id"))
        assert bool(form.all("//saml:EncryptedAssertion")) is encryption
        party.accept(form, request_id="_id", encrypted=encryption)


@pytest.mark.standard(S, "12", "the policy is honoured; our first format is the default")
def test_name_id_formats(saml: SamlWorld, party: Party) -> None:
    root = etree.fromstring(saml.provider.get("/saml/metadata").body)
    formats = [one.text for one in root.findall(".//md:NameIDFormat", NAMESPACES)]
    assert formats == list(name_ids.SUPPORTED)
    assert formats[0] == party.row.default_name_id_format == vocabulary.PERSISTENT
    for wanted in formats[:3]:
        inside = f'<samlp:NameIDPolicy Format="{wanted}"/>'
        assert posted(party.redirect(saml.session, inside=inside)).name_id.get("Format") == wanted


@pytest.mark.standard(S, "13", "WantAuthnRequestsSigned is what the service provider does")
def test_want_authn_requests_signed(saml: SamlWorld) -> None:
    sp = ServiceProvider(entity_id="https://signs.example", acs_url="https://signs.example/acs")
    signs = registration.register_from_metadata(sp.metadata()).service_provider
    for row, said in ((signs, "true"), (saml.party().row, "false")):
        path = entity.metadata_url(row).removeprefix("http://localhost:8000")
        root = etree.fromstring(DjangoClient().get(path).content)
        role = root.find("md:IDPSSODescriptor", NAMESPACES)
        assert role is not None
        assert role.get("WantAuthnRequestsSigned") == said


@pytest.mark.standard(S, "15", "a request by POST without cookies: 303, and on by GET")
def test_cross_site_post(saml: SamlWorld, party: Party) -> None:
    response = party.post(None, signed=True, relay_state="back")
    assert response.status == 303
    later = Browser()
    later.cookies.load(cookie_of(saml.session))
    form = posted(later.open(header(response, "Location")))
    assert (form.status, form.relay_state) == (("Success",), "back")


@pytest.mark.standard(S, "16", "URI names with friendly names, uid among them; basic ones by rows")
def test_attribute_names(saml: SamlWorld, party: Party) -> None:
    form = posted(party.redirect(saml.session))
    names = {one.get("FriendlyName"): one.get("Name") for one in form.all("//saml:Attribute")}
    assert names["uid"] == "urn:oid:0.9.2342.19200300.100.1.1"
    assert names["mail"] == "urn:oid:0.9.2342.19200300.100.1.3"
    assert all(name.startswith("urn:oid:") for name in names.values())
    ClaimMapping.objects.create(
        application=party.row.application,
        claim="uid",
        key="username",
        to_saml=True,
        name_format=mapping.NAME_FORMAT_BASIC,
    )
    (one,) = posted(party.redirect(saml.session)).all("//saml:Attribute")
    assert (one.get("Name"), one.get("NameFormat")) == ("uid", mapping.NAME_FORMAT_BASIC)
    assert b"<!DOCTYPE" not in saml.provider.get("/saml/metadata").body


@pytest.mark.standard(S, "17", "metadata without validUntil is taken")
def test_metadata_without_an_end(saml: SamlWorld, party: Party) -> None:
    document = metadata_of(party.sp)
    assert b"validUntil" not in document
    registered = registration.register_from_metadata(document)
    assert registered.service_provider.metadata_valid_until is None
    assert posted(party.redirect(saml.session)).status == ("Success",)
