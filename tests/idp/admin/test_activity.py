"""Sign-ins and audit events: the sentence first, found by reference, never changed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client as Browser
from django.utils import timezone

from idp import audit, models
from idp.models.identifiers import lowest_id
from tests.support.factories import ApplicationFactory, UserFactory

SIGN_INS = "/admin/idp/signin/"
EVENTS = "/admin/idp/auditevent/"


@pytest.fixture
def refused(admin_user: models.User) -> models.SignIn:
    reference = "ABCDEFGH23"
    application = ApplicationFactory(name="Acme Reports")
    audit.record("authorization.refused", result="failure", reason="why", reference=reference)
    return audit.trace(
        protocol="oidc",
        result="failure",
        reference=reference,
        application=application,
        error="invalid_request",
        reason="The redirect address is not registered.",
        suggestion="Register https://reports.example/cb2.",
        received={"client_id": "abc", "state": "masked"},
        trace=[
            {"name": "The client is known", "passed": True},
            {
                "name": "The address is registered",
                "passed": False,
                "expected": "E",
                "received": "R",
            },
        ],
    )


@pytest.mark.parametrize("term", ["ABCDEFGH23", "abcdefgh23", "abcde-fgh23", "acme"])
def test_finds_a_sign_in(browser: Browser, refused: models.SignIn, term: str) -> None:
    audit.trace(protocol="saml", result="success", user=UserFactory(username="other"))
    html = browser.get(SIGN_INS, {"q": term}).content.decode()
    assert "The redirect address is not registered." in html
    assert "other" not in html.split("<tbody>")[1]


def test_finds_sign_ins_of_a_person(browser: Browser, refused: models.SignIn) -> None:
    alice = UserFactory(username="alice")
    audit.trace(protocol="saml", result="success", user=alice)
    for term in ("alic", str(alice.pk)):
        body = browser.get(SIGN_INS, {"q": term}).content.decode().split("<tbody>")[1]
        assert "alice" in body
        assert "Acme" not in body
    assert "Nothing fits" in browser.get(SIGN_INS, {"q": "nobody"}).content.decode()


def test_shows_reason_remedy_and_checks(browser: Browser, refused: models.SignIn) -> None:
    html = browser.get(f"{SIGN_INS}{refused.pk}/change/").content.decode()
    assert html.index("The redirect address is not registered.") < html.index("The client is known")
    for words in ("Register https://reports.example/cb2.", "ABCDEFGH23", "failed", "passed"):
        assert words in html
    assert "authorization.refused" in html
    assert f"/admin/idp/application/{refused.application_id}/change/" in html


def test_escapes_what_strangers_sent(browser: Browser) -> None:
    evil = "<script>alert(1)</script>"
    row = audit.trace(
        protocol="oidc",
        result="failure",
        reason=evil,
        received={evil: evil},
        trace=[{"name": evil, "passed": False, "received": evil}, "odd", None],
    )
    for url in (f"{SIGN_INS}{row.pk}/change/", SIGN_INS, "/admin/"):
        assert evil not in browser.get(url).content.decode()


def test_lists_sign_ins_with_few_questions(
    browser: Browser, django_assert_max_num_queries: Any
) -> None:
    for _ in range(20):
        audit.trace(protocol="oidc", result="success", user=UserFactory())
    with django_assert_max_num_queries(5):
        browser.get(SIGN_INS)


def test_filters_by_time_result_and_protocol(browser: Browser, refused: models.SignIn) -> None:
    old = timezone.now() - timedelta(days=2)
    models.SignIn.objects.create(id=lowest_id(old), at=old, protocol="saml", result="success")
    for query, number in (
        ({"since": "hour"}, 1),
        ({"since": "week"}, 2),
        ({"result": "failure"}, 1),
        ({"protocol": "saml"}, 1),
        ({"since": "odd", "result": "odd"}, 2),
    ):
        html = browser.get(SIGN_INS, query).content.decode()
        assert html.count('class="field-result_word"') == number


def test_shows_an_audit_event_with_before_and_after(browser: Browser) -> None:
    event = audit.record(
        "application.changed",
        actor="root",
        reference="ABCDEFGH23",
        details={
            "object": "Wiki",
            "changes": {"name": {"before": "A", "after": "B"}, "claims": {"added": ["x"]}},
        },
    )
    html = browser.get(f"{EVENTS}{event.pk}/change/").content.decode()
    for words in ("application.changed", "root", "&quot;A&quot;", "&quot;B&quot;", "added", "Wiki"):
        assert words in html


def test_names_the_person_whom_a_token_was_issued_for(browser: Browser) -> None:
    """Those events hold the identifier alone."""
    user = UserFactory(username="wanda")
    event = audit.record("token.issued", user_id=user.pk)
    for page in (EVENTS, f"{EVENTS}{event.pk}/change/"):
        assert "wanda" in browser.get(page).content.decode()


def test_filters_audit_events_by_subject(browser: Browser) -> None:
    audit.record("user.created")
    audit.record("token.refused", result="failure")
    html = browser.get(EVENTS, {"about": "user"}).content.decode()
    assert "user.created" in html
    assert "token.refused" not in html
    assert "token.refused" in browser.get(EVENTS, {"result": "failure"}).content.decode()


@pytest.mark.parametrize("place", [SIGN_INS, EVENTS])
def test_nothing_is_added_changed_or_deleted(
    browser: Browser, refused: models.SignIn, place: str
) -> None:
    row = refused if place == SIGN_INS else models.AuditEvent.objects.first()
    assert browser.post(f"{place}add/", {"action": "x"}).status_code == 403
    assert browser.post(f"{place}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    browser.post(f"{place}{row.pk}/change/", {"reason": "changed"})
    browser.post(place, {"action": "delete_selected", "_selected_action": [str(row.pk)]})
    row.refresh_from_db()
    assert row.reason != "changed"
    assert "Delete" not in browser.get(place).content.decode()


def test_unknown_rows_are_not_found(browser: Browser) -> None:
    nobody = "01a20da9-0000-7000-8000-000000000000"
    for place in (SIGN_INS, EVENTS):
        assert browser.get(f"{place}{nobody}/change/").status_code == 404
        assert browser.get(f"{place}odd/change/").status_code == 404
