"""Sessions with applications that want to hear of their end, and receivers to tell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from idp.accounts import session as sessions
from idp.accounts.logout_channels import sender
from idp.models import Application, Client, LogoutNotification, Session
from tests.support.factories import ClientFactory, SessionFactory
from tests.support.receiver import Received, Receiver

SECONDS = 30.0


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    """Applications' own server, on loopback and allowed by name."""
    with Receiver() as running:
        allow(settings, running)
        yield running


def allow(settings: Any, *receivers: Receiver) -> None:
    """Let the outbound door through to these."""
    hosts = tuple(f"127.0.0.1:{one.port}" for one in receivers)
    settings.IDP = settings.IDP.model_copy(
        update={"outbound_allow": (*settings.IDP.outbound_allow, *hosts)}
    )


def listening(uri: str, **fields: Any) -> Client:
    """A client that is told at this address."""
    return ClientFactory(backchannel_logout_uri=uri, **fields)


def session_with(*clients: Client | Application, **fields: Any) -> Session:
    """A live session in which these took part."""
    session = SessionFactory(**fields)
    for client in clients:
        application = client if isinstance(client, Application) else client.application
        sessions.participate(session, application, timezone.now())
    return session


def end(session: Session, reason: str = "signed out") -> None:
    """Its end, now."""
    assert sessions.end(session, reason=reason, now=timezone.now())


def deliver() -> None:
    """Send what is due, and wait until everybody has answered."""
    sender.Sender().deliver(seconds=SECONDS)


def notice() -> LogoutNotification:
    """The only one."""
    return LogoutNotification.objects.get()


def tokens(receiver: Receiver, path: str = "/logout") -> list[str]:
    """The logout tokens that arrived there."""
    return [logout_token_of(one) for one in receiver.at(path)]


def logout_token_of(received: Received) -> str:
    """The one member of the form."""
    assert received.form.keys() == {"logout_token"}
    return received.form["logout_token"]
