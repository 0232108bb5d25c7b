"""Proof of readiness: who fetched which keys, and what is no proof."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from federation.identity_provider import entity, key_pins, metadata_fetches
from federation.models import KeyPin
from idp import directory, keys
from tests.support.saml import Party, SamlWorld


def path(party: Party) -> str:
    return entity.metadata_url(party.row).partition(":8000")[2]


def fetch(party: Party, *, method: str = "get", **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return getattr(Client(), method)(path(party), headers=named, REMOTE_ADDR="192.0.2.7")


def pin(party: Party) -> KeyPin:
    return KeyPin.objects.get(pk=party.row.pk)


def test_a_fetch_is_noted_with_the_keys_in_it(saml: SamlWorld, party: Party) -> None:
    old = keys.saml_signing().kid
    fetch(party, user_agent="Shibboleth/3.5")
    noted = pin(party)
    assert noted.has_fetched(old)
    assert (noted.fetched_from, noted.fetched_with) == ("192.0.2.7", "Shibboleth/3.5")
    keys.rotate(keys.SAML, "RS256")
    new = keys.saml().following
    assert new is not None
    assert not pin(party).has_fetched(new.kid)
    fetch(party)
    assert pin(party).has_fetched(new.kid)
    assert pin(party).has_fetched(old)


def test_not_modified_is_proof_of_the_current_content(saml: SamlWorld, party: Party) -> None:
    etag = fetch(party).headers["ETag"]
    KeyPin.objects.all().delete()
    metadata_fetches.recorder.forget()
    assert fetch(party, if_none_match=etag).status_code == 304
    assert pin(party).has_fetched(keys.saml_signing().kid)


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("head", {}),
        ("get", {"if_none_match": "*"}),
        ("get", {"if_none_match": '"odd", *'}),
        ("get", {"sec_fetch_mode": "navigate"}),
        ("post", {}),
    ],
)
def test_what_is_no_proof(
    saml: SamlWorld, party: Party, method: str, headers: dict[str, str]
) -> None:
    fetch(party, method=method, **headers)
    assert not KeyPin.objects.exists()


def test_the_general_address_and_unknown_ones_tell_nobody_apart(
    saml: SamlWorld, party: Party
) -> None:
    assert saml.provider.get("/saml/metadata").status == 200
    assert Client().get("/saml/metadata/" + "0" * 20).status_code == 404
    assert not KeyPin.objects.exists()


def test_is_written_once_a_minute_unless_the_keys_change(saml: SamlWorld, party: Party) -> None:
    fetch(party)
    first = pin(party).fetched_at
    with CaptureQueriesContext(connection) as asked:
        for _ in range(20):
            fetch(party)
    assert not [one for one in asked if "fetched_at" in one["sql"]]
    # Another process, which remembers nothing, asks the row.
    metadata_fetches.recorder.forget()
    fetch(party)
    assert pin(party).fetched_at == first
    KeyPin.objects.update(fetched_at=timezone.now() - timedelta(seconds=61))
    metadata_fetches.recorder.forget()
    fetch(party)
    assert pin(party).fetched_at > timezone.now() - timedelta(seconds=30)
    keys.rotate(keys.SAML, "RS256")
    fetch(party)
    new = keys.saml().following
    assert new is not None
    assert pin(party).has_fetched(new.kid)


def test_a_fetch_bumps_no_configuration(saml: SamlWorld, party: Party) -> None:
    fetch(party)
    directory.refresh()
    before = directory._version
    KeyPin.objects.update(fetched_kids="")
    metadata_fetches.recorder.forget()
    fetch(party)
    directory.refresh()
    assert directory._version == before


def test_a_database_that_fails_breaks_no_answer(
    saml: SamlWorld, party: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise OperationalError("gone")

    with monkeypatch.context() as patch:
        patch.setattr(metadata_fetches, "_write", fail)
        assert fetch(party).status_code == 200
    assert not KeyPin.objects.exists()
    fetch(party)
    assert pin(party).fetched_at


def test_a_fetch_leaves_the_pin_alone(saml: SamlWorld, party: Party) -> None:
    keys.rotate(keys.SAML, "RS256")
    new = keys.saml().following
    assert new is not None
    key = new.kid
    key_pins.move([party.row.pk], to=key, now=timezone.now(), origin={})
    fetch(party)
    assert entity.signing_kid(party.row) == key
