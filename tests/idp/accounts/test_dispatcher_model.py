"""Whatever people and attackers send in whatever order: nothing finishes without its proofs.

A model of its own keeps what has truly been proven: right passwords, by whom, in which browser,
when; and what has truly been allowed, after it was shown. Requests are chosen at random.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from idp.accounts import cookies, people
from idp.models import Consent, Group, Interaction, Session, ThrottleBucket, User
from tests.support.factories import PASSWORD, ApplicationFactory, UserFactory
from tests.support.sign_in import Browser, begin, probing

STEPS = ("", "/login", "/consent", "/not-allowed")
NAMES = ("alice", "bob")
WHO = st.integers(0, 1)
WHICH = st.integers(0, 7)
METHOD = st.sampled_from(["GET", "POST"])
WANTED = st.fixed_dictionaries(
    {},
    optional={
        "force": st.booleans(),
        "passive": st.just(True),
        "select_account": st.booleans(),
        "max_age": st.sampled_from([timedelta(0), timedelta(minutes=5)]),
        "subject": st.sampled_from(NAMES),
    },
)


@dataclass
class Waiting:
    """One interaction as the model sees it."""

    path: str
    opened_at: datetime
    wanted: dict
    owner: int | None
    switched_at: datetime | None = None
    allowed: set = field(default_factory=set)
    ended: bool = False


class Dispatcher(RuleBasedStateMachine):
    """Two browsers, two people, one application, any number of interactions."""

    def __init__(self) -> None:
        super().__init__()
        for model in (Interaction, Session, Consent, ThrottleBucket, User, Group):
            model.objects.all().delete()
        self.people = {name: UserFactory(username=name, password=PASSWORD) for name in NAMES}
        self.application = ApplicationFactory(access="everyone")
        self.browsers = [Browser(), Browser()]
        for browser in self.browsers:
            browser.raise_request_exception = True
        self.proofs: dict[int, list[tuple[str, datetime]]] = defaultdict(list)
        self.waiting: dict[str, Waiting] = {}
        self._probing = probing()
        self.probe = self._probing.__enter__()
        self._finish, self._refuse = self.probe.finish, self.probe.refuse
        self.acting = 0
        self._watch()

    def teardown(self) -> None:
        self._probing.__exit__(None, None, None)

    def _watch(self) -> None:
        from idp.accounts import interaction

        interaction.register(
            "probe",
            finish=self._finished,
            refuse=self._refused,
            consent=lambda row, session: self.probe.question,
        )

    # What must hold.

    def _finished(self, row, session, request):
        waiting = self._of(row)
        name = session.user.username
        assert not waiting.ended
        waiting.ended = True
        assert waiting.owner == self.acting
        assert not waiting.wanted.get("passive") or self.probe.question is None
        assert waiting.wanted.get("subject") in (None, session.user.subject)
        person = User.objects.get(username=name)
        assert person.is_active
        assert self.application_allows(person)
        if self.probe.question is not None:
            assert name in waiting.allowed
        assert any(
            self._suffices(at, waiting) for who, at in self.proofs[self.acting] if who == name
        )
        return self._finish(row, session, request)

    def _suffices(self, at: datetime, waiting: Waiting) -> bool:
        since = waiting.switched_at or waiting.opened_at
        if at >= since:
            return True
        if (
            waiting.switched_at
            or waiting.wanted.get("force")
            or waiting.wanted.get("select_account")
        ):
            return False
        max_age = waiting.wanted.get("max_age")
        return max_age is None or timezone.now() - at <= max_age

    def _refused(self, row, reason, request):
        waiting = self._of(row)
        assert not waiting.ended
        assert waiting.owner == self.acting
        waiting.ended = True
        return self._refuse(row, reason, request)

    def _of(self, row: Interaction) -> Waiting:
        waiting = next(
            waiting
            for waiting in self.waiting.values()
            if cookies.digest(waiting.path.rpartition("/")[2]) == bytes(row.handle_hash)
        )
        if waiting.owner is None:
            waiting.owner = self._bound_to(waiting.path)
        return waiting

    def application_allows(self, person: User) -> bool:
        self.application.refresh_from_db()
        return self.application.access == "everyone" and self.application.enabled

    # What can happen.

    @initialize(
        asks=st.booleans(),
        signed_in=st.sampled_from([None, *NAMES]),
        begun=st.lists(st.tuples(WHO, METHOD, WANTED), min_size=2, max_size=3),
    )
    def begin(self, asks, signed_in, begun):
        if asks:
            self.probe.ask(self.application, "email")
        if signed_in:
            self.sign_in_beside(0, signed_in)
        for who, method, wanted in begun:
            self.open(who, method, wanted)

    @rule(who=WHO, method=METHOD, wanted=WANTED)
    def open(self, who, method, wanted):
        """An application begins, and the browser goes where it is sent."""
        if "subject" in wanted:
            wanted = {**wanted, "subject": self.people[wanted["subject"]].subject}
        path = begin(self.browsers[who], self.application, method=method, **wanted)
        owner = who if method == "GET" else None
        self.waiting[path] = Waiting(path, timezone.now(), wanted, owner)
        self._follow(who, path)

    def _chosen(self, which):
        return list(self.waiting)[which % len(self.waiting)]

    def _follow(self, who, path):
        return self._request(who, path, lambda browser: browser.open(path))

    @rule(who=WHO, which=WHICH, step=st.sampled_from(STEPS))
    def look(self, who, which, step):
        path = self._chosen(which)
        self._request(who, path, lambda browser: browser.get(path + step))

    @rule(who=WHO, which=WHICH)
    def follow(self, who, which):
        self._follow(who, self._chosen(which))

    @rule(
        who=WHO,
        which=WHICH,
        name=st.sampled_from(NAMES),
        secret=st.sampled_from([PASSWORD, "wrong"]),
        step=st.sampled_from(["/login", "/login", "/consent"]),
    )
    def log_in(self, who, which, name, secret, step):
        path = self._chosen(which)
        if secret == PASSWORD and step == "/login" and self.people[name].is_active:
            self.proofs[who].append((name, timezone.now()))
        self._post(who, path, step, {"username": name, "password": secret})
        self._follow(who, path)

    @rule(who=WHO, which=WHICH, name=st.sampled_from(NAMES))
    def sign_in_through(self, who, which, name):
        """What a person does: open it, sign in, and go where it leads."""
        path = self._chosen(which)
        self._follow(who, path)
        if self.people[name].is_active:
            self.proofs[who].append((name, timezone.now()))
        self._post(who, path, "/login", {"username": name, "password": PASSWORD})
        self._follow(who, path)

    @rule(
        who=WHO,
        which=WHICH,
        decision=st.sampled_from(["allow", "allow", "deny", ""]),
        honest=st.booleans(),
        stays=st.booleans(),
    )
    def decide(self, who, which, decision, honest, stays):
        path = self._chosen(which)
        browser = self.browsers[who]
        shown = ""
        page = self._follow(who, path)
        if honest and page.status_code == 200 and page.path == f"{path}/consent":
            shown = browser.form_of(page, "decision")["inputs"]["shown"]
            person = page.context["person"]["username"]
            if decision == "allow":
                self.waiting[path].allowed.add(person)
        self._post(who, path, "/consent", {"decision": decision, "shown": shown})
        if not stays:
            self._follow(who, path)

    @rule(who=WHO, which=WHICH, step=st.sampled_from(STEPS[1:]))
    def switch(self, who, which, step):
        path = self._chosen(which)
        self._post(who, path, step, {"switch": "1"})
        row = Interaction.objects.get(handle_hash=cookies.digest(path.rpartition("/")[2]))
        self.waiting[path].switched_at = row.switched_at
        self._follow(who, path)

    @rule(
        who=WHO,
        which=WHICH,
        step=st.sampled_from(STEPS),
        fields=st.sampled_from([{"cancel": "1"}, {}, None]),
    )
    def send_something_else(self, who, which, step, fields):
        """Cancel, an empty form, or everything right but for the form's token."""
        path = self._chosen(which)
        if fields is None:
            fields = {"username": "alice", "password": PASSWORD, "decision": "allow"}
            self._request(who, path, lambda browser: browser.post(path + step, fields))
        else:
            self._post(who, path, step, fields)

    @rule(who=WHO)
    def log_out(self, who):
        browser = self.browsers[who]
        page = browser.open("/logout")
        if page.path == "/logout":
            browser.submit(page, logout="1")
            self.proofs[who].clear()

    @rule(who=WHO, name=st.sampled_from(NAMES))
    def sign_in_beside(self, who, name):
        """In another tab, not for any of these interactions."""
        browser = self.browsers[who]
        if self.people[name].is_active:
            self.proofs[who].append((name, timezone.now()))
        page = browser.open("/login")
        if page.path.endswith("/login"):
            browser.submit(page, username=name, password=PASSWORD)

    @rule(
        change=st.one_of(
            st.sampled_from(["ask for consent", "ask for none"]),
            st.sampled_from(["everyone", "nobody", "groups"]),
            st.tuples(st.sampled_from(NAMES), st.booleans()),
            st.integers(1, 40),
        )
    )
    def world_changes(self, change):
        """An administrator, the application, or the clock."""
        if isinstance(change, int):
            self.clock.advance(minutes=change)
            ThrottleBucket.objects.all().delete()
        elif isinstance(change, tuple):
            self._enable_or_disable(*change)
        elif change.startswith("ask"):
            self.probe.question = None
            if change == "ask for consent":
                self.probe.ask(self.application, "email")
        else:
            self.application.access = change
            self.application.save()

    def _enable_or_disable(self, name, active):
        act = people.enable if active else people.disable
        act(self.people[name], now=timezone.now())
        if not active:
            for who, proofs in self.proofs.items():
                self.proofs[who] = [proof for proof in proofs if proof[0] != name]

    def _post(self, who, path, step, fields):
        browser = self.browsers[who]
        if "gatehouse_csrf" not in browser.cookies:
            browser.open("/login")
        token = {"csrfmiddlewaretoken": browser.cookies["gatehouse_csrf"].value}
        self._request(who, path, lambda browser: browser.post(path + step, {**fields, **token}))

    def _request(self, who, path, send):
        """Send it; a row that came from another site belongs to whoever first returns to it."""
        self.acting = who
        response = send(self.browsers[who])
        assert response.status_code in (200, 303, 400, 403, 405, 410)
        waiting = self.waiting[path]
        if waiting.owner is None:
            waiting.owner = self._bound_to(path)
        return response

    def _bound_to(self, path: str) -> int | None:
        handle_hash = cookies.digest(path.rpartition("/")[2])
        bound = bytes(Interaction.objects.get(handle_hash=handle_hash).browser_hash)
        for number, browser in enumerate(self.browsers):
            cookie = browser.cookies.get("gatehouse_browser")
            if cookie and bound == cookies.digest(cookie.value):
                return number
        return None


@pytest.mark.django_db
@pytest.mark.slow
def test_nothing_finishes_without_its_proofs(clock):
    Dispatcher.clock = clock
    run_state_machine_as_test(
        Dispatcher,
        settings=settings(
            max_examples=25,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
