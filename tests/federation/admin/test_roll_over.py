"""The roll-over's page: who is ready, moves and waves, reminders, and retiring the old key."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client as Browser
from django.utils import timezone

from federation.identity_provider import entity, key_pins
from federation.models import KeyPin, ServiceProvider
from idp import keys
from idp.models import AuditEvent, SigningKey, User
from tests.support.factories import ServiceProviderFactory, UserFactory

PAGE = "/admin/keys/saml/"
RETIRE = f"{PAGE}retire/"


@pytest.fixture
def new(browser: Browser) -> str:
    """The kid of the next key, published."""
    assert browser.post(PAGE, {"publish": "chosen"}).status_code == 303
    following = keys.saml().following
    assert following is not None
    return following.kid


def provider(name: str, **fields: Any) -> ServiceProvider:
    row: ServiceProvider = ServiceProviderFactory(application__name=name, **fields)
    return row


def fetched(row: ServiceProvider, *kids: str, **fields: Any) -> None:
    values = {"fetched_at": timezone.now(), "fetched_kids": " ".join(kids), **fields}
    KeyPin.objects.update_or_create(pk=row.pk, defaults=values)


def send(browser: Browser, new: str, **fields: Any) -> Any:
    old = keys.saml_signing().kid
    return browser.post(PAGE, {"new": new, "old": old, **fields})


def shown(browser: Browser, path: str = PAGE) -> str:
    answer = browser.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def test_begins_with_publishing(browser: Browser) -> None:
    provider("Payroll")
    html = shown(browser)
    assert "Publish the next certificate" in html
    assert 'name="move"' not in html
    browser.post(PAGE, {"publish": "chosen"})
    browser.post(PAGE, {"publish": "chosen"})
    assert AuditEvent.objects.filter(action="key.published").count() == 1
    assert len(keys.saml_certificates()) == 2
    assert "taken the next step meanwhile" in shown(browser)


def test_tells_who_is_ready_and_why(browser: Browser, new: str) -> None:
    fetched(provider("Fetcher"), "old", new, fetched_from="192.0.2.7", fetched_with="Shib/3")
    fetched(provider("Stale"), "old")
    provider("Silent")
    html = shown(browser)
    assert "192.0.2.7, Shib/3" in html
    assert "before the next one was there" in html
    assert "never from its own address" in html
    assert html.count(">fetched it<") == 1
    assert "Fetcher" in shown(browser, f"{PAGE}?show=ready")
    assert "Silent" not in shown(browser, f"{PAGE}?show=ready")
    waiting = shown(browser, f"{PAGE}?show=waiting")
    assert "Silent" in waiting
    assert "Stale" in waiting
    assert "Silent" in shown(browser, f"{PAGE}?show=odd")


def test_moves_one_and_back(browser: Browser, new: str) -> None:
    row = provider("Payroll")
    fetched(row, new)
    old = keys.saml_signing().kid
    assert send(browser, new, move=row.pk).status_code == 303
    assert entity.signing_kid(row) == new
    html = shown(browser)
    assert "none since the move" in html
    assert "Move back" in html
    send(browser, new, back=row.pk)
    assert entity.signing_kid(row) == old
    events = AuditEvent.objects.filter(action="application.key_moved").order_by("id")
    assert [event.actor for event in events] == ["root", "root"]
    assert [event.details["changes"]["signing_key"]["after"] for event in events] == [new, old]


def test_a_sign_in_after_the_move_is_the_proof(browser: Browser, new: str) -> None:
    row = provider("Payroll")
    fetched(row, new)
    send(browser, new, move=row.pk)
    assert "works with the new" not in shown(browser)
    row.application.last_used_at = timezone.now() + timedelta(seconds=1)
    row.application.save()
    assert "works with the new" in shown(browser)


def test_moves_all_that_are_ready_in_one_wave(browser: Browser, new: str) -> None:
    ready = [provider(f"Ready {number}") for number in range(3)]
    for row in ready:
        fetched(row, new)
    silent, disabled = provider("Silent"), provider("Disabled", application__enabled=False)
    fetched(disabled, new)
    assert "Move all 3 that are ready" in shown(browser)
    send(browser, new, move="ready")
    assert {entity.signing_kid(row) for row in ready} == {new}
    assert new not in {entity.signing_kid(silent), entity.signing_kid(disabled)}


def test_moves_the_ticked(browser: Browser, new: str) -> None:
    rows = [provider(f"Ticked {number}") for number in range(3)]
    for row in rows:
        fetched(row, new)
    send(browser, new, move="chosen", chosen=[rows[0].pk, rows[2].pk, "odd", ""])
    assert [entity.signing_kid(row) == new for row in rows] == [True, False, True]
    send(browser, new, move="chosen", chosen=[row.pk for row in rows])
    assert "2 applications had been moved already" in shown(browser)


def test_names_who_is_not_ready_before_it_moves_them(browser: Browser, new: str) -> None:
    ready, silent = provider("Ready"), provider("Silent & Sons")
    fetched(ready, new)
    answer = send(browser, new, move="chosen", chosen=[ready.pk, silent.pk])
    html = answer.content.decode()
    assert answer.status_code == 200
    assert "<li>Silent &amp; Sons</li>" in html
    assert "<li>Ready</li>" not in html
    assert entity.signing_kid(ready) != new
    send(browser, new, move="chosen", chosen=[ready.pk, silent.pk], sure="yes")
    assert entity.signing_kid(ready) == entity.signing_kid(silent) == new


def test_told_by_hand(browser: Browser, new: str) -> None:
    row = provider("Payroll")
    send(browser, new, told=row.pk)
    assert "told by root" in shown(browser)
    assert send(browser, new, move=row.pk).status_code == 303
    assert entity.signing_kid(row) == new
    send(browser, new, not_told=row.pk)
    assert "told by root" not in shown(browser)


def test_the_second_of_two_administrators_is_told(
    browser: Browser, new: str, browser_of: Callable[[User], Browser]
) -> None:
    other = browser_of(UserFactory(username="other", is_superuser=True))
    row = provider("Payroll")
    fetched(row, new)
    send(browser, new, move=row.pk)
    send(other, new, move=row.pk)
    assert "had been moved already" in shown(other)
    old = keys.saml_signing().kid
    other.post(RETIRE, {"old": old})
    # The first one's page still offers to move back to the key that has just retired.
    browser.post(PAGE, {"back": row.pk, "old": old, "new": new})
    assert "taken the next step meanwhile" in shown(browser)
    assert entity.signing_kid(row) == new


@pytest.mark.parametrize("fields", [{}, {"move": "odd"}, {"back": "\x00"}, {"odd": "1"}])
def test_odd_forms_change_nothing(browser: Browser, new: str, fields: dict[str, str]) -> None:
    row = provider("Payroll")
    assert send(browser, new, **fields).status_code == 303
    assert browser.post(PAGE, {"move": row.pk, "sure": "yes"}).status_code == 303
    assert entity.signing_kid(row) != new
    assert not AuditEvent.objects.filter(action="application.key_moved").exists()


def test_only_administrators(browser_of: Callable[[User], Browser], new: str) -> None:
    row = provider("Payroll")
    stranger = browser_of(UserFactory(username="mallory"))
    for path in (PAGE, RETIRE, f"{PAGE}{row.pk}/send/", f"{PAGE}{row.pk}/metadata/"):
        assert stranger.get(path).status_code == 403
        assert stranger.post(path, {"move": row.pk, "new": new, "sure": "1"}).status_code == 403
    assert entity.signing_kid(row) != new


def test_pages_of_a_hundred(browser: Browser, new: str) -> None:
    for number in range(103):
        provider(f"Many {number:03}")
    assert "Many 102" not in shown(browser)
    assert "Many 102" in shown(browser, f"{PAGE}?p=2")
    assert "Many 102" in shown(browser, f"{PAGE}?p=99")


def test_a_page_costs_the_same_whatever_it_shows(
    browser: Browser, new: str, django_assert_max_num_queries: Any
) -> None:
    for number in range(30):
        fetched(provider(f"Many {number}"), new)
    with django_assert_max_num_queries(20):
        shown(browser)


# ----- retiring -----


def test_retires_when_everybody_has_moved(browser: Browser, new: str) -> None:
    row = provider("Payroll")
    fetched(row, new)
    send(browser, new, move="ready")
    assert "Every application has moved" in shown(browser, RETIRE)
    old = keys.saml_signing().kid
    browser.post(RETIRE, {"old": old})
    assert keys.saml_signing().kid == new
    event = AuditEvent.objects.get(action="key.rotated")
    assert event.details["changes"] == {"current": {"before": old, "after": new}}
    html = shown(browser)
    assert "Publish the next certificate" in html
    assert browser.get(RETIRE).status_code == 303


def test_a_stolen_key_leaves_the_metadata_at_once(browser: Browser, new: str) -> None:
    browser.post(RETIRE, {"old": keys.saml_signing().kid, "withdrawn": "yes"})
    assert [key.kid for key in keys.saml().published] == [new]
    assert AuditEvent.objects.get(action="key.rotated").details["withdrawn"] is True


def test_asks_for_a_yes_that_names_who_is_left(browser: Browser, new: str) -> None:
    row, old = provider("Payroll"), keys.saml_signing().kid
    assert "Payroll" in shown(browser, RETIRE)
    for fields in (
        {},
        {"leaving": row.pk},
        {"sure": "yes"},
        {"sure": "yes", "leaving": "odd"},
        {"sure": "yes", "leaving": [row.pk, "odd"]},
    ):
        answer = browser.post(RETIRE, {"old": old, **fields})
        assert answer.headers["Location"] == RETIRE
        assert keys.saml_signing().kid == old
    browser.post(RETIRE, {"old": old, "sure": "yes", "leaving": row.pk})
    assert keys.saml_signing().kid == new
    assert AuditEvent.objects.get(action="key.rotated").details["left_behind"] == [str(row.pk)]


def test_who_was_registered_meanwhile_is_not_left_behind_unseen(browser: Browser, new: str) -> None:
    row, old = provider("Payroll"), keys.saml_signing().kid
    provider("Newcomer")
    browser.post(RETIRE, {"old": old, "sure": "yes", "leaving": row.pk})
    assert keys.saml_signing().kid == old
    assert "Newcomer" in shown(browser, RETIRE)


@pytest.mark.parametrize("old", ["", "odd"])
def test_another_key_than_the_one_shown_does_not_retire(
    browser: Browser, new: str, old: str
) -> None:
    browser.post(RETIRE, {"old": old})
    assert keys.saml_signing().kid != new
    assert "taken the next step meanwhile" in shown(browser)


# ----- where it is linked -----


def test_is_linked_from_home_keys_and_the_application(browser: Browser, new: str) -> None:
    row = provider("Payroll")
    assert "0 of 1 applications moved" in shown(browser, "/admin/")
    assert f'href="{PAGE}"' in shown(browser, "/admin/idp/signingkey/")
    html = shown(browser, f"/admin/idp/application/{row.pk}/change/")
    assert f'href="{PAGE}"' in html
    assert "the current key" in html
    key_pins.move([row.pk], to=new, now=timezone.now(), origin={})
    assert "the next key" in shown(browser, f"/admin/idp/application/{row.pk}/change/")


def test_the_keys_page_says_how_many_use_the_next_key(browser: Browser, new: str) -> None:
    rows = [provider(name) for name in ("Payroll", "Wiki")]
    disabled = provider("Disabled", application__enabled=False)
    html = shown(browser, "/admin/idp/signingkey/")
    assert html.count("not yet") == (before := SigningKey.objects.filter(state="next").count())
    first = timezone.now() - timedelta(days=3)
    key_pins.move([rows[0].pk], to=new, now=first, origin={})
    html = shown(browser, "/admin/idp/signingkey/")
    assert html.count("not yet") == before - 1
    assert "by 1 application<" in html
    key_pins.move([rows[1].pk, disabled.pk], to=new, now=timezone.now(), origin={})
    html = shown(browser, "/admin/idp/signingkey/")
    assert "by 2 applications<" in html
    assert f'<time datetime="{first:%Y-%m-%dT%H:%M}' in html


def test_the_general_rotation_leads_here(browser: Browser) -> None:
    provider("Payroll")
    for answer in (
        browser.get("/admin/idp/signingkey/rotate/saml/RS256/"),
        browser.post("/admin/idp/signingkey/rotate/saml/RS256/"),
    ):
        assert answer.headers["Location"] == PAGE
    assert len(keys.saml_certificates()) == 1
