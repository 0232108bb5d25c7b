"""How often passwords may be tried, seen from the login page."""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from idp.accounts import attempts
from idp.models import AuditEvent, SignIn
from tests.support.factories import PASSWORD, UserFactory
from tests.support.sign_in import BACK, Browser, begin

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def frozen(clock):
    """Time stands still, however long the tries take."""
    clock.freeze()


def try_password(browser, name="alice", secret="wrong", application=None):
    page = browser.open(begin(browser, application))
    return browser.submit(page, username=name, password=secret)


def from_address(address):
    return Browser(REMOTE_ADDR=address)


def exhaust(limit, name="alice", address="198.51.100.1", **options):
    for _ in range(limit.tries):
        page = try_password(from_address(address), name, **options)
        assert b"Too many attempts" not in page.content


def test_stranger_is_told_to_wait_in_words(alice, probe):
    exhaust(attempts.PAIR)
    page = try_password(from_address("198.51.100.1"))
    assert b"Too many attempts. Please wait 1 minute," in page.content
    assert b'value="alice"' in page.content


def test_right_password_of_a_stranger_waits_too(alice, probe):
    exhaust(attempts.PAIR)
    page = try_password(from_address("198.51.100.1"), secret=PASSWORD)
    assert b"Too many attempts" in page.content
    assert not probe.finished


def test_wait_ends(alice, probe, clock):
    exhaust(attempts.PAIR)
    clock.advance(minutes=1, seconds=1)
    response = try_password(from_address("198.51.100.1"), secret=PASSWORD)
    assert response.headers["Location"] == BACK


def test_addresses_of_one_range_are_one(alice, probe):
    exhaust(attempts.PAIR, address="198.51.100.1")
    assert b"Too many" in try_password(from_address("198.51.100.254")).content
    assert b"Too many" not in try_password(from_address("198.51.101.1")).content


def test_addresses_of_one_ipv6_network_are_one(alice, probe):
    exhaust(attempts.PAIR, address="2001:db8:1:2::1")
    assert b"Too many" in try_password(from_address("2001:db8:1:2:ffff::1")).content
    assert b"Too many" not in try_password(from_address("2001:db8:1:3::1")).content


def test_forwarded_header_changes_nothing(alice, probe):
    exhaust(attempts.PAIR)
    for header in ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP"):
        browser = Browser(REMOTE_ADDR="198.51.100.1", **{header: "203.0.113.9"})
        assert b"Too many" in try_password(browser).content


def test_name_and_address_of_one_person_share_a_bucket(alice, probe):
    names = ("alice", "ALICE", "alice@example.org", " alice ", "Alice@EXAMPLE.org")
    for number in range(attempts.PAIR.tries):
        try_password(from_address("198.51.100.1"), names[number % len(names)])
    for name in names:
        assert b"Too many" in try_password(from_address("198.51.100.1"), name).content


def test_unknown_names_are_throttled_like_known_ones(probe, db):
    exhaust(attempts.PAIR, name="nobody")
    assert b"Too many" in try_password(from_address("198.51.100.1"), "NOBODY").content


def test_one_address_range_never_uses_up_the_account():
    pair, account = attempts.PAIR, attempts.ACCOUNT
    assert pair.tries < account.tries
    assert pair.per / pair.tries > account.per / account.tries


def test_spraying_over_many_names_is_throttled(alice, probe):
    for number in range(attempts.NETWORK.tries):
        try_password(from_address("198.51.100.1"), f"name{number}")
    assert b"Too many" in try_password(from_address("198.51.100.1"), secret=PASSWORD).content
    assert try_password(from_address("203.0.113.1"), secret=PASSWORD).headers["Location"] == BACK


def test_known_device_gets_in_however_many_strangers_try(alice, application, probe):
    own = from_address("198.51.100.1")
    own.sign_in()
    own.cookies.pop("gatehouse_session")
    for network in range(attempts.ACCOUNT.tries // attempts.PAIR.tries + 1):
        address = f"198.51.{network}.9"
        for _ in range(attempts.PAIR.tries):
            try_password(from_address(address), application=application)
    assert b"Too many" in try_password(from_address("203.0.113.1"), secret=PASSWORD).content
    response = try_password(own, secret=PASSWORD, application=application)
    assert response.headers["Location"] == BACK


def test_known_device_has_limits_of_its_own(alice, probe):
    own = from_address("198.51.100.1")
    own.sign_in()
    own.cookies.pop("gatehouse_session")
    for _ in range(attempts.DEVICE.tries):
        assert b"Too many" not in try_password(own).content
    assert b"Too many" in try_password(own).content
    assert try_password(from_address("203.0.113.1"), secret=PASSWORD).headers["Location"] == BACK


def test_device_of_one_person_is_a_stranger_to_another(alice, bob, probe):
    own = from_address("198.51.100.1")
    own.sign_in()
    own.cookies.pop("gatehouse_session")
    exhaust(attempts.PAIR, name="bob")
    assert b"Too many" in try_password(own, "bob", PASSWORD).content


def test_success_of_one_resets_nothing_of_others(alice, probe):
    mallory = UserFactory(username="mallory", password=PASSWORD)
    for _ in range(attempts.PAIR.tries):
        try_password(from_address("198.51.100.1"))
        helper = from_address("198.51.100.1")
        assert try_password(helper, mallory.username, PASSWORD).headers["Location"] == BACK
    assert b"Too many" in try_password(from_address("198.51.100.1")).content


def test_success_resets_not_even_its_own_failures(alice, probe):
    for _ in range(attempts.PAIR.tries - 1):
        try_password(from_address("198.51.100.1"))
    ok = try_password(from_address("198.51.100.1"), secret=PASSWORD)
    assert ok.headers["Location"] == BACK
    try_password(from_address("198.51.100.1"))
    assert b"Too many" in try_password(from_address("198.51.100.1")).content


def test_successes_never_throttle(alice, probe):
    for _ in range(attempts.PAIR.tries * 3):
        response = try_password(from_address("198.51.100.1"), secret=PASSWORD)
        assert response.headers["Location"] == BACK


def test_application_has_a_bucket(alice, application, probe, monkeypatch):
    monkeypatch.setattr(
        attempts, "APPLICATION", attempts.Limit("application", 3, timedelta(minutes=10))
    )
    for number in range(3):
        try_password(from_address(f"198.51.{number}.1"), f"n{number}", application=application)
    other = from_address("203.0.113.1")
    assert b"Too many" in try_password(other, secret=PASSWORD, application=application).content
    assert try_password(other, secret=PASSWORD).headers["Location"] == BACK


def test_refusals_are_written_down_without_what_was_typed(alice, application, probe):
    secret = "my-secret-typed-into-the-wrong-field"
    try_password(from_address("198.51.100.1"), secret, "wrong", application=application)
    try_password(from_address("198.51.100.1"), secret=secret, application=application)
    unknown, wrong = SignIn.objects.order_by("pk")
    assert (unknown.user_id, wrong.user_id) == (None, alice.pk)
    assert wrong.application_name == application.name
    events = AuditEvent.objects.filter(action="signin.refused").order_by("pk")
    assert [event.reason for event in events] == ["unknown name", "wrong password"]
    assert events[0].reference == unknown.reference
    for row in (*events, unknown, wrong):
        assert secret not in repr(vars(row))


def test_known_and_unknown_names_cost_the_same_statements(alice, application, probe):
    shapes = []
    for name in ("alice", "nobody"):
        browser = from_address("198.51.100.1")
        page = browser.open(begin(browser, application))
        with CaptureQueriesContext(connection) as captured:
            browser.submit(page, follow=False, username=name, password="wrong")
        verbs = [re.sub(r"'[^']*'|\d+", "?", query["sql"])[:60] for query in captured]
        shapes.append(verbs)
    assert shapes[0] == shapes[1]


def test_flood_of_throttled_tries_does_not_flood_the_audit_trail(alice, probe):
    exhaust(attempts.PAIR)
    for _ in range(20):
        try_password(from_address("198.51.100.1"))
    refused = AuditEvent.objects.filter(action="signin.refused")
    assert refused.count() == attempts.PAIR.tries + 1
    assert refused.filter(reason="too many tries").count() == 1


def test_throttled_tries_are_told_again_every_minute(alice, probe, clock):
    exhaust(attempts.PAIR)
    for _ in range(3):
        for _ in range(3):  # the first fits in where the bucket has run down
            try_password(from_address("198.51.100.1"))
        clock.advance(minutes=1, seconds=1)
    refused = AuditEvent.objects.filter(action="signin.refused", reason="too many tries")
    assert refused.count() == 3


def test_every_person_whose_tries_are_throttled_is_told_of(alice, bob, probe):
    for name in ("alice", "bob"):
        exhaust(attempts.PAIR, name=name)
        for _ in range(3):
            try_password(from_address("198.51.100.1"), name)
    refused = AuditEvent.objects.filter(action="signin.refused", reason="too many tries")
    assert {event.user_id for event in refused} == {alice.pk, bob.pk}
    assert refused.count() == 2


def test_many_names_from_one_full_range_are_told_of_once(alice, probe, monkeypatch):
    monkeypatch.setattr(attempts, "NETWORK", attempts.Limit("network", 3, timedelta(minutes=10)))
    for number in range(20):
        try_password(from_address("198.51.100.1"), f"nobody-{number}")
    for _ in range(attempts.PAIR.tries + 1):  # what is not looked at fills no other bucket
        try_password(from_address("198.51.100.1"), "nobody-19")
    refused = AuditEvent.objects.filter(action="signin.refused")
    assert Counter(event.reason for event in refused) == {"unknown name": 3, "too many tries": 1}


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("", "unknown"),
        ("unix:", "unknown"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_address_range(address, expected):
    assert attempts.address_range(address).replace("%eth0", "") == expected


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "1 second"), (1, "1 second"), (1.2, "2 seconds"), (59, "59 seconds"), (60, "1 minute"),
     (61, "2 minutes"), (3600, "60 minutes")],
)  # fmt: skip
def test_wait_in_words(seconds, words):
    assert attempts.in_words(timedelta(seconds=seconds)) == words
