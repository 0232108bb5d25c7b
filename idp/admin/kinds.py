"""The kinds of applications that can be connected: what each shows in the wizard and on its page.

`idp.admin` registers the kinds of OAuth and OpenID Connect, `federation.admin` the SAML kind.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from idp.models import Application

OIDC, SAML = "oidc", "saml"


@dataclass(frozen=True)
class Setting:
    """One value that the other side needs; `secret`: shown once, never again."""

    label: str
    value: str
    secret: bool = False


@dataclass(frozen=True)
class Snippet:
    """Text ready to copy for one kind of client."""

    title: str
    text: str


@dataclass(frozen=True)
class Sheet:
    """Everything that is copied to the other side; `notes`: what to mind there."""

    settings: tuple[Setting, ...]
    snippets: tuple[Snippet, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Notice:
    """One thing that is missing or worth knowing: how bad in a word, a sentence, where to fix it.

    `tone`: good, warn, bad or "". `url` and `link`: empty where there is nothing to go to.
    """

    word: str
    tone: str
    text: str
    url: str = ""
    link: str = ""


@dataclass(frozen=True)
class Kind:
    """One card of the wizard, and what follows from it.

    `connect`: the view of the address page. `half`: the inline of the protocol's half on the
    application's page. `sheet`: settings to copy, given the application and its new secret or "".
    `test`: answers the press of *Test sign-in*. `missing`: what still has to be done before
    somebody can sign in, one sentence each. `notices`: the same with weight and remedy.
    `waiting`: what waits for an administrator's decision.
    `start`: the name of the page that its card leads to, if that is not the address page.
    """

    value: str
    protocol: str
    title: str
    summary: str
    examples: str
    connect: Callable[[HttpRequest], HttpResponse]
    half: type[Any]
    sheet: Callable[[Application, str], Sheet]
    test: Callable[[HttpRequest, Application], HttpResponse]
    missing: Callable[[Application], list[str]] = lambda application: []
    notices: Callable[[Application], list[Notice]] = lambda application: []
    waiting: Callable[[Application], list[Notice]] = lambda application: []
    start: str = ""

    @property
    def url(self) -> str:
        """Where its card leads to."""
        return (
            reverse(self.start) if self.start else reverse("admin:connect_kind", args=[self.value])
        )


_kinds: dict[str, Kind] = {}


def register(kind: Kind) -> None:
    """Add a kind; its value is one of Application.Kind."""
    _kinds[kind.value] = kind


def every() -> list[Kind]:
    """All kinds, in the order of Application.Kind."""
    return [_kinds[value] for value in Application.Kind.values if value in _kinds]


def get(value: str) -> Kind | None:
    """The kind of this value, if there is one."""
    return _kinds.get(value)


def of(application: Application) -> Kind:
    """The kind of an application."""
    return _kinds[application.kind]


def protocol_of(value: str) -> str:
    """Which protocol an application of this kind speaks."""
    return SAML if value == Application.Kind.SAML else OIDC
