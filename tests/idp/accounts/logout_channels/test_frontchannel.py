"""Front-channel frames: whose, with which parameters, and only after the end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings
from django.test import Client as Browser
from django.utils import timezone

from idp import keys
from idp.accounts.logout_channels import frontchannel
from idp.models import LogoutNotification, Participant, Session
from idp.protocol import jose
from tests.support.factories import ClientFactory
from tests.support.logout import end, listening, session_with

URI = "https://application.example/front?tenant=a%20b"
AFTER = "https://application.example/bye?state=s"


def ended(uri: str = URI, **fields: Any) -> Session:
    session = session_with(ClientFactory(frontchannel_logout_uri=uri, **fields))
    end(session)
    return session


def shown(session: Session) -> list[frontchannel.Frame]:
    return frontchannel.show(frontchannel.Ticket(session.pk, ""), now=timezone.now())


def test_registered_address_with_iss_and_sid() -> None:
    (frame,) = shown(ended())
    assert frame.address.startswith(URI + "&")
    query = parse_qs(urlsplit(frame.address).query)
    sid = Participant.objects.get().pk.hex
    assert query == {"tenant": ["a b"], "iss": [settings.IDP.issuer], "sid": [sid]}
    assert frame.source == "https://application.example"


def test_it_is_written_down_once() -> None:
    session = ended()
    shown(session)
    shown(session)
    row = LogoutNotification.objects.get()
    assert (row.channel, row.state, row.attempts) == ("frontchannel", "shown", 1)
    assert (row.session_id, row.next_at) == (session.pk, None)


def test_nothing_before_the_end() -> None:
    session = session_with(ClientFactory(frontchannel_logout_uri=URI))
    assert shown(session) == []
    assert not LogoutNotification.objects.exists()


def test_only_those_that_listen() -> None:
    session = session_with(listening(URI), ClientFactory())
    assert not frontchannel.is_wanted(session)
    end(session)
    assert shown(session) == []


@pytest.mark.parametrize(
    ("uri", "source"),
    [
        ("http://localhost:8001/out", "http://localhost:8001"),
        ("https://app.example:8443/out", "https://app.example:8443"),
        ("https://[2001:db8::1]/out", "https:"),
    ],
)
def test_source_is_the_origin(uri: str, source: str) -> None:
    assert frontchannel.sources(shown(ended(uri))) == [source]


@pytest.mark.parametrize("uri", ["https://a.example; script-src *", "https://a b/", "https://a,b/"])
def test_no_address_reaches_the_policy_unchecked(uri: str) -> None:
    assert shown(ended(uri)) == []


class TestTicket:
    def path(self, redirect_to: str = AFTER) -> str:
        return frontchannel.address(ended().pk, redirect_to=redirect_to, now=timezone.now())

    def read(self, path: str, **ahead: float) -> frontchannel.Ticket | None:
        ticket = parse_qs(urlsplit(path).query)["ticket"][0]
        return frontchannel.read(ticket, now=timezone.now() + timedelta(**ahead))

    def test_says_where_to_go(self) -> None:
        ticket = self.read(self.path())
        assert ticket is not None
        assert (ticket.session_id, ticket.redirect_to) == (Session.objects.get().pk, AFTER)

    def test_expires(self) -> None:
        assert self.read(self.path(), minutes=16) is None

    @pytest.mark.parametrize("ticket", ["", "x", "AAAA", "A" * 40_000])
    def test_nonsense(self, ticket: str) -> None:
        assert frontchannel.read(ticket, now=timezone.now()) is None

    def test_of_another_purpose(self) -> None:
        sealed = jose.encode(keys.seal("end_session", b"[0, 1, 2]"))
        assert frontchannel.read(sealed, now=timezone.now()) is None


class TestPage:
    def page(self, client: Browser, path: str) -> Any:
        return client.get(path)

    def test_frames_and_policy(self, client: Browser) -> None:
        session = ended(application__name="<b>Acme</b>")
        path = frontchannel.address(session.pk, redirect_to=AFTER, now=timezone.now())
        page = self.page(client, path)
        html = page.content.decode()
        assert html.count("<iframe ") == 1
        assert "&lt;b&gt;Acme" in html
        assert "<b>Acme" not in html
        assert f'href="{AFTER}"' in html
        policy = page.headers["Content-Security-Policy"]
        assert "frame-src https://application.example;" in policy + ";"
        assert "frame-ancestors 'none'" in policy
        assert page.headers["X-Frame-Options"] == "DENY"
        assert page.headers["Referrer-Policy"] == "no-referrer"

    def test_without_frames_it_leads_on(self, client: Browser) -> None:
        session = session_with(ClientFactory())
        end(session)
        path = frontchannel.address(session.pk, redirect_to=AFTER, now=timezone.now())
        assert self.page(client, path).headers["Location"] == AFTER

    def test_without_an_address_to_the_signed_out_page(self, client: Browser) -> None:
        path = frontchannel.address(ended().pk, redirect_to="", now=timezone.now())
        assert b'href="/logout/done"' in self.page(client, path).content

    @pytest.mark.parametrize("query", ["", "?ticket=", "?ticket=x"])
    def test_without_a_ticket(self, client: Browser, query: str) -> None:
        page = self.page(client, frontchannel.PATH + query)
        assert (page.status_code, page.headers["Location"]) == (303, "/logout/done")

    def test_other_pages_frame_nothing(self, client: Browser) -> None:
        assert "frame-src" not in client.get("/login").headers["Content-Security-Policy"]
