"""Sessions in the administration: seen, never with their token, and ended."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client as Browser
from django.utils import timezone

from idp import models
from tests.support.factories import ApplicationFactory, SessionFactory, UserFactory

LIST = "/admin/idp/session/"


def test_lists_with_state_and_applications(browser: Browser) -> None:
    now = timezone.now()
    SessionFactory(user__username="alice", ended_at=now, end_reason="signed out")
    SessionFactory(user__username="bob", expires_at=now - timedelta(1))
    html = browser.get(LIST).content.decode()
    for words in ("live", "signed out", "expired", "alice", "bob"):
        assert words in html
    live = browser.get(LIST, {"state": "live"}).content.decode()
    assert "alice" not in live
    assert "root" in live
    assert "alice" in browser.get(LIST, {"state": "over"}).content.decode()


def test_list_asks_the_same_number_of_questions_for_many(
    browser: Browser, django_assert_max_num_queries: Any
) -> None:
    SessionFactory.create_batch(20)
    with django_assert_max_num_queries(6):
        browser.get(LIST)


def test_finds_by_person(browser: Browser) -> None:
    SessionFactory(user__username="alice")
    SessionFactory(user__username="bob")
    html = browser.get(LIST, {"q": "ali"}).content.decode()
    assert "alice" in html
    assert ">bob<" not in html


def test_shows_proofs_and_participants(browser: Browser) -> None:
    session = SessionFactory()
    models.AuthenticationEvent.objects.create(
        session=session, factor="password", amr=["pwd"], acr="pwd"
    )
    application = ApplicationFactory(name="Wiki")
    models.Participant.objects.create(session=session, application=application)
    html = browser.get(f"{LIST}{session.pk}/change/").content.decode()
    assert "password" in html
    assert "Wiki" in html
    assert session.token not in html


def test_ends_what_is_selected(browser: Browser) -> None:
    session = SessionFactory(user=UserFactory())
    data = {"action": "end_selected", "_selected_action": [str(session.pk)]}
    assert browser.post(LIST, data).status_code == 302
    session.refresh_from_db()
    assert session.end_reason == "ended by an administrator"
    assert "1 session ended" in browser.get(LIST).content.decode()


def test_ending_the_own_session_leads_to_the_sign_in(browser: Browser) -> None:
    own = models.Session.objects.get()
    response = browser.post(f"{LIST}{own.pk}/end/")
    assert response.headers["Location"] == "/login"
    assert browser.get("/admin/").status_code == 303


@pytest.mark.parametrize("path", ["add/", "{pk}/delete/"])
def test_nothing_is_added_or_deleted(browser: Browser, path: str) -> None:
    own = models.Session.objects.get()
    assert browser.post(LIST + path.format(pk=own.pk), {"post": "yes"}).status_code == 403
    assert models.Session.objects.filter(pk=own.pk, ended_at=None).exists()
