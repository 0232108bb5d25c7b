"""The kinds of applications that can be connected: what each shows in the wizard and on its page.

`idp.admin` registers the kinds of OAuth and OpenID Connect, `federation.admin` the SAML kind.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse

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
    """Everything that is copied to the other side."""

    settings: tuple[Setting, ...]
    snippets: tuple[Snippet, ...] = ()
    links: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Kind:
    """One card of the wizard, and what follows from it.

    `connect`: the view of the address page. `half`: the inline of the protocol's half on the
    application's page. `sheet`: settings to copy, given the application and its new secret or "".
    `test`: answers the press of *Test sign-in*. `missing`: what still has to be done before
    somebody can sign in, one sentence each.
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
