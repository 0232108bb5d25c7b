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

from idp.accounts.views.login import WRONG
from tests.support.application import Application, answer
from tests.support.person import Person
from tests.support.server import Gatehouse

SECONDS_OF_LOAD = 3
MOST_SECONDS_OF_LOAD = 240
ENOUGH = {
    **dict.fromkeys(("refreshed", "redeemed", "revoked", "kept code"), 5),
    **dict.fromkeys(("signed in", "signed out"), 2),
    "wrong password": 5,
    "too many tries": 2,
}
SETTINGS = {
    "GATEHOUSE_REFRESH_RETRY_WINDOW": "60",
    "GATEHOUSE_PASSWORD_HASHES_AT_ONCE": "16",  # on a slow machine nobody is sent away as too many
}
CODE_LIVES_FOR_SURE = 55  # seconds
GONE = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)


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
            except GONE:
                return  # the server was killed: the test stops the others too
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
            asked = time.monotonic()
            code = self.web.code(person, self.web.session())
            if kind == "kept code":
                self.answered[kind].append((code, asked))
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
        page = person.sign_in(page, "bob", "not the password")
        self.answered[_kind_of_refusal(page)].append(page)
        time.sleep(0.1)


def _kind_of_refusal(page: requests.Response) -> str:
    """What the sign-in page says of a try: the words of the audit trail."""
    kinds = {"wrong password": WRONG, "too many tries": "Too many attempts"}
    (kind,) = [kind for kind, words in kinds.items() if words in page.text]
    return kind


@pytest.fixture
def web(own_gatehouse: Callable[..., Gatehouse]) -> Application:
    """Two worker processes on SQLite; a lost answer may be asked for again for long enough."""
    server = own_gatehouse(settings=SETTINGS, workers=2)
    return Application(server, gatehouse_refresh_always=True)


def test_nothing_that_was_answered_is_lost(web: Application) -> None:
    load = Load(web)
    threads = load.run()
    try:
        time.sleep(SECONDS_OF_LOAD)
        _wait_for_enough_of_everything(load, threads)
    finally:
        web.gatehouse.kill()
        load.stop.set()
        for thread in threads:
            thread.join()
    assert load.unexpected == []
    web.gatehouse.start()
    _what_was_given_still_counts(load)
    _what_was_taken_back_stays_so(load)
    _the_trail_knows_everything_but_tokens(load)


def _wait_for_enough_of_everything(load: Load, threads: list[threading.Thread]) -> None:
    """However slow the machine is, every kind of answer has been given when the server dies."""
    limit = time.monotonic() + MOST_SECONDS_OF_LOAD
    while missing := {
        name: number for name, number in ENOUGH.items() if len(load.answered[name]) < number
    }:
        assert load.unexpected == []
        assert all(thread.is_alive() for thread in threads)
        assert time.monotonic() < limit, missing
        time.sleep(0.1)


def _what_was_given_still_counts(load: Load) -> None:
    web = load.web
    for token in load.successors.values():
        assert web.refresh(token).status_code == 200
    for code, asked in load.answered["kept code"][-5:]:
        status = web.redeem(code).status_code
        assert status == 200 or time.monotonic() - asked > CODE_LIVES_FOR_SURE
    for _, tokens in load.answered["redeemed"][-20:]:
        assert web.is_active(tokens["access_token"])
        assert web.refresh(tokens["refresh_token"]).status_code == 200
    for person in load.answered["signed in"]:
        assert "code" in answer(web.visit(person, web.session(), prompt="none"))


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
        reasons = Counter(
            reason
            for (reason,) in database.execute(
                "SELECT reason FROM idp_auditevent WHERE action = 'signin.refused'"
            )
        )
    done = {name: len(found) for name, found in load.answered.items()}
    assert actions["signin.success"] >= done["signed in"] + done["signed out"]
    # One may have been written without having been answered.
    assert reasons["wrong password"] - done["wrong password"] in (0, 1)
    assert 1 <= reasons["too many tries"] <= done["too many tries"] + 1
    assert actions["grant.revoked"] >= done["revoked"]
    assert actions["session.ended"] >= done["signed out"]
