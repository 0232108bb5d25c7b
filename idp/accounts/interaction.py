"""What waits while a person signs in or consents: opened, bound to a browser, finished once.

A kind (`oidc`, `saml`, `local`) stores its validated request and says with `register()` what
becomes of it. The address carries a handle, the row its SHA-256; the row belongs to the browser
whose cookie it names. A cross-site POST arrives without cookies: its row is bound by the first
browser that comes back with a GET, by one conditional update. Nobody else ever continues it.
Which step comes next is decided elsewhere: `stages`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from django.conf import settings
from django.db.models import Exists
from django.http import HttpRequest, HttpResponseBase

from idp.accounts import cookies, requirement
from idp.accounts.consents import ConsentQuestion
from idp.models import Application, Interaction, Session
from idp.protocol.authentication_context import AuthenticationRequirement
from idp.protocol.message import Response

Answer = HttpResponseBase | Response
Finish = Callable[[Interaction, Session, HttpRequest], Answer]
Refuse = Callable[[Interaction, str, HttpRequest], Answer]
Consent = Callable[[Interaction, Session], ConsentQuestion | None]
Restart = Callable[[Interaction], str]


class Refusal(StrEnum):
    """Why an interaction ends without its person; the kind words it for its protocol."""

    CANCELLED = "cancelled"
    CONSENT_DENIED = "consent_denied"
    NOT_ALLOWED = "not_allowed"
    LOGIN_REQUIRED = "login_required"
    CONSENT_REQUIRED = "consent_required"
    UNMET = "unmet_authentication_requirements"


class Problem(StrEnum):
    """Why an interaction cannot go on."""

    UNKNOWN = "unknown"
    EXPIRED = "expired"
    FINISHED = "finished"
    OTHER_BROWSER = "other browser"
    NO_COOKIE = "no cookie"


class BrowserRequest(Protocol):
    """What is needed of a request that opens an interaction: `protocol.message.Request`."""

    @property
    def method(self) -> str: ...
    @property
    def cookies(self) -> Mapping[str, str]: ...


@dataclass(frozen=True, slots=True)
class Opened:
    """Where to send the browser (303), and the Set-Cookie values that go with it."""

    path: str
    cookies: tuple[str, ...]
    interaction: Interaction


@dataclass(frozen=True, slots=True)
class Kind:
    """What becomes of interactions of one kind."""

    finish: Finish
    refuse: Refuse
    consent: Consent | None = None
    restart: Restart | None = None


_kinds: dict[str, Kind] = {}


def register(
    kind: str,
    *,
    finish: Finish,
    refuse: Refuse,
    consent: Consent | None = None,
    restart: Restart | None = None,
) -> None:
    """Say what becomes of interactions of a kind.

    `finish`: called once, with the session that met every requirement; issues and answers.
    `refuse`: called once, with a Refusal. `consent`: what still has to be asked, None for nothing.
    `restart`: a local path or registered address at which an expired one can begin again.
    """
    _kinds[kind] = Kind(finish, refuse, consent, restart)


def kind_of(interaction: Interaction) -> Kind:
    """What becomes of this interaction; its kind is one that `find` has let through."""
    return _kinds[interaction.kind]


def kinds() -> frozenset[str]:
    """Every kind that the dispatcher leads on."""
    return frozenset(_kinds)


def open(
    kind: str,
    *,
    application: Application | None,
    requirement: AuthenticationRequirement,
    request: dict[str, Any],
    origin: BrowserRequest,
    now: datetime,
    path: str = "/interaction/",
) -> Opened:
    """Store a validated request until its person has signed in and agreed.

    `request`: JSON of the kind's own. The browser is known by its cookie; a GET without one gets
    one, a POST without one may come from another site and stays unbound until it returns.
    """
    handle = cookies.new_token()
    browser = cookies.read(origin.cookies, "browser")
    fresh = "" if browser or origin.method == "POST" else cookies.new_token()
    bound_to = browser or fresh
    interaction = Interaction.objects.create(
        handle_hash=cookies.digest(handle),
        browser_hash=cookies.digest(bound_to) if bound_to else b"",
        kind=kind,
        application=application,
        requirement=_dump(requirement),
        request=request,
        created_at=now,
        expires_at=now + settings.IDP.interaction_lifetime,
    )
    return Opened(path + handle, (cookies.header("browser", fresh),) if fresh else (), interaction)


def find(
    handle: str, *, browser: str, of_kinds: Collection[str], now: datetime
) -> tuple[Interaction | None, Problem | None]:
    """The interaction of a handle in this browser, and what is wrong with it.

    The row is given with EXPIRED and FINISHED too, and with NO_COOKIE for its way on; never to
    another browser.
    """
    if not cookies.TOKEN.match(handle):
        return None, Problem.UNKNOWN
    row = (
        Interaction.objects.select_related("application")
        .defer("application__logo")
        .filter(handle_hash=cookies.digest(handle))
        .first()
    )
    if row is None or row.kind not in of_kinds:
        return None, Problem.UNKNOWN
    if not browser:
        return row, Problem.NO_COOKIE
    if not _belongs(row, cookies.digest(browser)):
        return None, Problem.OTHER_BROWSER
    if row.finished_at is not None:
        return row, Problem.FINISHED
    return row, Problem.EXPIRED if row.expires_at <= now else None


def _belongs(row: Interaction, browser_hash: bytes) -> bool:
    """Whether the row is this browser's; an unbound one becomes so, once."""
    if not row.browser_hash:
        unbound = Interaction.objects.filter(pk=row.pk, browser_hash=b"")
        unbound.update(browser_hash=browser_hash)
        row.refresh_from_db(fields=["browser_hash"])
    return bytes(row.browser_hash) == browser_hash


def prove(interaction: Interaction, session: Session, *, now: datetime) -> None:
    """Note that the person of this session has just proven who they are in this interaction."""
    _change(interaction, session=session, authenticated_at=now, consented_at=None)


def consent(interaction: Interaction, session: Session, *, now: datetime) -> None:
    """Note that the person of this session has agreed to what was asked."""
    _change(interaction, session=session, consented_at=now)


def switch(interaction: Interaction, *, now: datetime) -> None:
    """Somebody else wants to sign in: only a proof newer than this counts."""
    _change(interaction, session=None, authenticated_at=None, consented_at=None, switched_at=now)


def refuse(interaction: Interaction, reason: Refusal) -> None:
    """End the interaction without its person; the dispatcher answers the application."""
    _change(interaction, refused=reason.value)


def _change(interaction: Interaction, **values: Any) -> None:
    """Change an interaction that has neither been finished nor refused."""
    waiting = Interaction.objects.filter(pk=interaction.pk, finished_at=None, refused="")
    if waiting.update(**values):
        for name, value in values.items():
            setattr(interaction, name, value)


def claim(interaction: Interaction, session: Session | None, *, now: datetime) -> bool:
    """Take the right to answer, which exists once: one conditional update.

    Nothing that was decided from may have changed. `session`: in whose name; must still be live.
    None where the application is refused.
    """
    open_one = Interaction.objects.filter(
        pk=interaction.pk,
        finished_at=None,
        expires_at__gt=now,
        refused=interaction.refused,
        switched_at=interaction.switched_at,
        consented_at=interaction.consented_at,
    )
    if session is not None:
        live = Session.objects.filter(pk=session.pk, ended_at=None, user__is_active=True)
        open_one = open_one.filter(Exists(live))
    if not open_one.update(finished_at=now, session=session):
        return False
    interaction.finished_at = now
    interaction.session = session
    return True


def _dump(wanted: AuthenticationRequirement) -> dict[str, Any]:
    return requirement.dump(wanted)
