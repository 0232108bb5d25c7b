"""The channels by which applications hear of a sign-out, filled in while applications start.

Two kinds. On a direct channel we ask the application ourselves: its notices wait in the outbox and
are sent by `sender`. Through the browser the person is led past the application, which answers by
leading them back: `journey`. OpenID Connect's frames answer nothing and are no channel of these.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from django.db.models import QuerySet

from idp.models import Application, LogoutNotification, Participant
from idp.protocol.message import Response

if TYPE_CHECKING:
    from idp.accounts.logout_channels.outbox import Outcome

Channel = LogoutNotification.Channel


class Direct(Protocol):
    """How notices of one channel are sent; a module will do."""

    def wanting(self, participants: QuerySet[Participant]) -> QuerySet[Participant]:
        """Those of `participants` whose application listens here."""

    def receiver(self, notice: LogoutNotification) -> str:
        """Which host is asked; how much goes there at once is bounded."""

    def prepare(self, notice: LogoutNotification, *, now: datetime) -> Any:
        """What is sent, made afresh; None if the application has no address any more."""

    def post(self, sending: Any) -> Outcome:
        """Send it and wait for the answer, a few seconds at most; touches no database."""


class ThroughBrowser(Protocol):
    """How a person is led past the applications of one channel; a module will do."""

    def wanting(self, participants: QuerySet[Participant]) -> QuerySet[Participant]:
        """Those of `participants` whose application listens here, and nowhere else."""

    def listens(self, application: Application) -> bool:
        """Whether this one does."""

    def depart(
        self, notice: LogoutNotification, *, request_id: str, relay_state: str, now: datetime
    ) -> Response | None:
        """The answer that takes the browser there; None if there is no address any more.

        `request_id`, `relay_state`: what has to come back with the application's answer.
        """


_direct: dict[str, Direct] = {}
_through_browser: dict[str, ThroughBrowser] = {}


def register_direct(channel: str, how: Direct) -> None:
    """Say how notices of a channel are sent; called once at start."""
    _direct[channel] = how


def register_through_browser(channel: str, how: ThroughBrowser) -> None:
    """Say how people are led past the applications of a channel; called once at start."""
    _through_browser[channel] = how


def direct() -> Mapping[str, Direct]:
    """Every channel on which we send ourselves."""
    return _direct


def through_browser() -> Mapping[str, ThroughBrowser]:
    """Every channel that needs the person's browser."""
    return _through_browser


def needs_browser(application: Application) -> bool:
    """Whether an application can only be told in the browser in which the person signs out."""
    client = getattr(application, "client", None)
    if client is not None:
        return bool(client.frontchannel_logout_uri)
    return any(how.listens(application) for how in _through_browser.values())


def install() -> None:
    """Register OpenID Connect's own; called once at start."""
    from idp.accounts.logout_channels import backchannel

    register_direct(Channel.BACKCHANNEL, backchannel)
