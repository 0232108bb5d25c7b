"""What happens twice at once, on a database that really works in parallel."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from idp.accounts import consents, cookies, devices, people
from idp.accounts import session as sessions
from idp.models import AuditEvent, Consent, Interaction, Participant, Revocation, Session
from tests.support.factories import PASSWORD, ApplicationFactory, SessionFactory
from tests.support.sign_in import BACK, Browser, begin

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]

MANY = 50


@dataclass
class Origin:
    client_address: str = "192.0.2.7"
    user_agent: str = ""
    request_id: str = ""


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """Run all calls in threads of their own, begun together; their results or exceptions."""
    barrier = threading.Barrier(len(calls))
    results: list[Any] = [None] * len(calls)

    def run(index: int, call: Callable[[], Any]) -> None:
        try:
            barrier.wait(20)
            results[index] = call()
        except Exception as error:
            results[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(index, call)) for index, call in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


def twin(browser: Browser) -> Browser:
    """Another window of the same browser."""
    other = Browser()
    other.cookies = browser.cookies.copy()
    return other


def test_one_of_many_finishes(browser, alice, application, probe):
    browser.sign_in()
    path = begin(browser, application)
    windows = [twin(browser) for _ in range(MANY)]
    responses = at_once(*(lambda window=window: window.get(path) for window in windows))
    assert len(probe.finished) == 1
    assert sorted(response.status_code for response in responses) == [200] * (MANY - 1) + [303]
    (won,) = [response for response in responses if response.status_code == 303]
    assert won.headers["Location"] == BACK
    assert all(
        b"already signed in" in response.content
        for response in responses
        if response.status_code == 200
    )


def test_one_of_many_browsers_gets_what_came_from_another_site(application, probe, db):
    path = begin(None, application, method="POST")
    browsers = [Browser() for _ in range(MANY)]
    for browser in browsers:
        browser.open("/login")
    responses = at_once(*(lambda browser=browser: browser.get(path) for browser in browsers))
    assert sorted(response.status_code for response in responses) == [303] + [410] * (MANY - 1)
    assert Interaction.objects.exclude(browser_hash=b"").filter(kind="probe").count() == 1


def test_allow_and_deny_at_once_have_one_outcome(browser, alice, application, probe):
    probe.ask(application, "email")
    page = browser.open(begin(browser, application))
    page = browser.submit(page, username="alice", password=PASSWORD)
    at_once(
        *(
            lambda decision=decision: twin(browser).submit(page, decision=decision)
            for decision in ("allow", "deny") * 10
        )
    )
    assert len(probe.finished) + len(probe.refused) == 1


def test_session_ends_once(alice):
    session = SessionFactory(user=alice)
    now = timezone.now()

    def end():
        return sessions.end(Session.objects.get(pk=session.pk), reason="test", now=now)

    assert sum(at_once(*[end] * 20)) == 1
    assert AuditEvent.objects.filter(action="session.ended").count() == 1


def test_whoever_joins_an_ending_session_is_denied_too(alice):
    for _ in range(10):
        session = SessionFactory(user=alice)
        applications = [ApplicationFactory() for _ in range(6)]
        now = timezone.now()
        joins = [partial(sessions.participate, session, row, now) for row in applications]
        results = at_once(*joins, partial(sessions.end, session, reason="test", now=now))
        joined = [result for result in results if isinstance(result, Participant)]
        refused = [result for result in results if isinstance(result, sessions.SessionEnded)]
        assert len(joined) + len(refused) == len(applications)
        denied = set(Revocation.objects.filter(kind="sid").values_list("key", flat=True))
        assert {participant.id.hex for participant in joined} <= denied
        assert Participant.objects.filter(session=session).count() == len(joined)


def test_disabled_person_keeps_no_session(alice):
    for _ in range(10):
        people.enable(alice, now=timezone.now())

        def start():
            return sessions.start(
                alice,
                factor="password",
                amr=["pwd"],
                acr="pwd",
                request=Origin(),
                now=timezone.now(),
                replacing=None,
            )

        at_once(*[start] * 4, lambda: people.disable(alice, now=timezone.now()), *[start] * 4)
        assert not Session.objects.filter(user=alice, ended_at=None).exists()


def test_consents_of_two_tabs_are_merged(alice, application):
    scopes = [f"scope{number}" for number in range(20)]

    def allow(scope):
        question = consents.ConsentQuestion(application, (scope,))
        return consents.allow(question, alice, now=timezone.now(), request=Origin())

    results = at_once(*(lambda scope=scope: allow(scope) for scope in scopes))
    assert not [result for result in results if isinstance(result, Exception)]
    assert Consent.objects.get().scopes == sorted(scopes)


def test_device_is_remembered_once(alice):
    token = cookies.new_token()
    results = at_once(*[lambda: devices.remember(token, alice, now=timezone.now())] * 20)
    assert not [result for result in results if isinstance(result, Exception)]
    assert alice.devices.count() == 1
