"""Reminders of the next certificate: shown before they are sent, and sent once."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.test import Client as Browser
from django.utils import timezone

from federation.identity_provider import entity, readiness, reminders
from federation.identity_provider.reminders import Sender
from federation.models import KeyPin, ServiceProvider
from idp import keys
from idp.models import AuditEvent, User
from tests.support.factories import ServiceProviderFactory, UserFactory

PAGE = "/admin/keys/saml/"
REMIND = f"{PAGE}remind/"
BY = Sender("Ada", "ada@gatehouse.example")


@pytest.fixture
def new(browser: Browser) -> str:
    """The kid of the next key, published."""
    assert browser.post(PAGE, {"publish": "chosen"}).status_code == 303
    following = keys.saml().following
    assert following is not None
    return following.kid


@pytest.fixture
def mailing(settings: Any) -> None:
    settings.IDP = settings.IDP.model_copy(update={"email_url": "file:///nowhere/mail"})


def contact(*emails: str, kind: str = "technical") -> dict[str, Any]:
    return {"kind": kind, "emails": list(emails)}


def provider(name: str, *emails: str, **fields: Any) -> ServiceProvider:
    given = {"contacts": [contact(*emails)] if emails else [], **fields}
    row: ServiceProvider = ServiceProviderFactory(application__name=name, **given)
    return row


def reminded(row: ServiceProvider, *, ago: timedelta) -> datetime:
    at = timezone.now() - ago
    KeyPin.objects.update_or_create(pk=row.pk, defaults={"reminded_at": at})
    return at


def shown(browser: Browser, path: str = PAGE) -> str:
    answer = browser.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def asked(browser: Browser, new: str, whom: Any = "waiting", **fields: Any) -> str:
    """The page that names whom a button would write to."""
    answer = browser.post(REMIND, {"new": new, "remind": whom, **fields})
    assert answer.status_code == 200, answer.headers
    return answer.content.decode()


def ticks(html: str) -> dict[str, bool]:
    """Every box of the page, and whether it is ticked."""
    found = re.findall(r'name="tick" value="([^"]+)"( checked)?>', html)
    return {unescape(value): bool(checked) for value, checked in found}


def send(browser: Browser, new: str, ticked: Iterable[str]) -> None:
    answer = browser.post(REMIND, {"new": new, "send": "yes", "tick": list(ticked)})
    assert answer.status_code == 303


def remind(browser: Browser, new: str, whom: Any = "waiting") -> None:
    """Press the button, then send to those who are ticked."""
    boxes = ticks(asked(browser, new, whom))
    send(browser, new, [box for box, ticked in boxes.items() if ticked])


def recipients() -> list[str]:
    return sorted(address for one in mail.outbox for address in one.to)


# ----- what would be sent -----


def test_shows_what_to_send(browser: Browser, new: str) -> None:
    row = provider("Payroll", "ops@payroll.example")
    html = shown(browser, f"{PAGE}{row.pk}/send/")
    assert "ops@payroll.example" in html
    assert entity.metadata_url(row) in html
    assert reminders.fingerprint(keys.saml_signing(new)) in html
    assert "GATEHOUSE_EMAIL_URL is not set" in html
    assert "Send it" not in html
    file = browser.get(f"{PAGE}{row.pk}/metadata/")
    assert file.content.count(b'use="signing"') == 2
    assert not KeyPin.objects.filter(pk=row.pk).exists()


def test_names_whom_it_would_write_to_and_sends_nothing(
    browser: Browser, new: str, mailing: None
) -> None:
    provider("Payroll", "ops@payroll.example", "two@payroll.example")
    silent = provider("Silent & Sons")
    html = asked(browser, new)
    assert "ops@payroll.example<br>two@payroll.example" in html
    assert "never" in html
    assert "Silent &amp; Sons" in html
    assert f'href="{PAGE}{silent.pk}/send/"' in html
    assert list(ticks(html).values()) == [True]
    assert not mail.outbox
    assert not KeyPin.objects.exists()
    assert not AuditEvent.objects.filter(action=reminders.REMINDED).exists()


def test_who_was_reminded_lately_is_not_ticked(browser: Browser, new: str, mailing: None) -> None:
    lately, long_ago = provider("Lately", "a@sp.example"), provider("Long", "b@sp.example")
    reminded(lately, ago=timedelta(hours=23))
    reminded(long_ago, ago=timedelta(hours=25))
    html = asked(browser, new)
    assert {box[:36]: ticked for box, ticked in ticks(html).items()} == {
        str(lately.pk): False,
        str(long_ago.pk): True,
    }
    assert "1 was reminded in the last 24 hours" in html
    send(browser, new, ticks(html))
    assert recipients() == ["a@sp.example", "b@sp.example"]


def test_of_those_without_an_address_none_can_be_sent_to(
    browser: Browser, new: str, mailing: None
) -> None:
    row = provider("Silent")
    html = asked(browser, new, row.pk)
    assert "None of them can be written to" in html
    assert 'name="send"' not in html
    send(browser, new, [f"{row.pk}@"])
    assert not mail.outbox
    assert not KeyPin.objects.filter(pk=row.pk).exists()


def test_fifty_at_once(browser: Browser, new: str, mailing: None) -> None:
    for number in range(52):
        provider(f"Many {number:02}", f"ops@many{number}.example")
    boxes = ticks(html := asked(browser, new))
    assert (len(boxes), sum(boxes.values())) == (52, 50)
    assert "At most 50" in html
    send(browser, new, boxes)
    assert len(mail.outbox) == 50
    assert "2 applications not written to yet" in shown(browser)
    remind(browser, new)
    assert len(set(recipients())) == len(mail.outbox) == 52


# ----- refusals -----


def test_without_mail_nothing_is_sent(browser: Browser, new: str) -> None:
    row = provider("Payroll", "ops@payroll.example")
    for fields in ({"remind": row.pk}, {"send": "yes", "tick": f"{row.pk}@"}):
        assert browser.post(REMIND, {"new": new, **fields}).status_code == 303
        assert "GATEHOUSE_EMAIL_URL is not set" in shown(browser)
    assert not mail.outbox


@pytest.mark.parametrize("tick", ["", "odd", "{pk}", "@", "{pk}@odd", "\x00@"])
@pytest.mark.parametrize("at", ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59"])
def test_odd_ticks_are_passed_over(
    browser: Browser, new: str, mailing: None, tick: str, at: str
) -> None:
    row = provider("Payroll", "ops@payroll.example")
    reminded(row, ago=timedelta(hours=1))
    send(browser, new, [tick.format(pk=row.pk), f"{row.pk}@{at}"])
    assert not mail.outbox


@pytest.mark.parametrize("kid", ["", "odd"])
def test_another_key_than_the_one_shown_is_not_written_of(
    browser: Browser, new: str, mailing: None, kid: str
) -> None:
    row = provider("Payroll", "ops@payroll.example")
    for fields in ({"remind": "waiting"}, {"send": "yes", "tick": f"{row.pk}@"}):
        assert browser.post(REMIND, {"new": kid, **fields}).status_code == 303
        assert "taken the next step meanwhile" in shown(browser)
    assert not mail.outbox


def test_only_administrators_and_no_links(
    browser: Browser, browser_of: Callable[[User], Browser], new: str, mailing: None
) -> None:
    row = provider("Payroll", "ops@payroll.example")
    stranger = browser_of(UserFactory(username="mallory"))
    fields = {"new": new, "send": "yes", "tick": f"{row.pk}@"}
    assert stranger.post(REMIND, fields).status_code == 403
    assert browser.get(REMIND, fields).headers["Location"] == PAGE
    assert not mail.outbox


def test_nobody_chosen_or_ticked(browser: Browser, new: str, mailing: None) -> None:
    assert browser.post(REMIND, {"new": new, "remind": "chosen"}).status_code == 303
    assert "Choose applications first" in shown(browser)
    send(browser, new, [])
    assert "nobody was written to" in shown(browser)


# ----- sent, and once -----


def test_reminds_with_the_exact_files(browser: Browser, new: str, mailing: None) -> None:
    row = provider("Payroll", "ops@payroll.example", "ops@payroll.example")
    other = provider("Wiki", contacts=[contact("help@wiki.example", kind="support")])
    silent = provider("Silent", contacts=[contact("x@y.example", kind="billing")])
    fetcher = provider("Fetcher", "ops@fetcher.example")
    KeyPin.objects.create(pk=fetcher.pk, fetched_at=timezone.now(), fetched_kids=new)
    remind(browser, new)
    assert recipients() == ["help@wiki.example", "ops@payroll.example"]
    message = next(one for one in mail.outbox if "Payroll" in one.subject)
    (metadata, certificate) = message.attachments
    assert metadata[0] == "gatehouse-metadata.xml"
    assert metadata[1] == browser.get(f"{PAGE}{row.pk}/metadata/").content
    assert certificate[1] == keys.saml_signing(new).certificate.encode()
    assert entity.metadata_url(row) in message.body
    assert KeyPin.objects.get(pk=other.pk).reminded_at
    assert not KeyPin.objects.filter(pk=silent.pk).exists()
    event = AuditEvent.objects.get(action="application.key_reminded", application_id=row.pk)
    assert (event.result, event.actor) == ("success", "root")
    assert event.details["to"] == ["ops@payroll.example"]


def test_a_second_click_sends_nothing(browser: Browser, new: str, mailing: None) -> None:
    provider("Payroll", "ops@payroll.example")
    boxes = ticks(asked(browser, new))
    send(browser, new, boxes)
    send(browser, new, boxes)
    assert recipients() == ["ops@payroll.example"]
    assert AuditEvent.objects.filter(action="application.key_reminded").count() == 1
    html = shown(browser)
    assert "Written to 1 application: Payroll" in html
    assert "Payroll: reminded meanwhile" in html


def test_the_second_of_two_administrators_sends_nothing(
    browser: Browser, new: str, mailing: None, browser_of: Callable[[User], Browser]
) -> None:
    row = provider("Payroll", "ops@payroll.example")
    reminded(row, ago=timedelta(days=2))
    other = browser_of(UserFactory(username="other", is_superuser=True))
    mine, theirs = ticks(asked(browser, new)), ticks(asked(other, new))
    send(browser, new, mine)
    send(other, new, theirs)
    assert recipients() == ["ops@payroll.example"]
    assert "reminded meanwhile" in shown(other)


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_at_once_one_of_them_sends(mailing: None) -> None:
    keys.ensure()
    keys.rotate(keys.SAML, "RS256", step="published")
    following = keys.saml().following
    assert following is not None
    row = provider("Payroll", "ops@payroll.example")
    (standing,) = readiness.standings([row.pk])
    barrier = threading.Barrier(4)

    def run() -> int:
        barrier.wait()
        try:
            now = timezone.now()
            return len(reminders.remind({standing: None}, following, by=BY, now=now, origin={}))
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        sent = [pool.submit(run) for _ in range(4)]
    assert sorted(one.result() for one in sent) == [0, 0, 0, 1]
    assert recipients() == ["ops@payroll.example"]


@pytest.mark.parametrize("ago", [None, timedelta(days=3)])
def test_a_failure_to_send_is_told_and_leaves_no_claim(
    browser: Browser, new: str, mailing: None, settings: Any, ago: timedelta | None
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    row = provider("Payroll", "ops@payroll.example")
    before = reminded(row, ago=ago) if ago else None
    remind(browser, new)
    assert "Not sent to Payroll: the mail server cannot be reached" in shown(browser)
    assert KeyPin.objects.get(pk=row.pk).reminded_at == before
    event = AuditEvent.objects.get(action="application.key_reminded")
    assert event.result == "failure"


# ----- what strangers write -----


@pytest.mark.parametrize(
    "address",
    [
        "ops@payroll.example\nBcc: all@victim.example",
        "ops@payroll.example, all@victim.example",
        '"x" <ops@payroll.example>',
        "no address",
        "",
        "a" * 300 + "@payroll.example",
    ],
)
def test_addresses_of_strangers_are_plain_or_none(address: str) -> None:
    row = ServiceProvider(contacts=[contact(address), {"kind": "technical"}, {}])
    assert reminders.addresses(row) == ()


def test_a_name_with_a_line_break_makes_no_header(
    browser: Browser, new: str, mailing: None
) -> None:
    provider("Pay\r\nBcc: x@y.example", "ops@payroll.example")
    remind(browser, new)
    (message,) = mail.outbox
    assert message.bcc == []
    assert "\n" not in message.subject


# ----- who is answered to -----


def test_answers_go_to_the_administrator_who_sent_it(
    browser: Browser, new: str, mailing: None
) -> None:
    User.objects.filter(username="root").update(name="Ada Root", email="ada@gatehouse.example")
    provider("Payroll", "ops@payroll.example")
    assert "Answers go to you, at ada@gatehouse.example" in asked(browser, new)
    remind(browser, new)
    (message,) = mail.outbox
    assert message.reply_to == ["ada@gatehouse.example"]
    assert "agree on a time with Ada Root" in message.body
    assert "reads answers at ada@gatehouse.example" in message.body
    assert "answer this message" not in message.body


@pytest.mark.parametrize("email", ["", "ada@gatehouse.example\nBcc: all@victim.example", "ada"])
def test_without_an_address_nobody_is_answered_to(
    browser: Browser, new: str, mailing: None, email: str
) -> None:
    User.objects.filter(username="root").update(name="Ada\nX: y", email=email)
    provider("Payroll", "ops@payroll.example")
    assert "nobody can answer" in asked(browser, new)
    remind(browser, new)
    (message,) = mail.outbox
    assert message.reply_to == []
    assert "Bcc" not in message.message().as_string()
    assert "answers at" not in message.body
    assert "Ada X: y, who administers" in message.body
