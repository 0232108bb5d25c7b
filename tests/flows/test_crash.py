"""The server is killed (SIGKILL) under load: whatever it had answered still holds."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

import pytest
import requests

from tests.support.application import Application, answer
from tests.support.person import Person
from tests.support.server import Gatehouse

SECONDS_OF_LOAD = 3


class Load:
    """Threads that do one thing each until the server is gone, and note what was answered."""

    def __init__(self, web: Application) -> None:
        self.web = web
        self.answered: defaultdict[str, list[Any]] = defaultdict(list)
        self.successors: dict[str, str] = {}
        self.stop = threading.Event()
        self.unexpected: list[str] = []

    def run(self) -> list[threading.Thread]:
        """Begin; everybody is signed in first, so that the load is not only passwords."""
        jobs: list[Callable[[], None]] = [
            *(self._chain(Person()) for _ in range(2)),
            self._flow(Person(), "redeemed"),
            self._flow(Person(), "revoked"),
            self._flow(Person(), "kept code"),
            self._sign_in,
            self._sign_out,
            self._wrong_password,
        ]
        threads = [threading.Thread(target=self._repeat, args=[job]) for job in jobs]
        for thread in threads:
            thread.start()
        return threads

    def _repeat(self, job: Callable[[], None]) -> None:
        while not self.stop.is_set():
            try:
                job()
            except requests.RequestException:
                return  # the server is gone
            except Exception as error:
                self.unexpected.append(repr(error))
                return

    def _chain(self, person: Person) -> Callable[[], None]:
        first = self.web.tokens(person)["refresh_token"]
        self.successors[first] = first

        def refresh() -> None:
            given = self.web.refresh(self.successors[first]).json()
            self.successors[first] = given["refresh_token"]
            self.answered["refreshed"].append(given["refresh_token"])

        return refresh

    def _flow(self, person: Person, kind: str) -> Callable[[], None]:
        self.web.tokens(person)

        def flow() -> None:
            code = self.web.code(person, self.web.session())
            if kind == "kept code":
                self.answered[kind].append((code, time.monotonic()))
                time.sleep(0.05)
                return
            tokens = self.web.redeem(code).json()
            if kind == "revoked":
                self.web.post("revocation", token=tokens["refresh_token"]).raise_for_status()
            self.answered[kind].append((code, tokens))

        return flow

    def _sign_in(self) -> None:
        person = Person()
        page = person.open(self.web.gatehouse.url("/login"))
        person.sign_in(page, "alice", self.web.gatehouse.password).raise_for_status()
        self.answered["signed in"].append(person)

    def _sign_out(self) -> None:
        person = Person()
        page = person.open(self.web.gatehouse.url("/login"))
        person.sign_in(page, "alice", self.web.gatehouse.password)
        cookies = person.session.cookies.copy()
        tokens = self.web.tokens(person)
        page = person.submit(person.open(self.web.gatehouse.url("/logout")), logout="1")
        page.raise_for_status()
        self.answered["signed out"].append((cookies, tokens))

    def _wrong_password(self) -> None:
        person = Person()
        page = person.open(self.web.gatehouse.url("/login"))
        person.sign_in(page, "bob", "not the password")
        self.answered["refused"].append(None)
        time.sleep(0.1)


@pytest.fixture
def web(own_gatehouse: Callable[..., Gatehouse]) -> Application:
    """Two worker processes on SQLite; a lost answer may be asked for again for long enough."""
    server = own_gatehouse(settings={"GATEHOUSE_REFRESH_RETRY_WINDOW": "60"}, workers=2)
    return Application(server, gatehouse_refresh_always=True)


def test_nothing_that_was_answered_is_lost(web: Application) -> None:
    load = Load(web)
    threads = load.run()
    time.sleep(SECONDS_OF_LOAD)
    web.gatehouse.kill()
    for thread in threads:
        thread.join(30)
    assert load.unexpected == []
    assert {name: bool(found) for name, found in load.answered.items()} == dict.fromkeys(
        [
            *("refreshed", "redeemed", "revoked", "kept code"),
            *("signed in", "signed out", "refused"),
        ],
        True,
    )
    web.gatehouse.start()
    _what_was_given_still_counts(load)
    _what_was_taken_back_stays_so(load)
    _the_trail_knows_everything_but_tokens(load)


def _what_was_given_still_counts(load: Load) -> None:
    web = load.web
    for token in load.successors.values():
        assert web.refresh(token).status_code == 200
    for _, tokens in load.answered["redeemed"][-20:]:
        assert web.is_active(tokens["access_token"])
        assert web.refresh(tokens["refresh_token"]).status_code == 200
    for person in load.answered["signed in"]:
        assert "code" in answer(web.visit(person, web.session(), prompt="none"))
    young = [code for code, at in load.answered["kept code"] if time.monotonic() - at < 50]
    for code in young[-5:]:
        assert web.redeem(code).status_code == 200


def _what_was_taken_back_stays_so(load: Load) -> None:
    web = load.web
    for cookies, tokens in load.answered["signed out"]:
        person = Person()
        person.session.cookies = cookies
        told = answer(web.visit(person, web.session(), prompt="none"))
        assert told["error"] == "login_required"
        assert web.refresh(tokens["refresh_token"]).status_code == 400
        assert not web.is_active(tokens["access_token"])
    for code, tokens in load.answered["revoked"][-20:]:
        assert web.refresh(tokens["refresh_token"]).status_code == 400
        assert not web.is_active(tokens["access_token"])
        assert web.redeem(code).status_code == 400
    for code, _ in load.answered["redeemed"][-5:]:
        assert web.redeem(code).status_code == 400


def _the_trail_knows_everything_but_tokens(load: Load) -> None:
    web = load.web
    with sqlite3.connect(web.gatehouse.folder / "gatehouse.sqlite3") as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        actions = Counter(
            action for (action,) in database.execute("SELECT action FROM idp_auditevent")
        )
    done = {name: len(found) for name, found in load.answered.items()}
    assert actions["signin.success"] >= done["signed in"] + done["signed out"]
    assert actions["signin.refused"] >= done["refused"]
    assert actions["grant.revoked"] >= done["revoked"]
    assert actions["session.ended"] >= done["signed out"]
