"""Refusals are written at once, but a flood of them is not."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from django.utils import timezone

from idp import audit, refusals
from idp.models import AuditEvent, User
from idp.protocol.errors import InvalidClient
from idp.protocol.message import Request
from tests.support.factories import ClientFactory, UserFactory


@pytest.fixture(autouse=True)
def _nothing_silenced(db: None) -> Iterator[None]:
    for kept in (refusals._silenced, refusals._asked):
        kept.clear()
    yield
    for kept in (refusals._silenced, refusals._asked):
        kept.clear()


@pytest.fixture(autouse=True)
def _time_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine is, no bucket runs down meanwhile; and few fill one."""
    monkeypatch.setattr(refusals, "MOST_OF_ONE", 60)
    moment = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: moment)


def origin(address: str = "192.0.2.7") -> Request:
    return Request(method="POST", path="/token", now=timezone.now(), client_address=address)


def refuse(address: str = "192.0.2.7", **facts: object) -> bool:
    return refusals.record("token.refused", InvalidClient("no"), origin(address), **facts)  # type: ignore[arg-type]


def test_is_written() -> None:
    assert refuse()
    assert AuditEvent.objects.get().result == "failure"


def test_a_flood_from_one_network_is_cut_off() -> None:
    written = [refuse(f"192.0.2.{number % 250}") for number in range(100)]
    assert sum(written) == AuditEvent.objects.count() == refusals.MOST_OF_ONE


def test_others_are_still_heard() -> None:
    for _ in range(70):
        refuse("192.0.2.7")
    assert refuse("198.51.100.1")


def test_another_kind_of_refusal_is_still_heard() -> None:
    """Whoever tried many addresses is not taken for somebody who tries secrets."""
    for _ in range(70):
        refuse()
    assert refusals.record("authorization.refused", InvalidClient("no"), origin())


def test_an_authenticated_client_has_a_bucket_of_its_own() -> None:
    for _ in range(70):
        refuse("192.0.2.7")
    assert refuse("192.0.2.7", client=ClientFactory(), authenticated=True)


def test_a_flood_from_everywhere_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "MOST_OF_ALL", 20)
    written = [refuse(f"198.{number}.100.1") for number in range(50)]
    assert sum(written) == 20


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.0/24"),
        ("2001:db8::1", "2001:db8::/64"),
        ("", "unknown"),
        ("nonsense", "unknown"),
    ],
)
def test_networks(address: str, network: str) -> None:
    assert refusals.address_range(address) == network


# ----- silent questions -----


def ask(address: str = "192.0.2.7", user: User | None = None) -> None:
    refusals.buffer("saml.refused", request=origin(address), user=user, result="failure")


def written() -> int:
    return AuditEvent.objects.count()


@pytest.fixture
def at_once() -> Iterator[None]:
    """What is buffered is written at once, by no thread."""
    audit.write_through(enabled=True)
    yield
    audit.write_through(enabled=False)


@pytest.mark.usefixtures("at_once")
def test_a_flood_of_silent_questions_is_cut_off() -> None:
    for number in range(100):
        ask(f"192.0.2.{number}")
    assert written() == refusals.MOST_OF_ONE
    ask("198.51.100.1")
    assert written() == refusals.MOST_OF_ONE + 1


@pytest.mark.usefixtures("at_once")
def test_silent_questions_from_everywhere_are_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "MOST_OF_ALL", 20)
    for number in range(50):
        ask(f"198.{number}.100.1")
    assert written() == 20


@pytest.mark.usefixtures("at_once")
def test_whoever_is_signed_in_is_always_noted() -> None:
    for user in (None, UserFactory()):
        for _ in range(70):
            ask(user=user)
    assert written() == refusals.MOST_OF_ONE + 70


@pytest.mark.usefixtures("at_once")
def test_silent_questions_are_heard_again_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(70):
        ask()
    later = time.monotonic() + refusals.PER.total_seconds()
    with monkeypatch.context() as patch:
        patch.setattr(time, "monotonic", lambda: later)
        ask()
    assert written() == refusals.MOST_OF_ONE + 1


@pytest.mark.usefixtures("at_once")
def test_what_is_counted_stays_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "MOST_SILENCED", 10)
    for number in range(50):
        ask(f"198.{number}.100.1")
    assert len(refusals._asked) <= 10
