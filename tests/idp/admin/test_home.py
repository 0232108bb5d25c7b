"""The overview and the search field of every page."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from django.test import Client as Browser
from django.utils import timezone

from idp import audit, models
from idp.admin import home
from tests.support.factories import ApplicationFactory, ClientFactory, UserFactory


def test_begins_with_connecting_an_application(browser: Browser) -> None:
    html = browser.get("/admin/").content.decode()
    assert "Good to see you, Ruth" in html
    assert html.index("Connect an application") < html.index("Health")
    assert "No applications yet." in html


def test_shows_health_counts_failures_and_sign_ins(browser: Browser) -> None:
    ApplicationFactory()
    audit.trace(protocol="oidc", result="failure", reason="Because of this.")
    audit.trace(protocol="oidc", result="success", user=UserFactory(username="alice"))
    html = browser.get("/admin/").content.decode()
    for words in ("Database fine", "Signing keys fine", "Because of this.", "alice"):
        assert words in html
    assert "No applications yet." not in html


def test_leads_to_the_failures_that_it_counts(browser: Browser) -> None:
    for number in range(9):
        audit.trace(protocol="oidc", result="failure", reason=f"Because of {number}.")
    audit.trace(protocol="oidc", result="success", reason="Well done.")
    link = re.search(r'href="([^"]*)">\s*All 9', browser.get("/admin/").content.decode())
    assert link is not None
    html = browser.get(unescape(link[1])).content.decode()
    assert "Because of 0." in html
    assert "Well done." not in html


def test_shows_failed_and_late_jobs(browser: Browser) -> None:
    now = timezone.now()
    models.Schedule.objects.create(name="prune", next_at=now, last_error="DatabaseError")
    models.Schedule.objects.create(name="seal-audit", next_at=now - timedelta(days=1))
    html = browser.get("/admin/").content.decode()
    assert "Job prune failed: DatabaseError" in html
    assert "Jobs are late: seal-audit" in html


def test_shows_what_expires(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    soon = timezone.now() + timedelta(days=3)
    entries = [home.Expiry(f"Thing {n}", soon, "/x", "do it") for n in range(12)]
    monkeypatch.setattr(home, "_expiries", [lambda until: entries])
    html = browser.get("/admin/").content.decode()
    assert "Thing 0" in html
    assert "and 4 more" in html


def test_own_certificates_are_watched(admin_user: models.User) -> None:
    far = timezone.now() + timedelta(days=4000)
    assert any("SAML key" in entry.what for entry in home._certificates(far))
    assert not list(home._certificates(timezone.now()))


def test_asks_few_questions(browser: Browser, django_assert_max_num_queries: object) -> None:
    for _ in range(30):
        audit.trace(protocol="oidc", result="refused", reason="x")
    with django_assert_max_num_queries(22):  # type: ignore[operator]
        browser.get("/admin/")


def test_find_opens_a_single_hit(browser: Browser) -> None:
    client = ClientFactory(application__name="Acme Reports")
    response = browser.get("/admin/find/", {"q": "acme"})
    assert response.headers["Location"] == f"/admin/idp/application/{client.pk}/change/"


def test_find_lists_several(browser: Browser) -> None:
    UserFactory(username="acme-user")
    ApplicationFactory(name="Acme")
    html = browser.get("/admin/find/", {"q": "acme"}).content.decode()
    assert "Applications" in html
    assert "acme-user" in html


def test_find_opens_the_sign_in_of_a_reference(browser: Browser) -> None:
    row = audit.trace(protocol="oidc", result="refused", reference="ABCDEFGH23")
    response = browser.get("/admin/find/", {"q": "abcdefgh23"})
    assert response.headers["Location"] == f"/admin/idp/signin/{row.pk}/change/"


@pytest.mark.parametrize("term", ["", "nothing at all", "\x00", "%", "'\"<script>", "x" * 9000])
def test_find_bears_anything(browser: Browser, term: str) -> None:
    response = browser.get("/admin/find/", {"q": term})
    assert response.status_code in (200, 303)
    assert "<script>" not in response.content.decode().replace("<script src", "")
