"""Clients' key sets by address: read when needed, again when a key is unknown, never too often."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from idp import client_keys, directory
from idp.models import Client, RemoteDocument
from idp.protocol.jwk import ClientKeys
from tests.support import receiver
from tests.support.crafted_jwt import ClientKeyRing
from tests.support.factories import ClientFactory
from tests.support.receiver import Receiver

pytestmark = pytest.mark.django_db


class Unknown(Exception):
    """No key of this name."""


@pytest.fixture
def server(settings: Any) -> Iterator[Receiver]:
    with Receiver() as running:
        allowed = (f"127.0.0.1:{running.port}",)
        settings.IDP = settings.IDP.model_copy(update={"outbound_allow": allowed})
        yield running


@pytest.fixture
def ring() -> ClientKeyRing:
    return ClientKeyRing("ES256")


@pytest.fixture
def client(server: Receiver, ring: ClientKeyRing) -> Client:
    server.behaviours["/jwks"] = receiver.ok(ring.public)
    return ClientFactory(jwks_uri=server.url("/jwks"), token_endpoint_auth_method="private_key_jwt")


def kids(keys: ClientKeys) -> set[str]:
    return {key.kid for key in keys.keys}


def look_for(client: Client, kid: str) -> set[str]:
    def attempt(keys: ClientKeys) -> set[str]:
        if not keys.has_kid(kid):
            raise Unknown
        return kids(keys)

    return client_keys.retried(client, attempt, unknown=Unknown)


def age(by: timedelta) -> None:
    """Let what was fetched, and the last attempt, be that much older."""
    for row in RemoteDocument.objects.all():
        row.attempted_at -= by
        row.fetched_at = row.fetched_at and row.fetched_at - by
        row.save()
    directory.forget()


@pytest.mark.standard("RFC 7591", "2", "keys by value")
def test_by_value(ring: ClientKeyRing) -> None:
    client = ClientFactory(jwks=ring.public)
    assert kids(client_keys.of(client)) == {ring.keys["ES256"].kid}
    assert not RemoteDocument.objects.exists()
    with pytest.raises(Unknown):
        look_for(client, "another")


def test_without_any() -> None:
    assert client_keys.of(ClientFactory()) == ClientKeys()


def test_a_set_that_is_none() -> None:
    client = ClientFactory(jwks={"keys": [{"kty": "oct", "k": "c2VjcmV0"}]})
    with pytest.raises(client_keys.NoKeys, match="private"):
        client_keys.of(client)


@pytest.mark.standard("RFC 7591", "2", "keys by address, read once")
def test_by_address(client: Client, server: Receiver, ring: ClientKeyRing) -> None:
    for _ in range(3):
        assert kids(client_keys.of(client)) == {ring.keys["ES256"].kid}
    directory.forget()
    assert kids(client_keys.of(client))
    assert len(server.at("/jwks")) == 1


@pytest.mark.standard("OIDC Core", "10.1.1", "an unknown kid makes us read the set again")
def test_rotation(client: Client, server: Receiver, ring: ClientKeyRing) -> None:
    old = ring.keys["ES256"].kid
    assert look_for(client, old)
    new = ring.add("ES256").kid
    server.behaviours["/jwks"] = receiver.ok(ring.public)
    age(timedelta(seconds=11))
    assert look_for(client, new) == {new}
    with pytest.raises(Unknown):
        look_for(client, old)


def test_unknown_kids_do_not_make_us_ask_again_and_again(client: Client, server: Receiver) -> None:
    client_keys.of(client)
    for number in range(20):
        with pytest.raises(Unknown):
            look_for(client, f"invented-{number}")
    assert len(server.at("/jwks")) == 1
    age(timedelta(seconds=11))
    for number in range(20):
        with pytest.raises(Unknown):
            look_for(client, f"invented-{number}")
    assert len(server.at("/jwks")) == 2


def test_another_process_has_read_it(client: Client, server: Receiver, ring: ClientKeyRing) -> None:
    client_keys.of(client)
    new = ring.add("ES256").kid
    now = timezone.now()
    RemoteDocument.objects.update(document=ring.public, fetched_at=now, attempted_at=now)
    assert look_for(client, new) == {new}
    assert len(server.at("/jwks")) == 1


def test_old_sets_are_read_again(client: Client, server: Receiver, ring: ClientKeyRing) -> None:
    client_keys.of(client)
    ring.add("ES256")
    server.behaviours["/jwks"] = receiver.ok(ring.public)
    age(client_keys.FRESH_FOR + timedelta(seconds=1))
    assert kids(client_keys.of(client)) == {ring.keys["ES256"].kid}


@pytest.mark.parametrize(
    "behaviour",
    [
        receiver.ok({}, status=500),
        receiver.redirect("https://example.org/jwks"),
        receiver.big(),
        receiver.cut(),
        receiver.ok(b"<html>", content_type="text/html"),
        receiver.ok([]),
        receiver.ok({"keys": "none"}),
        receiver.ok({"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]}),
        receiver.ok({"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}),
    ],
)
def test_last_good_set_counts_for_a_day(
    client: Client, server: Receiver, behaviour: receiver.Behaviour
) -> None:
    good = kids(client_keys.of(client))
    server.behaviours["/jwks"] = behaviour
    age(client_keys.FRESH_FOR + timedelta(seconds=1))
    assert kids(client_keys.of(client)) == good
    assert RemoteDocument.objects.get().error
    age(client_keys.USABLE_FOR)
    with pytest.raises(client_keys.NoKeys, match="cannot be read"):
        client_keys.of(client)


def test_never_answered(client: Client, server: Receiver) -> None:
    server.stop()
    with pytest.raises(client_keys.NoKeys, match="cannot be reached"):
        client_keys.of(client)
    server.start()
    with pytest.raises(client_keys.NoKeys):
        client_keys.of(client)
    age(timedelta(seconds=11))
    assert client_keys.of(client).keys


def test_private_addresses_are_not_asked() -> None:
    client = ClientFactory(jwks_uri="https://10.0.0.1/jwks")
    with pytest.raises(client_keys.NoKeys, match="private"):
        client_keys.of(client)


def test_one_fetch_at_a_time(client: Client, server: Receiver) -> None:
    """Whoever comes while another thread waits for a slow server does not wait too."""
    with client_keys._fetching, pytest.raises(client_keys.NoKeys):
        client_keys.of(client)
    assert not server.received
    assert client_keys.of(client).keys


def test_a_key_that_was_just_taken_away_is_not_kept(ring: ClientKeyRing) -> None:
    row = ClientFactory(jwks=ring.public, token_endpoint_auth_method="private_key_jwt")
    earlier = directory.client(row.client_id)
    assert earlier is not None
    successor = ClientKeyRing("ES256")
    row.jwks = successor.public
    row.save()
    client_keys.of(earlier)
    later = directory.client(row.client_id)
    assert later is not None
    assert kids(client_keys.of(later)) == {successor.keys["ES256"].kid}
