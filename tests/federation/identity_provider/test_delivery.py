"""How a Response travels: in a form, or as an artifact in the address."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils import timezone

from federation.identity_provider import artifacts, delivery
from federation.identity_provider.request import ReplyTo
from federation.models import StoredArtifact
from federation.saml import vocabulary
from idp.protocol.message import Response
from tests.support.factories import ServiceProviderFactory, SessionFactory
from tests.support.protocol import header
from tests.support.saml import posted

pytestmark = pytest.mark.django_db
MESSAGE = b"<samlp:Response/>"


def send(row: Any, url: str = "https://sp.example/acs", **members: Any) -> Response:
    members.setdefault("binding", vocabulary.ARTIFACT)
    reply_to = ReplyTo(acs_url=url, in_response_to="_id", **members)
    return delivery.send(MESSAGE, reply_to, row, session=None, now=timezone.now())


def test_by_post_nothing_is_kept() -> None:
    form = posted(send(ServiceProviderFactory(), binding=vocabulary.POST, relay_state="<a>"))
    assert (form.action, form.relay_state) == ("https://sp.example/acs", "<a>")
    assert form.xml == MESSAGE
    assert not StoredArtifact.objects.exists()


def test_by_artifact_the_message_stays_here() -> None:
    row = ServiceProviderFactory()
    answer = send(row, relay_state="a b&c=\u20ac")
    assert answer.status == 303
    assert MESSAGE not in answer.body
    query = parse_qs(urlsplit(header(answer, "Location")).query, strict_parsing=True)
    assert query["RelayState"] == ["a b&c=\u20ac"]
    (art,) = query["SAMLart"]
    assert artifacts.take(art, service_provider=row, now=timezone.now()) == MESSAGE


@pytest.mark.parametrize(
    ("url", "begins"),
    [
        ("https://sp.example/acs", "https://sp.example/acs?SAMLart="),
        ("https://sp.example/acs?tenant=a%20b", "https://sp.example/acs?tenant=a%20b&SAMLart="),
    ],
)
def test_an_address_keeps_its_own_query(url: str, begins: str) -> None:
    assert header(send(ServiceProviderFactory(), url), "Location").startswith(begins)


def test_an_empty_relay_state_is_one_and_none_is_none() -> None:
    row = ServiceProviderFactory()
    assert header(send(row, relay_state=""), "Location").endswith("&RelayState=")
    assert "RelayState" not in header(send(row), "Location")


def test_what_is_too_long_for_an_address_goes_into_a_form() -> None:
    answer = send(ServiceProviderFactory(), relay_state="x" * 2_000)
    assert answer.status == 200
    assert b'name="SAMLart"' in answer.body
    assert header(answer, "Referrer-Policy") == "origin"


def test_the_session_goes_with_it() -> None:
    row, session = ServiceProviderFactory(), SessionFactory()
    reply_to = ReplyTo(
        acs_url="https://sp.example/acs", in_response_to=None, binding=vocabulary.ARTIFACT
    )
    delivery.send(MESSAGE, reply_to, row, session=session, now=timezone.now())
    assert StoredArtifact.objects.get().session == session
