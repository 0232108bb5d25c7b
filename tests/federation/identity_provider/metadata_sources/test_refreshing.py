"""Sources that are asked again: what is taken over, what waits, what stays on a failure."""

from __future__ import annotations

import zlib
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from federation.identity_provider import registration
from federation.identity_provider.metadata_sources import changes, jobs, reading, refreshing
from federation.models import MetadataProposal, MetadataSource, ServiceProvider, Subscription
from federation.saml import vocabulary, xml
from idp import directory
from idp.models import AuditEvent
from tests.attacks.saml import service_provider
from tests.support import receiver
from tests.support.metadata import Federation, alone, group, provider
from tests.support.saml import Party, SamlWorld, metadata_of, posted

A, B = provider("a"), provider("b")
State = MetadataProposal.State


def ask(source: MetadataSource) -> MetadataSource:
    """Ask a source now."""
    MetadataSource.objects.filter(pk=source.pk).update(next_at=timezone.now())
    source.refresh_from_db()
    assert refreshing.claim(source, now=timezone.now())
    refreshing.refresh(source, now=timezone.now())
    source.refresh_from_db()
    return source


def follow(source: MetadataSource, sp: Any = A) -> ServiceProvider:
    """Register a service provider that the source describes."""
    entity = source.entities.get(entity_id=sp.entity_id)
    row = registration.register_from_metadata(entity.xml).service_provider
    Subscription.objects.create(service_provider=row, source=source)
    return row


@pytest.fixture
def source(saml: SamlWorld, federation: Federation) -> MetadataSource:
    """A source with two service providers, the first of them registered."""
    federation.publish_entities(A, B)
    source = ask(federation.source())
    assert not source.error, source.error
    follow(source)
    return source


def moved(acs: str = "https://a.example.edu/moved") -> bytes:
    return metadata_of(A).replace(A.acs_url.encode(), acs.encode())


def row() -> ServiceProvider:
    return ServiceProvider.objects.get(entity_id=A.entity_id)


def acs() -> str:
    return row().assertion_consumer_services[0]["url"]


def test_reads_an_aggregate(source: MetadataSource) -> None:
    assert set(source.entities.values_list("entity_id", flat=True)) == {A.entity_id, B.entity_id}
    assert source.entity_count == 2
    assert source.valid_until is not None
    assert timezone.now() < source.next_at < timezone.now() + timedelta(hours=7)
    assert source.step == ""
    assert row().metadata_valid_until is None


def test_a_signed_change_is_taken_over_silently(
    source: MetadataSource, federation: Federation
) -> None:
    federation.publish(federation.sign(group(moved(), metadata_of(B))))
    ask(source)
    assert acs() == "https://a.example.edu/moved"
    assert row().metadata_valid_until is not None
    assert not MetadataProposal.objects.exists()
    event = AuditEvent.objects.get(action="metadata.applied")
    assert event.details["changes"] == ["assertion_consumer_services"]


def test_a_change_of_a_sensitive_application_waits(
    source: MetadataSource, federation: Federation
) -> None:
    ServiceProvider.objects.update(changes_wait=True)
    federation.publish(federation.sign(group(moved())))
    ask(source)
    assert acs() == A.acs_url
    proposal = MetadataProposal.objects.get()
    assert proposal.state == State.WAITING
    assert proposal.reason == changes.SENSITIVE
    assert AuditEvent.objects.filter(action="metadata.proposed").count() == 1
    assert changes.accept(proposal, actor="root", now=timezone.now())
    assert acs() == "https://a.example.edu/moved"
    assert AuditEvent.objects.get(action="metadata.accepted").actor == "root"
    assert not changes.accept(proposal, actor="other", now=timezone.now())


def test_an_unsigned_change_waits(saml: SamlWorld, federation: Federation) -> None:
    federation.publish(group(metadata_of(A)))
    source = ask(federation.source(pinned=False))
    follow(source)
    federation.publish(group(moved()))
    ask(source)
    assert acs() == A.acs_url
    assert MetadataProposal.objects.get().reason == changes.UNPROTECTED


def test_a_refusal_holds_when_the_same_comes_again(
    source: MetadataSource, federation: Federation
) -> None:
    ServiceProvider.objects.update(changes_wait=True)
    federation.publish(federation.sign(group(moved())))
    ask(source)
    assert changes.refuse(MetadataProposal.objects.get(), actor="root", now=timezone.now())
    federation.publish(federation.sign(group(moved().replace(b"<md:E", b"\n<md:E"), days=9)))
    ask(source)
    assert MetadataProposal.objects.get().state == State.REFUSED
    assert acs() == A.acs_url
    federation.publish(federation.sign(group(moved("https://a.example.edu/third"))))
    ask(source)
    assert MetadataProposal.objects.filter(state=State.WAITING).count() == 1


def test_what_an_administrator_edited_stays_until_metadata_changes(
    source: MetadataSource, federation: Federation
) -> None:
    ask(source)
    mine = [{"url": "https://a.example.edu/mine", "binding": vocabulary.POST, "index": 0}]
    ServiceProvider.objects.update(assertion_consumer_services=mine)
    federation.publish_entities(A, B, days=9)
    ask(source)
    assert acs() == "https://a.example.edu/mine"
    assert row().metadata_valid_until == source.valid_until
    federation.publish(federation.sign(group(moved())))
    ask(source)
    assert acs() == "https://a.example.edu/moved"


def test_a_pin_applies_to_what_was_read_before_it(saml: SamlWorld, federation: Federation) -> None:
    """What was stored unsigned is not taken for signed because a key was pinned later."""
    federation.publish(group(metadata_of(A)), etag='"one"')
    source = ask(federation.source(pinned=False))
    follow(source)
    source.entities.update(document=zlib.compress(moved()))
    MetadataSource.objects.update(signing_certificates=[federation.certificate])
    federation.server.behaviours["/metadata.xml"] = receiver.ok(b"", status=304)
    ask(source)
    assert acs() == A.acs_url
    assert MetadataProposal.objects.get().reason == changes.UNPROTECTED


def test_another_pin_stops_what_is_being_read_by_the_old_one(
    source: MetadataSource, federation: Federation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stolen key is taken away while its thief's document is read: that counts for nothing."""
    other = service_provider.base64_der(
        service_provider.certificate(service_provider.rsa_key("other"))
    )
    read = reading.read

    def meanwhile(*args: Any, **options: Any) -> Any:
        found = read(*args, **options)
        MetadataSource.objects.update(signing_certificates=[other], etag="")
        return found

    monkeypatch.setattr(reading, "read", meanwhile)
    federation.publish(federation.sign(group(moved())), etag='"evil"')
    ask(source)
    assert acs() == A.acs_url
    assert not MetadataProposal.objects.exists()
    source.refresh_from_db()
    assert source.etag == ""
    assert "it is read again" in source.error
    assert b"moved" not in source.entities.get(entity_id=A.entity_id).xml


def test_newer_metadata_overtakes_what_waits(
    source: MetadataSource, federation: Federation
) -> None:
    ServiceProvider.objects.update(changes_wait=True)
    federation.publish(federation.sign(group(moved())))
    ask(source)
    federation.publish(federation.sign(group(metadata_of(A), days=8)))
    ask(source)
    assert MetadataProposal.objects.get().state == State.OVERTAKEN


@pytest.mark.parametrize("use", ["signing", "encryption"])
def test_keys_that_vanish_wait_though_signed(
    source: MetadataSource, federation: Federation, use: str
) -> None:
    document = metadata_of(A, encryption=True)
    registration.register_from_metadata(document)
    kept = "signing" if use == "encryption" else "encryption"
    poorer = metadata_of(A, signing=kept == "signing", encryption=kept == "encryption")
    federation.publish(federation.sign(group(poorer)))
    ask(source)
    assert MetadataProposal.objects.get().reason == changes.WEAKER
    assert row().signing_certificates
    assert row().encryption_certificates


def test_a_missing_flag_weakens_nothing(source: MetadataSource, federation: Federation) -> None:
    ServiceProvider.objects.update(want_authn_requests_signed=True)
    federation.publish(federation.sign(group(moved())))
    ask(source)
    assert row().want_authn_requests_signed


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (lambda f: group(metadata_of(A)), "not signed by the expected key"),
        (
            lambda f: f.sign(group(moved()), key=service_provider.rsa_key("foreign")),
            "not signed by the expected key",
        ),
        (lambda f: f.sign(group(moved(), metadata_of(A))), "twice"),
        (lambda f: f.sign(group(moved(), days=-1)), "was valid until"),
        (lambda f: b"<!DOCTYPE x>" + f.sign(group(moved())), "DOCTYPE"),
        (lambda f: f.sign(group(moved())).replace(b"moved", b"evil!"), "expected key"),
        (lambda f: group(f.sign(group(moved()))), "expected key"),
        (lambda f: group(f.sign(alone(moved()))), "expected key"),
        (lambda f: f.sign(group()), "no SAML 2.0 service provider"),
        (lambda f: b"hello", "cannot be read"),
    ],
    ids=[
        *("unsigned", "foreign", "twice", "past", "doctype", "altered", "wrapped", "entity_only"),
        *("empty", "words"),
    ],
)
def test_a_bad_document_leaves_the_last_good(
    source: MetadataSource, federation: Federation, document: Any, words: str
) -> None:
    federation.publish(document(federation))
    ask(source)
    assert words in source.error
    assert source.failures == 1
    assert acs() == A.acs_url
    assert source.entities.count() == 2
    assert timezone.now() < source.next_at < timezone.now() + timedelta(minutes=6)


def test_failures_wait_longer_and_end(source: MetadataSource, federation: Federation) -> None:
    federation.server.behaviours.clear()
    federation.server.otherwise = receiver.ok(b"", status=503)
    for _ in range(4):
        ask(source)
    assert source.failures == 4
    assert "503" in source.error
    assert source.next_at > timezone.now() + timedelta(minutes=30)
    assert AuditEvent.objects.filter(action="metadata_source.failed").count() == 1
    federation.publish_entities(A, B)
    ask(source)
    assert (source.failures, source.error) == (0, "")


@pytest.mark.parametrize("header", ["etag", "last_modified"])
def test_asks_conditionally(saml: SamlWorld, federation: Federation, header: str) -> None:
    value = '"one"' if header == "etag" else "Sat, 28 Nov 2026 10:00:00 GMT"
    federation.publish(federation.sign(group(metadata_of(A))), **{header: value})
    source = ask(federation.source())
    federation.server.behaviours["/metadata.xml"] = receiver.ok(b"", status=304)
    ask(source)
    sent = federation.server.at("/metadata.xml")[-1].headers
    assert sent["if-none-match" if header == "etag" else "if-modified-since"] == value
    assert source.error == ""
    assert source.entities.count() == 1


def test_a_304_that_nobody_asked_for_is_an_error(saml: SamlWorld, federation: Federation) -> None:
    federation.server.behaviours["/metadata.xml"] = receiver.ok(b"", status=304)
    assert "304" in ask(federation.source()).error


@pytest.mark.parametrize(
    ("behaviour", "words"),
    [
        (receiver.redirect("https://elsewhere.example/"), "redirects"),
        (receiver.big(120 * receiver.MEGABYTE), "larger than"),
        (receiver.cut(), "too early"),
    ],
    ids=["redirect", "too_large", "cut"],
)
def test_an_unusable_answer(
    saml: SamlWorld, federation: Federation, behaviour: Any, words: str
) -> None:
    federation.server.behaviours["/metadata.xml"] = behaviour
    assert words in ask(federation.source()).error


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/metadata",
        "https://10.0.0.1/metadata",
        "https://[::1]/metadata",
        "http://example.org/metadata",
        "file:///etc/passwd",
    ],
)
def test_private_addresses_and_other_schemes_are_refused(
    saml: SamlWorld, federation: Federation, url: str
) -> None:
    assert "cannot be fetched" in ask(federation.source(url=url)).error
    assert not federation.server.received


@pytest.mark.parametrize(
    ("days", "longest", "words"),
    [
        (None, 30, "does not say until when"),
        (400, 30, "at most 30 days"),
        (7, 30, ""),
        (None, None, ""),
    ],
)
def test_validity_is_bounded_where_wanted(
    saml: SamlWorld, federation: Federation, days: Any, longest: Any, words: str
) -> None:
    federation.publish_entities(A, days=days)
    source = ask(federation.source(longest_validity_days=longest))
    assert words in source.error
    assert bool(source.error) == bool(words)


def test_a_pattern_keeps_the_others_away(saml: SamlWorld, federation: Federation) -> None:
    federation.publish_entities(A, B)
    source = ask(federation.source(patterns=["https://b.*"]))
    assert source.entities.get().entity_id == B.entity_id
    assert source.figures["passed_over"] == 1


def test_an_entity_that_is_gone_is_said_to_be(
    source: MetadataSource, federation: Federation
) -> None:
    federation.publish_entities(B)
    ask(source)
    assert source.entities.get().entity_id == B.entity_id
    assert Subscription.objects.get().error == refreshing.GONE
    assert acs() == A.acs_url


def test_an_end_that_has_come_is_not_used(saml: SamlWorld, source: MetadataSource) -> None:
    ends = timezone.now() - timedelta(minutes=1)
    ServiceProvider.objects.update(metadata_valid_until=ends)
    directory.forget()
    party = Party(saml.provider, A, row())
    refused = party.redirect(saml.session)
    assert refused.status == 400
    assert b"out of date" in refused.body
    Subscription.objects.get().delete()
    assert posted(party.redirect(saml.session)).status == ("Success",)


def test_the_job_asks_what_is_due_and_nothing_else(saml: SamlWorld, federation: Federation) -> None:
    federation.publish_entities(A)
    due = federation.source()
    later = federation.source(next_at=timezone.now() + timedelta(hours=1))
    file = federation.source(kind=MetadataSource.Kind.FILE, next_at=None)
    assert jobs.refresh_due(most=10) == 1
    for one in (due, later, file):
        one.refresh_from_db()
    assert due.entity_count == 1
    assert not later.entity_count
    assert jobs.refresh_due(most=10) == 0


def test_one_process_at_a_time(saml: SamlWorld, federation: Federation) -> None:
    source = federation.source()
    other = MetadataSource.objects.get()
    assert refreshing.claim(source, now=timezone.now())
    assert not refreshing.claim(other, now=timezone.now())


def test_a_bug_is_said_and_the_next_time_comes(
    source: MetadataSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: Any, **options: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(reading, "read", broken)
    with pytest.raises(RuntimeError):
        ask(source)
    source.refresh_from_db()
    assert source.error == refreshing.INSIDE
    assert not source.is_busy
    assert source.next_at < timezone.now() + timedelta(minutes=6)


def test_a_large_document_is_read_elsewhere(
    saml: SamlWorld, federation: Federation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xml, "METADATA", xml.Limits(1_000, 32, 100, 4_096, 100, drop_comments=True))
    federation.publish_entities(A, B)
    source = ask(federation.source())
    assert source.error == ""
    assert source.entities.count() == 2
    assert source.figures["peak"] > 0


def test_a_process_that_runs_out_of_memory_leaves_the_last_good(
    source: MetadataSource, federation: Federation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xml, "METADATA", xml.Limits(1_000, 32, 100, 4_096, 100, drop_comments=True))
    small = reading.read

    def read(*args: Any, **options: Any) -> reading.Reading:
        return small(*args, **options, memory=200 * 1024 * 1024)

    monkeypatch.setattr(reading, "read", read)
    bomb = b"<md:EntitiesDescriptor xmlns:md='urn:oasis:names:tc:SAML:2.0:metadata'>"
    federation.publish(bomb + b"<a/>" * 1_500_000 + b"</md:EntitiesDescriptor>")
    ask(source)
    assert "memory" in source.error
    assert source.entities.count() == 2
    assert acs() == A.acs_url
