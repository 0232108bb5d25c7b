"""A browser, a person and a kind of interaction of the tests' own, for everything that signs in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.utils import timezone

from idp.accounts import interaction, password
from idp.accounts.consents import ConsentQuestion, Item
from idp.accounts.redirects import see_other
from idp.models import Application, Interaction, Session, User
from idp.protocol.authentication_context import AuthenticationRequirement
from tests.support.factories import PASSWORD, ApplicationFactory, UserFactory

KIND = "probe"
BACK = "https://app.example/back"


class _Forms(HTMLParser):
    """Every form of a page: its action, its inputs with values, and its buttons' ids."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[dict[str, Any]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        facts = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append({"action": facts.get("action", ""), "inputs": {}, "buttons": set()})
        elif tag == "input" and self.forms and "name" in facts:
            self.forms[-1]["inputs"][facts["name"]] = facts.get("value", "")
        elif tag == "button" and self.forms:
            self.forms[-1]["buttons"].add(facts.get("name", ""))


class Browser(Client):
    """Sends forms as the page shows them, follows only redirects within the site."""

    def __init__(self, **options: Any) -> None:
        super().__init__(enforce_csrf_checks=True, **options)

    def open(self, path: str, **extra: Any) -> HttpResponse:
        """GET, following redirects within the site; the last response carries `path`."""
        return self._follow(self.get(path, **extra), path)

    def submit(self, page: HttpResponse, *, follow: bool = True, **values: str) -> HttpResponse:
        """Send the page's form that has the named inputs or buttons, with its hidden fields."""
        form = self.form_of(page, *values)
        action = form["action"] or page.path
        response = self.post(action, {**form["inputs"], **values})
        return self._follow(response, action) if follow else response

    def form_of(self, page: HttpResponse, *names: str) -> dict[str, Any]:
        parser = _Forms()
        parser.feed(page.content.decode())
        for form in parser.forms:
            if all(name in form["inputs"] or name in form["buttons"] for name in names):
                return form
        raise AssertionError(f"no form with {names} on {page.path}: {page.content.decode()}")

    def _follow(self, response: HttpResponse, path: str) -> HttpResponse:
        for _ in range(10):
            location = response.headers.get("Location", "")
            if not location.startswith("/"):
                break
            path = location
            response = self.get(location)
        response.path = path
        return response

    def sign_in(self, name: str = "alice", secret: str = PASSWORD) -> HttpResponse:
        """A plain sign-in."""
        return self.submit(self.open("/login"), username=name, password=secret)

    @property
    def session_token(self) -> str:
        morsel = self.cookies.get("gatehouse_session")
        return morsel.value if morsel else ""


@dataclass
class Probe:
    """What happened to interactions of the tests' own kind."""

    finished: list[tuple[Interaction, Session]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    question: ConsentQuestion | None = None

    def finish(self, row: Interaction, session: Session, request: HttpRequest) -> HttpResponse:
        self.finished.append((row, session))
        return see_other(BACK)

    def refuse(self, row: Interaction, reason: str, request: HttpRequest) -> HttpResponse:
        self.refused.append(reason)
        return see_other(f"{BACK}?error={reason}")

    def consent(self, row: Interaction, session: Session) -> ConsentQuestion | None:
        return self.question

    def ask(self, application: Application, *scopes: str) -> None:
        """Ask everybody for consent to these scopes, until they have given it."""
        items = tuple(Item(f"Label of {scope}", f"Value of {scope}") for scope in scopes)
        self.question = ConsentQuestion(
            application=application, scopes=scopes, items=items, redirect_host="app.example"
        )


@contextmanager
def probing() -> Iterator[Probe]:
    """Register the tests' own kind for a while."""
    probe = Probe()
    interaction.register(
        KIND,
        finish=probe.finish,
        refuse=probe.refuse,
        consent=probe.consent,
        restart=lambda row: "/restarted",
    )
    try:
        yield probe
    finally:
        del interaction._kinds[KIND]


@dataclass(frozen=True)
class Origin:
    """The request that opens an interaction."""

    method: str = "GET"
    cookies: Mapping[str, str] = field(default_factory=dict)


def begin(
    browser: Client | None,
    application: Application | None = None,
    *,
    method: str = "GET",
    **requirement: Any,
) -> str:
    """Open an interaction in this browser, as an authorization request does; returns its path.

    `browser` None: it came without cookies, and its answer's are lost too.
    """
    cookies = {name: morsel.value for name, morsel in browser.cookies.items()} if browser else {}
    opened = interaction.open(
        KIND,
        application=application,
        requirement=AuthenticationRequirement(**requirement),
        request={"state": "secret-state"},
        origin=Origin(method, {} if method == "POST" else cookies),
        now=timezone.now(),
    )
    if browser is not None:
        for value in opened.cookies:
            browser.cookies.load(value)
    return opened.path


class Clock:
    """The time, as far as the pages know it."""

    def __init__(self) -> None:
        self._real = timezone.now
        self.ahead = timedelta(0)
        self._frozen: datetime | None = None

    def now(self) -> datetime:
        return (self._frozen or self._real()) + self.ahead

    def freeze(self) -> None:
        """Only `advance` moves it from now on."""
        self._frozen = self._real()

    def advance(self, **by: float) -> None:
        self.ahead += timedelta(**by)


# Fixtures: a conftest that wants them imports them.


@pytest.fixture
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords that cost nothing, where their cost is not what is tested."""
    monkeypatch.setattr(password.Argon2id, "memory_cost", 64)
    monkeypatch.setattr(password.Argon2id, "time_cost", 1)
    password._decoy.cache_clear()


@pytest.fixture
def alice(db: None) -> User:
    return UserFactory(username="alice", name="Alice Adams", password=PASSWORD)


@pytest.fixture
def bob(db: None) -> User:
    return UserFactory(username="bob", password=PASSWORD)


@pytest.fixture
def application(db: None) -> Application:
    return ApplicationFactory(name="Acme Reports", launch_url="https://app.example/start")


@pytest.fixture
def browser() -> Browser:
    return Browser()


@pytest.fixture
def other_browser() -> Browser:
    return Browser()


@pytest.fixture
def probe() -> Iterator[Probe]:
    with probing() as probe:
        yield probe


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(timezone, "now", clock.now)
    return clock
