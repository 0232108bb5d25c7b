"""Client secrets: 256 random bits, kept as a digest."""

from __future__ import annotations

from idp.models import Client
from idp.tokens import client_secret


def test_every_secret_is_another_and_long_enough() -> None:
    secrets = {client_secret.generate() for _ in range(100)}
    assert len(secrets) == 100
    assert all(len(secret) >= 47 and secret.startswith("gts_") for secret in secrets)


def test_knows_its_own_secret_alone() -> None:
    secret = client_secret.generate()
    client = Client(secret_hash=client_secret.digest(secret))
    assert client_secret.belongs_to(client, secret)
    assert not client_secret.belongs_to(client, secret + " ")
    assert not client_secret.belongs_to(client, "")


def test_nobody_and_clients_without_a_secret_have_none() -> None:
    assert not client_secret.belongs_to(None, "x")
    assert not client_secret.belongs_to(Client(secret_hash=b""), "")
    decoy = "compared with where there is no secret, for equal work"
    assert not client_secret.belongs_to(Client(secret_hash=b""), decoy)
    assert not client_secret.belongs_to(None, decoy)
