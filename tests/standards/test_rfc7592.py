"""RFC 7592: a client reads, changes and removes its own registration, and nobody else does."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from idp import client_lifecycle, directory, logo, registration
from idp.endpoints import client_configuration
from idp.models import Application, AuditEvent, Client
from idp.tokens import client_secret
from tests.support import dynamic
from tests.support.dynamic import Registered, registered
from tests.support.protocol import RelyingParty, World, agree, header, json

S = "RFC 7592"


@pytest.fixture
def client(world: World) -> Registered:
    dynamic.policy()
    return registered(world.provider, scope="openid email")


def row(client: Registered) -> Client:
    return Client.objects.select_related("application").get(client_id=client.id)


@pytest.mark.standard(S, "2.1", "read")
def test_read(client: Registered) -> None:
    response = client.read()
    assert response.status == 200
    assert header(response, "Cache-Control") == "no-store"
    found = json(response)
    assert found == {k: v for k, v in client.answer.items() if not k.startswith("client_secret")}


@pytest.mark.standard(S, "2", "the token of this client, and only of this one")
def test_tokens(world: World, client: Registered) -> None:
    other = registered(world.provider)
    for token in (other.token, "x", "gtm_x", client.token[:-1], client.answer["client_secret"]):
        response = client.read(token)
        assert response.status == 401
        assert 'error="invalid_token"' in header(response, "WWW-Authenticate")
    without = dynamic.send(world.provider, "GET", client.path)
    assert header(without, "WWW-Authenticate") == 'Bearer realm="registration"'
    for path in ("/register/client", "/register/client?client_id=nobody"):
        assert dynamic.send(world.provider, "GET", path, token=client.token).status == 401


def test_clients_of_administrators_have_no_token(world: World, web: RelyingParty) -> None:
    for token in ("", "x", web.secret):
        path = f"/register/client?client_id={web.id}"
        for method in ("GET", "PUT", "DELETE"):
            assert dynamic.send(world.provider, method, path, {}, token=token).status == 401


@pytest.mark.standard(S, "2.2", "change; the token is rotated")
def test_change(client: Registered) -> None:
    old = client.token
    uris = ["https://wiki.example/callback", "https://wiki.example/new"]
    response = client.change(redirect_uris=uris, client_name="New")
    assert response.status == 200, response.body
    assert json(response)["redirect_uris"] == uris
    assert row(client).application.name == "New"
    assert client.token != old
    assert client.read(old).status == 401
    assert client.read().status == 200


@pytest.mark.standard(S, "2.2", "what is left out goes back to its default")
def test_left_out(client: Registered) -> None:
    assert client.change(scope=None).status == 200
    assert "email" in client.answer["scope"]
    assert "phone" in client.answer["scope"]


@pytest.mark.standard(S, "2.2", "members that a client must not send, or not change")
@pytest.mark.parametrize(
    "changes",
    [
        {"registration_access_token": "x"},
        {"registration_client_uri": "https://x.example"},
        {"client_secret_expires_at": 0},
        {"client_id_issued_at": 1},
        {"client_id": "another"},
        {"client_id": None},
        {"client_secret": "chosen by the client"},
        {"client_secret": 7},
        {"gatehouse_first_party": True},
    ],
)
def test_members(client: Registered, changes: dict[str, Any]) -> None:
    response = client.change(**changes)
    assert json(response)["error"] == "invalid_client_metadata"
    assert client.read().status == 200


@pytest.mark.standard(S, "2.2", "a change is checked by the policy of now (CVE-2026-15572)")
def test_policy(client: Registered) -> None:
    dynamic.policy(allowed_hosts=["*.apps.example"])
    assert json(client.change())["error"] == "invalid_redirect_uri"
    dynamic.policy(allowed_hosts=[], profile="default")
    widened = client.change(
        grant_types=["implicit", "authorization_code"], response_types=["id_token", "code"]
    )
    assert json(widened)["error"] == "invalid_client_metadata"
    assert json(client.change(redirect_uris=["http://x.example/"]))["error"] == (
        "invalid_redirect_uri"
    )
    dynamic.policy(mode="off")
    assert client.change().status == 403
    assert client.read().status == 200


def test_front_channel_goes_when_the_policy_withdraws_it(world: World) -> None:
    dynamic.policy(profile="compatibility")
    client = registered(world.provider, grant_types=["implicit"], response_types=["id_token"])
    dynamic.policy(profile="default")
    assert json(client.change())["error"] == "invalid_client_metadata"


def test_what_administrators_decided_stays(world: World, client: Registered) -> None:
    resource = world.resource("https://api.example", "read")
    found = row(client)
    found.resources.add(resource)
    found.pkce, found.id_token_scope_claims = "required", True
    found.application.first_party = True
    found.application.save()
    found.save()
    assert client.change(client_name="New").status == 200
    found = row(client)
    assert (found.pkce, found.id_token_scope_claims) == ("required", True)
    assert found.application.first_party
    assert [one.identifier for one in found.resources.all()] == ["https://api.example"]


def test_a_profile_that_was_taken_away_does_not_come_back(world: World) -> None:
    """By no detour either: the policy gives it to new clients."""
    dynamic.policy(profile="compatibility")
    front = {"grant_types": ["implicit"], "response_types": ["id_token"]}
    code = {"grant_types": ["authorization_code"], "response_types": ["code"]}
    client = registered(world.provider, **front)
    assert client.change().status == 200
    Application.objects.update(profile="default")
    assert json(client.change())["error"] == "invalid_client_metadata"
    loopback = ["http://127.0.0.1/callback"]
    native = client.change(application_type="native", redirect_uris=loopback, **code)
    assert native.status == 200
    assert row(client).application.kind == "native"
    assert client.change(**{**dynamic.SOUND, "application_type": "web"}, **code).status == 200
    assert row(client).application.profile == "default"
    assert row(client).application.kind == "web"
    assert json(client.change(**front))["error"] == "invalid_client_metadata"


def test_disabled_meanwhile(client: Registered, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        registration, "check_sector", lambda _: Application.objects.update(enabled=False)
    )
    assert client.change(client_name="New").status == 403
    assert row(client).application.name == "Wiki"


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_administrators_meanwhile(client: Registered, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change writes whole rows; what somebody decides in between is not undone by it."""
    give = registration.give_registration_token

    def decide() -> None:
        registration.regenerate_secret(row(client))
        Application.objects.update(enabled=False)
        connection.close()

    deciding = threading.Thread(target=decide)

    def meanwhile(one: Client) -> str:
        deciding.start()
        deciding.join(timeout=1)
        return give(one)

    monkeypatch.setattr(registration, "give_registration_token", meanwhile)
    assert client.change(client_name="New").status == 200
    deciding.join()
    assert row(client).application.name == "New"
    assert not row(client).application.enabled
    assert not client_secret.belongs_to(row(client), client.answer["client_secret"])


def test_removed_meanwhile(client: Registered, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registration, "check_sector", lambda _: registration.remove(row(client)))
    assert client.change().status == 401
    assert client.read().status == 401


@pytest.mark.standard(S, "2.2", "a token that was replaced is dead in every process")
def test_memory_of_other_processes(client: Registered, monkeypatch: pytest.MonkeyPatch) -> None:
    """What this process remembers of a client may be older than another's change."""
    old = client.token
    assert client.read().status == 200
    monkeypatch.setattr(directory, "forget", lambda: None)
    monkeypatch.setattr(directory, "_polled", float("inf"))
    assert client.change().status == 200
    assert client.read(old).status == 401
    assert client.read().status == 200


@pytest.fixture
def logos(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What is found at which address; a function is called first."""
    found: dict[str, Any] = {}

    def fetch(url: str) -> tuple[bytes, str]:
        name = url.rpartition("/")[2]
        if name not in found:
            raise logo.NoLogo("it answers with status 404")
        if callable(found[name]):
            found[name]()
        return name.encode(), "image/png"

    monkeypatch.setattr(logo, "fetch", fetch)
    return found


def shown(client: Registered) -> bytes:
    return bytes(row(client).application.logo)


def test_logo_follows_its_address(world: World, logos: dict[str, Any]) -> None:
    dynamic.policy()
    logos |= {"a": True, "b": True}
    client = registered(world.provider, logo_uri="https://wiki.example/a")
    assert shown(client) == b"a"
    assert client.change(logo_uri="https://wiki.example/b").status == 200
    assert shown(client) == b"b"
    assert client.change(logo_uri="https://wiki.example/missing").status == 200
    assert (shown(client), row(client).application.logo_type) == (b"", "")
    assert "404" in row(client).metadata[registration.LOGO_PROBLEM]
    assert client.change(client_name="New").status == 200
    assert "404" in row(client).metadata[registration.LOGO_PROBLEM], "a job tries again"
    assert client.change(logo_uri="https://wiki.example/a").status == 200
    assert client.change(logo_uri=None).status == 200
    assert (shown(client), row(client).application.logo_type) == (b"", "")
    assert registration.LOGO_PROBLEM not in row(client).metadata


def test_logo_that_an_administrator_removed(world: World, logos: dict[str, Any]) -> None:
    dynamic.policy()
    logos["a"] = True
    client = registered(world.provider, logo_uri="https://wiki.example/a")
    Application.objects.update(logo=b"", logo_type="")
    assert client.change(client_name="New").status == 200
    assert shown(client) == b""
    assert list(client_lifecycle.missing_logos(now=timezone.now())) == []


def test_logo_that_comes_late(world: World, logos: dict[str, Any]) -> None:
    """While it is read the client goes on: nothing is written over."""
    dynamic.policy()
    client = registered(world.provider)

    def changed_meanwhile() -> None:
        logos["a"] = True
        found = row(client)
        found.metadata = {"logo_uri": "https://wiki.example/b", "tos_uri": "https://t.example/"}
        found.save()

    logos["a"] = changed_meanwhile
    assert client.change(logo_uri="https://wiki.example/a").status == 200
    assert shown(client) == b""
    assert row(client).metadata["tos_uri"] == "https://t.example/"
    logos["c"] = lambda: registration.remove(row(client))
    assert client.change(logo_uri="https://wiki.example/c").status == 200
    assert client.read().status == 401


@pytest.mark.standard("RFC 6585", "4", "changes are limited, for each client by itself")
def test_rate(world: World, client: Registered, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_configuration, "CHANGES_AN_HOUR", 3)
    other = registered(world.provider)
    changes = [{}, {"redirect_uris": ["http://x.example/"]}, {}, {}]
    assert [client.change(**one).status for one in changes] == [200, 400, 200, 429]
    assert int(header(client.change(), "Retry-After")) > 60
    assert client.read().status == 200
    assert other.change().status == 200


def test_secret_in_a_change(client: Registered) -> None:
    assert client.change(client_secret=client.answer["client_secret"]).status == 200
    assert client.change(client_secret=None).status == 200


def test_becoming_public_and_back(client: Registered) -> None:
    assert client.change(client_secret=None, token_endpoint_auth_method="none").status == 200
    assert not row(client).secret_hash
    client.answer.pop("client_secret")
    response = client.change(token_endpoint_auth_method="client_secret_post")
    assert json(response)["client_secret"].startswith("gts_")


@pytest.mark.standard(S, "2.3", "204, and everything of it is dead")
def test_remove(world: World, client: Registered) -> None:
    found = row(client)
    agree(world.user, found.application, "openid")
    party = RelyingParty(world.provider, found, client.answer["client_secret"])
    tokens = party.tokens(world.session)
    assert client.remove("gtm_wrong").status == 401
    response = client.remove()
    assert (response.status, response.body) == (204, b"")
    assert client.read().status == 401
    assert client.remove().status == 401
    assert not Client.objects.filter(client_id=client.id).exists()
    assert party.userinfo(tokens["access_token"]).status == 401
    assert AuditEvent.objects.filter(action="application.deleted").exists()


def test_disabled(client: Registered) -> None:
    application = row(client).application
    application.enabled = False
    application.save()
    for response in (client.read(), client.change(), client.remove()):
        assert response.status == 403


def test_other_methods(world: World, client: Registered) -> None:
    for method in ("POST", "PATCH"):
        assert dynamic.send(world.provider, method, client.path, {}).status == 405


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_changes_at_once(client: Registered) -> None:
    """Of many changes under one token one is made: the token is spent."""
    statuses: list[int] = []
    token = client.token

    def attempt(number: int) -> None:
        document = {**client.metadata, "client_name": f"Name {number}"}
        response = dynamic.send(client.provider, "PUT", client.path, document, token=token)
        statuses.append(response.status)
        connection.close()

    threads = [threading.Thread(target=attempt, args=[number]) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, *[401] * 19]


def test_initial_access_token_is_no_registration_token(world: World, client: Registered) -> None:
    _, token = dynamic.initial_access_token(expires_at=timezone.now())
    assert client.read(token).status == 401
    _, token = dynamic.initial_access_token()
    assert client.read(token).status == 401
    assert dynamic.register(world.provider, token=client.token).status == 401
