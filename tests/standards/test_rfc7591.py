"""RFC 7591, OIDC Registration: clients that register themselves, as far as the policy lets them."""

from __future__ import annotations

import base64
import re
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import orjson
import pytest
from django.db import connection
from django.utils import timezone

from idp import client_lifecycle, logo, outbound
from idp.models import Application, AuditEvent, Client, InitialAccessToken, StatementIssuer
from idp.protocol.message import Response
from tests.support import dynamic, receiver
from tests.support.crafted_jwt import ClientKeyRing
from tests.support.dynamic import register, registered
from tests.support.protocol import (
    RelyingParty,
    World,
    agree,
    answer,
    claims_of,
    cookie_of,
    header,
    header_of,
    json,
)
from tests.support.receiver import Receiver
from tests.support.sign_in import Browser

S = "RFC 7591"


@pytest.fixture
def open_to_all(world: World) -> World:
    dynamic.policy()
    return world


def refused(response: Any, error: str) -> str:
    assert (response.status, json(response)["error"]) == (400, error), response.body
    assert not Client.objects.filter(application__origin="dynamic").exists()
    return json(response)["error_description"]


# ----- modes -----


@pytest.mark.standard(S, "3", "off by default: no endpoint, no metadata")
def test_off(world: World) -> None:
    assert register(world.provider).status == 404
    assert "registration_endpoint" not in json(
        world.provider.get("/.well-known/openid-configuration")
    )
    dynamic.policy()
    assert json(world.provider.get("/.well-known/openid-configuration"))[
        "registration_endpoint"
    ].endswith("/register")


@pytest.mark.standard(S, "3.2.1", "201 with everything that is registered")
@pytest.mark.standard(S, "2", "defaults")
def test_open(open_to_all: World) -> None:
    response = register(open_to_all.provider)
    assert response.status == 201
    assert header(response, "Cache-Control") == "no-store"
    found = json(response)
    assert found["grant_types"] == ["authorization_code"]
    assert found["response_types"] == ["code"]
    assert found["token_endpoint_auth_method"] == "client_secret_basic"
    assert found["client_secret_expires_at"] == 0
    assert found["client_secret"].startswith("gts_")
    assert found["client_name"] == "Wiki"
    assert not any(name.startswith("gatehouse_") for name in found)
    client = Client.objects.select_related("application").get(client_id=found["client_id"])
    assert client.application.origin == Application.Origin.DYNAMIC
    assert not client.application.first_party
    assert AuditEvent.objects.filter(action="application.created").exists()


@pytest.mark.standard("OIDC Core", "3.1.2.1", "what registered itself signs people in")
def test_the_client_works(open_to_all: World) -> None:
    found = registered(open_to_all.provider)
    client = Client.objects.get(client_id=found.id)
    party = RelyingParty(open_to_all.provider, client, found.answer["client_secret"])
    asked = party.authorize(open_to_all.session)
    assert header(asked, "Location").startswith("/interaction/")
    agree(open_to_all.user, client.application, "openid")
    assert claims_of(party.tokens(open_to_all.session)["id_token"])["aud"] == found.id


@pytest.mark.standard(S, "3", "an initial access token")
def test_token_mode(world: World) -> None:
    dynamic.policy(mode="token")
    response = register(world.provider)
    assert (response.status, header(response, "WWW-Authenticate")) == (
        401,
        'Bearer realm="registration"',
    )
    for wrong in ("", "x", "gti_x", "gtm_" + "A" * 50):
        response = register(world.provider, token=wrong)
        assert response.status == 401
        assert 'error="invalid_token"' in header(response, "WWW-Authenticate")
    row, token = dynamic.initial_access_token(owner="Team Wiki")
    assert register(world.provider, token=token).status == 201
    row.refresh_from_db()
    assert row.uses == 1
    assert Application.objects.get(origin="dynamic").owner == "Team Wiki"


@pytest.mark.parametrize(
    "fields",
    [
        {"revoked_at": timezone.now()},
        {"expires_at": timezone.now() - timedelta(seconds=1)},
        {"most_uses": 1, "uses": 1},
        {"most_uses": 0},
    ],
)
def test_tokens_that_do_not_count(world: World, fields: dict[str, Any]) -> None:
    dynamic.policy(mode="open")
    _, token = dynamic.initial_access_token(**fields)
    assert register(world.provider, token=token).status == 401


def test_a_refused_registration_uses_nothing_up(world: World) -> None:
    dynamic.policy(mode="token")
    row, token = dynamic.initial_access_token(most_uses=1)
    assert register(world.provider, token=token, redirect_uris=[]).status == 400
    assert register(world.provider, token=token).status == 201
    assert register(world.provider, token=token).status == 401
    row.refresh_from_db()
    assert row.uses == 1


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_fifty_registrations_with_a_token_for_one(world: World) -> None:
    dynamic.policy(mode="token")
    _, token = dynamic.initial_access_token(most_uses=1)
    statuses: list[int] = []

    def attempt() -> None:
        statuses.append(register(world.provider, token=token).status)
        connection.close()

    threads = [threading.Thread(target=attempt) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [201, *[401] * 49]
    assert InitialAccessToken.objects.get().uses == 1


@pytest.mark.standard("RFC 6585", "4", "strangers are limited, holders of a token are not")
def test_rate(world: World) -> None:
    dynamic.policy(per_hour=3)
    assert [register(world.provider).status for _ in range(4)] == [201, 201, 201, 429]
    assert int(header(register(world.provider), "Retry-After")) > 60
    _, token = dynamic.initial_access_token()
    assert register(world.provider, token=token).status == 201


# ----- what may be registered -----


@pytest.mark.standard(S, "3.2.2", "invalid_redirect_uri")
@pytest.mark.standard("OIDC Registration", "2", "web clients are on the web")
@pytest.mark.parametrize(
    "address",
    [
        "https://wiki.example/callback#fragment",
        "https://wiki.example/callback#",
        "http://wiki.example/callback",
        "http://localhost/callback",
        "https://localhost/callback",
        "https://127.0.0.1/callback",
        "https://10.0.0.1/callback",
        "https://[fd00::1]/callback",
        "javascript:alert(1)",
        "data:text/html,x",
        "com.example.wiki:/callback",
        "https://user@wiki.example/callback",
        "https://*.example/callback",
        "/callback",
    ],
)
def test_redirect_uris(open_to_all: World, address: str) -> None:
    refused(register(open_to_all.provider, redirect_uris=[address]), "invalid_redirect_uri")


def test_native_clients_are_on_devices(open_to_all: World) -> None:
    found = registered(
        open_to_all.provider,
        application_type="native",
        token_endpoint_auth_method="none",
        redirect_uris=["http://127.0.0.1/callback", "com.example.wiki:/callback"],
    )
    assert "client_secret" not in found.answer
    assert "client_secret_expires_at" not in found.answer
    application = Client.objects.get(client_id=found.id).application
    assert (application.profile, application.kind) == ("native", "native")


@pytest.mark.standard(S, "3.2.1", "clients that are public or have keys get no secret")
@pytest.mark.parametrize(
    ("method", "has_secret"),
    [
        ("none", False),
        ("private_key_jwt", False),
        ("client_secret_basic", True),
        ("client_secret_post", True),
    ],
)
def test_secrets(open_to_all: World, ring: ClientKeyRing, method: str, has_secret: bool) -> None:
    found = registered(
        open_to_all.provider, token_endpoint_auth_method=method, jwks=ring.public
    ).answer
    assert found["token_endpoint_auth_method"] == method
    assert ("client_secret" in found) is has_secret
    assert ("client_secret_expires_at" in found) is has_secret
    client = Client.objects.get(client_id=found["client_id"])
    assert bool(client.secret_hash) is has_secret
    if has_secret:
        assert found["client_secret"] not in str(Client.objects.values().get(pk=client.pk))


@pytest.mark.standard(S, "5", "people are warned of it, and nothing of it is loaded from elsewhere")
def test_consent_page(open_to_all: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logo, "fetch", lambda url: (PIXEL, "image/png"))
    uri = "https://wiki.example/logo.png"
    found = registered(open_to_all.provider, logo_uri=uri, client_uri="https://wiki.example/")
    client = Client.objects.select_related("application").get(client_id=found.id)
    party = RelyingParty(open_to_all.provider, client)
    asking = party.authorize(open_to_all.session)
    browser = Browser()
    browser.cookies.load(cookie_of(open_to_all.session))
    for name, value in asking.headers:
        if name == "Set-Cookie":
            browser.cookies.load(value)
    page = browser.open(header(asking, "Location"))
    text = page.content.decode()
    assert "has checked" in text
    assert "wiki.example" in text
    assert uri not in text
    (source,) = re.findall(r'<img[^>]* src="([^"]+)"', text)
    assert browser.get(source).headers["Content-Type"] == "image/png"
    assert "img-src 'self'" in page.headers["Content-Security-Policy"]


PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.mark.standard("OIDC Core", "4", "a sign-in may begin here: the client is told who we are")
def test_third_party_initiated(open_to_all: World) -> None:
    uri = "https://wiki.example/login?from=portal"
    found = registered(open_to_all.provider, initiate_login_uri=uri)
    assert found.answer["initiate_login_uri"] == uri
    application = Client.objects.get(client_id=found.id).application
    agree(open_to_all.user, application, "openid")
    browser = Browser()
    browser.cookies.load(cookie_of(open_to_all.session))
    issuer = "iss=http%3A%2F%2Flocalhost%3A8000"
    assert f"{uri}&amp;{issuer}" in browser.open("/account").content.decode()


@pytest.mark.standard("OIDC Registration", "2", "what is registered is what happens")
def test_registered_metadata_is_honoured(open_to_all: World, ring: ClientKeyRing) -> None:
    found = registered(
        open_to_all.provider,
        default_max_age=60,
        require_auth_time=True,
        default_acr_values=["phr", "pwd"],
        id_token_signed_response_alg="ES256",
        userinfo_signed_response_alg="PS256",
        request_object_signing_alg="ES256",
        require_signed_request_object=True,
        subject_type="pairwise",
        jwks=ring.public,
    )
    client = Client.objects.select_related("application").get(client_id=found.id)
    agree(open_to_all.user, client.application, "openid")
    party = RelyingParty(open_to_all.provider, client, found.answer["client_secret"])
    assert answer(party.authorize(open_to_all.session))["error"] == "invalid_request"
    signed = ring.sign(party.request(aud="http://localhost:8000", iss=party.id))
    code = answer(party.authorize(open_to_all.session, request=signed))["code"]
    tokens = json(party.redeem(code))
    claims = claims_of(tokens["id_token"])
    assert header_of(tokens["id_token"])["alg"] == "ES256"
    assert claims["acr"] == "pwd"
    assert isinstance(claims["auth_time"], int)
    assert len(claims["sub"]) == 64
    said = party.userinfo(tokens["access_token"]).body.decode()
    assert header_of(said)["alg"] == "PS256"
    assert claims_of(said)["sub"] == claims["sub"]
    open_to_all.session.authenticated_at -= timedelta(minutes=5)
    open_to_all.session.save()
    silent = ring.sign(party.request(prompt="none"))
    late = answer(party.authorize(open_to_all.session, request=silent, prompt="none"))
    assert late["error"] == "login_required"


@pytest.mark.standard("RFC 8252", "7.2", "claimed https addresses are checked like anybody's")
@pytest.mark.parametrize("name", ["redirect_uris", "post_logout_redirect_uris"])
def test_native_is_no_way_around_the_policy(world: World, name: str) -> None:
    dynamic.policy(allowed_hosts=["*.apps.example"])
    native = {"application_type": "native", "redirect_uris": ["http://127.0.0.1/callback"]}
    for address in ("https://evil.example/", "https://10.0.0.1/", "https://router.localhost/"):
        response = register(world.provider, **{**native, name: [address]})
        refused(response, "invalid_redirect_uri")
    sound = ["https://a.apps.example/cb", "com.example.wiki:/callback", "http://[::1]/callback"]
    assert register(world.provider, **{**native, name: sound}).status == 201


@pytest.mark.standard(S, "3.2.2", "invalid_client_metadata")
@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uris": [f"https://wiki.example/{n}" for n in range(10_000)]},
        {"grant_types": ["implicit"], "response_types": ["code"]},
        {"grant_types": ["authorization_code"], "response_types": ["id_token"]},
        {"grant_types": ["implicit"], "response_types": ["id_token"]},
        {"grant_types": ["client_credentials"]},
        {"grant_types": ["authorization_code", "client_credentials"]},
        {"grant_types": ["password"]},
        {"token_endpoint_auth_method": "private_key_jwt"},
        {"token_endpoint_auth_method": "client_secret_jwt"},
        {"id_token_signed_response_alg": "none"},
        {"id_token_signed_response_alg": "HS256"},
        {"jwks": {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}},
        {"jwks": {"keys": []}, "jwks_uri": "https://wiki.example/jwks", "x": 1, "client_name": 7},
        {"jwks_uri": "https://10.0.0.1/jwks"},
        {"jwks_uri": "http://wiki.example/jwks"},
        {"backchannel_logout_uri": "https://169.254.169.254/"},
        {"frontchannel_logout_uri": "http://127.0.0.1/"},
        {"initiate_login_uri": "http://wiki.example/login"},
        {"initiate_login_uri": "http://127.0.0.1/login"},
        {"request_uris": ["https://[::1]/r"]},
        {"logo_uri": "https://elsewhere.example/logo.png"},
        {"logo_uri": "javascript:alert(1)"},
        {"logo_uri": "data:image/png;base64,AA=="},
        {"client_uri": "https://elsewhere.example/"},
        {"policy_uri": "javascript:alert(1)"},
        {"tos_uri": "ftp://wiki.example/"},
        {"gatehouse_first_party": True},
        {"gatehouse_profile": "compatibility"},
        {"gatehouse_pkce": "optional"},
        {"scope": "admin"},
        {"contacts": "x"},
        {"default_max_age": -1},
        {"jwks_uri": "https://wiki.example/" + "a" * 500},
        {"initiate_login_uri": "https://wiki.example/" + "a" * 500},
        {"client_uri": "https://wiki.example/" + "a" * 500},
    ],
)
def test_metadata(open_to_all: World, changes: dict[str, Any]) -> None:
    refused(register(open_to_all.provider, **changes), "invalid_client_metadata")


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"[]", b"null", b'"x"', b"{", b'{"a":1,"a":2}', b"\xff", b'{"a": NaN}'),
        b'{"client_name": "' + b"x" * 70_000 + b'"}',
        b"[" * 10_000,
    ],
)
def test_bodies(open_to_all: World, body: bytes) -> None:
    response = dynamic.send(open_to_all.provider, "POST", "/register", body)
    refused(response, "invalid_client_metadata")


def test_wrong_type_method_and_size(open_to_all: World) -> None:
    send = open_to_all.provider.send
    assert send("POST", "/register", body=b"{}", content_type="text/plain").status == 415
    assert send("GET", "/register").status == 405
    assert send("POST", "/register", body=b"x" * 1_100_000).status == 413


@pytest.mark.standard(S, "2", "what nobody knows is ignored, what is asked beyond is left out")
def test_unknown_and_beyond(open_to_all: World) -> None:
    found = registered(open_to_all.provider, surprise={"a": 1}, scope="openid email admin")
    assert "surprise" not in found.answer
    assert found.answer["scope"] == "openid email"


@pytest.mark.standard(S, "2.2", "human-readable values in a language, which a tag names")
def test_languages(open_to_all: World) -> None:
    names = {f"client_name#{tag}": tag for tag in ("de", "zh-Hant-TW", "\x00", "de\x00", "", "ä")}
    found = registered(open_to_all.provider, **names)
    kept = {name for name in found.answer if name.startswith("client_name#")}
    assert kept == {"client_name#de", "client_name#zh-Hant-TW"}


# ----- the policy -----


@pytest.mark.standard("OIDC Registration", "2", "front-channel types where the policy lets them")
def test_compatibility(world: World) -> None:
    dynamic.policy(profile="compatibility", pkce="optional")
    found = registered(
        world.provider,
        grant_types=["implicit", "authorization_code"],
        response_types=["token id_token", "code"],
    )
    assert found.answer["response_types"] == ["id_token token", "code"]
    client = Client.objects.get(client_id=found.id)
    assert client.application.profile == "compatibility"
    agree(world.user, client.application, "openid")
    party = RelyingParty(world.provider, client, found.answer["client_secret"])
    assert "id_token" in answer(party.authorize(world.session, response_type="id_token token"))
    plain = party.authorize(world.session, code_challenge=None, code_challenge_method=None)
    assert "code" in answer(plain)


def test_optional_pkce_is_not_for_public_clients(world: World) -> None:
    dynamic.policy(pkce="optional")
    found = registered(world.provider, token_endpoint_auth_method="none")
    assert Client.objects.get(client_id=found.id).pkce == "default"


def test_allowed_hosts(world: World) -> None:
    dynamic.policy(allowed_hosts=["*.apps.example", "wiki.example"])
    provider = world.provider
    assert register(provider).status == 201
    assert register(provider, redirect_uris=["https://a.apps.example/cb"]).status == 201
    for host in ("apps.example", "evil.example", "wiki.example.evil.example", "xapps.example"):
        response = register(provider, redirect_uris=[f"https://{host}/cb"])
        assert json(response)["error"] == "invalid_redirect_uri", host


def test_scopes_and_apis(world: World) -> None:
    world.resource("https://api.example", "read", "write")
    dynamic.policy(scope="openid read")
    found = registered(world.provider, scope="openid read write")
    assert found.answer["scope"] == "openid read"
    client = Client.objects.get(client_id=found.id)
    assert [one.identifier for one in client.resources.all()] == ["https://api.example"]


def test_machines(world: World) -> None:
    dynamic.policy(machines=True)
    found = registered(world.provider, grant_types=["client_credentials"], redirect_uris=None)
    assert Client.objects.get(client_id=found.id).application.profile == "machine"


# ----- what is fetched -----


@pytest.fixture
def server(settings: Any) -> Iterator[Receiver]:
    with Receiver() as running:
        allowed = (f"127.0.0.1:{running.port}", "127.0.0.1")
        settings.IDP = settings.IDP.model_copy(update={"outbound_allow": allowed})
        yield running


@pytest.mark.standard("OIDC Registration", "5", "a sector lists every redirect URI")
def test_sector(open_to_all: World, server: Receiver) -> None:
    uris = ["https://a.example/cb", "https://b.example/cb"]
    asked = {
        "redirect_uris": uris,
        "subject_type": "pairwise",
        "sector_identifier_uri": server.url("/sector"),
    }
    server.behaviours["/sector"] = receiver.ok([*uris, "https://c.example/cb"])
    # Over plain http, which only hosts that the operator names may use; https names a sector.
    assert "sector" in refused(register(open_to_all.provider, **asked), "invalid_client_metadata")


@pytest.mark.standard("OIDC Registration", "5", "and then all of its clients know a person alike")
def test_shared_sector(open_to_all: World, monkeypatch: pytest.MonkeyPatch) -> None:
    uris = ["https://a.example/cb", "https://b.example/cb"]
    address = "https://sector.example/uris.json"
    asked: list[str] = []

    def get(url: str, **options: Any) -> outbound.Answer:
        asked.append(url)
        return outbound.Answer(200, {}, orjson.dumps(uris))

    monkeypatch.setattr(outbound, "get", get)
    monkeypatch.setattr(outbound, "check", lambda url: None)
    subs = set()
    for redirect_uri in (uris, uris[:1]):
        found = registered(
            open_to_all.provider,
            redirect_uris=redirect_uri,
            subject_type="pairwise",
            sector_identifier_uri=address,
        )
        client = Client.objects.select_related("application").get(client_id=found.id)
        agree(open_to_all.user, client.application, "openid")
        party = RelyingParty(open_to_all.provider, client, found.answer["client_secret"])
        subs.add(claims_of(party.tokens(open_to_all.session)["id_token"])["sub"])
    assert asked == [address, address]
    assert len(subs) == 1
    unlisted = [*uris, "https://c.example/cb"]
    response = register(
        open_to_all.provider,
        redirect_uris=unlisted,
        subject_type="pairwise",
        sector_identifier_uri=address,
    )
    assert (response.status, json(response)["error"]) == (400, "invalid_client_metadata")


@pytest.mark.parametrize(
    "behaviour",
    [
        receiver.ok(["https://other.example/cb"]),
        receiver.ok({"uris": ["https://wiki.example/callback"]}),
        receiver.ok(b"x"),
        receiver.ok([], status=404),
        receiver.redirect("https://wiki.example/sector"),
        receiver.big(),
        receiver.cut(),
    ],
)
def test_bad_sectors(open_to_all: World, server: Receiver, behaviour: receiver.Behaviour) -> None:
    server.behaviours["/sector"] = behaviour
    address = server.url("/sector")
    response = register(open_to_all.provider, sector_identifier_uri=address)
    assert "sector_identifier_uri" in refused(response, "invalid_client_metadata")


@pytest.mark.standard("OIDC Registration", "5", "several hosts need a sector")
def test_pairwise_with_several_hosts(open_to_all: World) -> None:
    uris = ["https://a.example/cb", "https://b.example/cb"]
    response = register(open_to_all.provider, redirect_uris=uris, subject_type="pairwise")
    refused(response, "invalid_client_metadata")


def test_one_stranger_waits_for_others_servers(
    open_to_all: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever makes us wait holds one thread, not all; the second is answered at once."""
    provider = open_to_all.provider
    sector = {"sector_identifier_uri": "https://wiki.example/sector.json"}
    with_logo = {"logo_uri": "https://wiki.example/logo.png"}
    seconds: list[Response] = []

    def slow_sector(url: str, **options: Any) -> Any:
        seconds.extend([register(provider, **sector), register(provider, **with_logo)])
        raise outbound.OutboundError("timeout", "it did not answer in time")

    def slow_logo(url: str) -> Any:
        seconds.append(register(provider, **with_logo))
        return b"png", "image/png"

    monkeypatch.setattr(outbound, "get", slow_sector)
    monkeypatch.setattr(logo, "fetch", slow_logo)
    assert register(provider, **sector).status == 400
    first = registered(provider, **with_logo)
    assert [one.status for one in seconds] == [503, 201, 201]
    assert header(seconds[0], "Retry-After") == "5"
    assert Client.objects.get(client_id=first.id).application.logo_type == "image/png"
    waiting = client_lifecycle.missing_logos(now=timezone.now())
    assert {one.client_id for one in waiting} == {json(one)["client_id"] for one in seconds[1:]}


def test_a_logo_that_cannot_be_read_does_not_matter(open_to_all: World) -> None:
    found = registered(open_to_all.provider, logo_uri="https://wiki.example/logo.png")
    client = Client.objects.select_related("application").get(client_id=found.id)
    assert not client.application.logo_type
    assert found.answer["logo_uri"] == "https://wiki.example/logo.png"
    assert "gatehouse_logo_problem" not in found.answer
    assert client.metadata["gatehouse_logo_problem"]


# ----- software statements -----


@pytest.fixture
def ring() -> ClientKeyRing:
    return ClientKeyRing("ES256")


@pytest.fixture
def trusted(ring: ClientKeyRing) -> StatementIssuer:
    return StatementIssuer.objects.create(issuer="https://store.example", jwks=ring.public)


@pytest.mark.standard(S, "2.3", "what a statement says wins")
@pytest.mark.standard(S, "3.2.1", "the statement comes back unmodified")
def test_statement(open_to_all: World, ring: ClientKeyRing, trusted: StatementIssuer) -> None:
    statement = ring.sign({"iss": trusted.issuer, "client_name": "Stated", "software_id": "wiki"})
    found = registered(open_to_all.provider, software_statement=statement)
    assert found.answer["client_name"] == "Stated"
    assert found.answer["software_id"] == "wiki"
    assert found.answer["software_statement"] == statement
    assert found.read().status == 200


@pytest.mark.standard(S, "3.2.2", "invalid_ and unapproved_software_statement")
def test_bad_statements(open_to_all: World, ring: ClientKeyRing, trusted: StatementIssuer) -> None:
    def refuse(statement: Any, error: str) -> None:
        refused(register(open_to_all.provider, software_statement=statement), error)

    sound = {"iss": trusted.issuer, "client_name": "Stated"}
    refuse(7, "invalid_software_statement")
    refuse("x", "invalid_software_statement")
    refuse(ring.sign({"client_name": "x"}), "unapproved_software_statement")
    for iss in ("https://evil.example", "\x00", f"{trusted.issuer}\x00"):
        refuse(ring.sign({**sound, "iss": iss}), "unapproved_software_statement")
    refuse(ClientKeyRing("ES256").sign(sound), "invalid_software_statement")
    refuse(ring.sign({**sound, "exp": 1}), "invalid_software_statement")
    refuse(ring.sign({**sound, "gatehouse_first_party": True}), "invalid_software_statement")
    body = ring.sign(sound).split(".")[1]
    refuse(f"eyJhbGciOiJub25lIn0.{body}.", "invalid_software_statement")
    trusted.enabled = False
    trusted.save()
    refuse(ring.sign(sound), "unapproved_software_statement")


def test_required_statement(world: World) -> None:
    dynamic.policy(statement_required=True)
    refused(register(world.provider), "invalid_client_metadata")


def test_refusals_are_in_the_audit_trail(world: World) -> None:
    dynamic.policy(mode="token")
    _, token = dynamic.initial_access_token()
    register(world.provider, token="gti_wrong")
    register(world.provider, token=token, redirect_uris=["http://x.example/"])
    events = AuditEvent.objects.filter(action="registration.refused")
    assert events.count() == 2
    assert not any(token in str(event.__dict__) for event in events)
