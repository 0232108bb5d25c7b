"""Metadata query services: how they are asked, what of their answers counts."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from django.utils import timezone

from federation.identity_provider import registration
from federation.identity_provider.metadata_sources import fetching, queries, refreshing
from federation.models import MetadataEntity, MetadataSource, ServiceProvider, Subscription
from federation.saml import errors
from tests.support import receiver
from tests.support.metadata import Federation, alone, group, provider
from tests.support.saml import SamlWorld, metadata_of

A, B = provider("a"), provider("b")
PATH_OF_A = "/mdq/entities/https%3A%2F%2Fa.example.edu%2Fsp"


@pytest.fixture
def source(saml: SamlWorld, federation: Federation) -> MetadataSource:
    return federation.source(kind="mdq", url=federation.server.url("/mdq/"))


def ask(source: MetadataSource, entity_id: str = A.entity_id) -> MetadataEntity:
    return queries.look_up(source, entity_id, now=timezone.now())


def test_asks_for_the_entity_id(source: MetadataSource, federation: Federation) -> None:
    federation.publish(federation.sign(alone(metadata_of(A))), path=PATH_OF_A)
    assert ask(source).entity_id == A.entity_id
    assert federation.server.received[-1].path == PATH_OF_A


def test_asks_for_the_digest(source: MetadataSource, federation: Federation) -> None:
    source.by_digest = True
    source.save()
    digest = hashlib.sha1(A.entity_id.encode()).hexdigest()
    federation.publish(
        federation.sign(alone(metadata_of(A))), path=f"/mdq/entities/%7Bsha1%7D{digest}"
    )
    assert ask(source).entity_id == A.entity_id


@pytest.mark.parametrize(
    ("document", "check"),
    [
        (lambda f: f.sign(alone(metadata_of(B))), "other_entity"),
        (lambda f: f.sign(group(metadata_of(A), metadata_of(B))), "other_entity"),
        (lambda f: alone(metadata_of(A)), "signature_missing"),
        (lambda f: f.sign(alone(metadata_of(A), days=-1)), "valid_until"),
    ],
    ids=["other", "several", "unsigned", "past"],
)
def test_answers_that_do_not_count(
    source: MetadataSource, federation: Federation, document: Any, check: str
) -> None:
    federation.publish(document(federation), path=PATH_OF_A)
    with pytest.raises(errors.InvalidMetadata) as refused:
        ask(source)
    assert refused.value.check == check
    assert not source.entities.exists()


def test_an_unknown_entity(source: MetadataSource, federation: Federation) -> None:
    federation.server.otherwise = receiver.ok(b"", status=404)
    with pytest.raises(fetching.NotDescribed):
        ask(source)


def test_two_who_ask_at_once_both_hear(
    source: MetadataSource, federation: Federation, monkeypatch: pytest.MonkeyPatch
) -> None:
    federation.publish(federation.sign(alone(metadata_of(A))), path=PATH_OF_A)
    fetch = fetching.fetch

    def overtaken(*args: Any, **options: Any) -> Any:
        monkeypatch.setattr(fetching, "fetch", fetch)
        ask(source)
        return fetch(*args, **options)

    monkeypatch.setattr(fetching, "fetch", overtaken)
    assert ask(source) == source.entities.get()


def test_asks_again_conditionally(source: MetadataSource, federation: Federation) -> None:
    federation.publish(federation.sign(alone(metadata_of(A))), path=PATH_OF_A, etag='"a"')
    first = ask(source)
    federation.server.behaviours[PATH_OF_A] = receiver.ok(b"", status=304)
    assert ask(source).pk == first.pk
    assert federation.server.received[-1].headers["if-none-match"] == '"a"'


def test_a_date_that_is_none_is_not_kept(source: MetadataSource, federation: Federation) -> None:
    document = federation.sign(alone(metadata_of(A)))
    federation.publish(document, path=PATH_OF_A, last_modified="x" * 101, etag='"a"')
    entity = ask(source)
    assert (entity.etag, entity.last_modified) == ('"a"', "")


def test_a_refresh_asks_for_each_follower(source: MetadataSource, federation: Federation) -> None:
    for one in (A, B):
        row = registration.register_from_metadata(metadata_of(one)).service_provider
        Subscription.objects.create(service_provider=row, source=source)
    document = metadata_of(A).replace(A.acs_url.encode(), b"https://a.example.edu/moved")
    federation.publish(federation.sign(alone(document)), path=PATH_OF_A)
    federation.server.otherwise = receiver.ok(b"", status=404)
    assert refreshing.claim(source, now=timezone.now())
    assert refreshing.refresh(source, now=timezone.now())
    moved = ServiceProvider.objects.get(entity_id=A.entity_id)
    assert moved.assertion_consumer_services[0]["url"] == "https://a.example.edu/moved"
    left = Subscription.objects.get(service_provider__entity_id=B.entity_id)
    assert left.error == refreshing.GONE


def test_one_that_fails_does_not_keep_the_others(
    source: MetadataSource, federation: Federation
) -> None:
    for one in (A, B):
        row = registration.register_from_metadata(metadata_of(one)).service_provider
        Subscription.objects.create(service_provider=row, source=source)
    federation.publish(federation.sign(alone(metadata_of(A))), path=PATH_OF_A)
    federation.server.otherwise = receiver.ok(b"", status=500)
    assert refreshing.claim(source, now=timezone.now())
    assert not refreshing.refresh(source, now=timezone.now())
    source.refresh_from_db()
    assert "500" in source.error
    assert Subscription.objects.get(service_provider__entity_id=A.entity_id).in_use
