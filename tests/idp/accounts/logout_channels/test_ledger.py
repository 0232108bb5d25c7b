"""The ledger: everybody who took part, with what they answered, or why they were not told."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from idp.accounts.logout_channels import frontchannel, ledger
from idp.models import LogoutNotification
from tests.support.factories import ClientFactory, ServiceProviderFactory
from tests.support.logout import end, listening, session_with

URI = "https://application.example/logout"


def states(*sessions: Any) -> list[dict[Any, str]]:
    found = ledger.of(one.pk for one in sessions)
    return [{entry.application.pk: entry.state for entry in found[one.pk]} for one in sessions]


def test_participants_of_both_protocols() -> None:
    told = listening(URI)
    browser = ClientFactory(frontchannel_logout_uri=URI)
    silent = ClientFactory()
    saml = ServiceProviderFactory()
    session = session_with(told, browser, silent, saml.application)
    end(session)
    assert states(session) == [
        {
            told.pk: "waiting",
            browser.pk: "browser_only",
            silent.pk: "no_address",
            saml.pk: "no_address",
        }
    ]


def test_two_channels_show_the_better_result() -> None:
    client = listening(URI, frontchannel_logout_uri=URI)
    session = session_with(client)
    end(session)
    frontchannel.show(frontchannel.Ticket(session.pk, ""), now=timezone.now())
    assert states(session) == [{client.pk: "shown"}]
    LogoutNotification.objects.filter(channel="backchannel").update(state="acknowledged")
    assert states(session) == [{client.pk: "acknowledged"}]
    (entry,) = ledger.of([session.pk])[session.pk]
    assert [one.channel for one in entry.notices] == ["backchannel", "frontchannel"]


def test_sessions_do_not_mix(django_assert_num_queries: Any) -> None:
    client = listening(URI)
    first, second = session_with(client), session_with(client)
    end(first)
    with django_assert_num_queries(2):
        found = states(first, second)
    assert found == [{client.pk: "waiting"}, {client.pk: "no_address"}]


def test_pending_until_nobody_is_left() -> None:
    session = session_with(listening(URI), ClientFactory())
    end(session)
    assert ledger.is_pending(ledger.of([session.pk])[session.pk])
    for state in ("acknowledged", "failed", "unreachable"):
        LogoutNotification.objects.update(state=state)
        assert not ledger.is_pending(ledger.of([session.pk])[session.pk])
