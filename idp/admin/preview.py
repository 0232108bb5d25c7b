"""The preview: what the rows of an unsaved form would give, made by the functions that issue.

A `Case` is who asks for what; a `Target` shows it: ID token, UserInfo, access token here, the SAML
assertion in `federation.admin`. Nothing is saved or recorded, and nobody else gets what is made.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from idp.admin import kinds
from idp.claims.mapping import Row
from idp.claims.reasons import Reason
from idp.models import Application, User

COOKIE_BUDGET = 4096
HEADER_BUDGET = 8192


class NothingIssued(Exception):
    """Nothing would be issued in this case; the message says why, for the administrator."""


@dataclass(frozen=True)
class Case:
    """Who asks for what: `user` is None for a machine.

    `half`: the application's Client or ServiceProvider; it and `rows` as drafted or as saved.
    `scopes`: the granted ones; `resources`: the APIs that the access token is for.
    """

    half: Any
    rows: tuple[Row, ...]
    user: User | None
    now: datetime
    scopes: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()

    @property
    def application(self) -> Application:
        """The application of both halves."""
        application: Application = self.half.application
        return application


@dataclass(frozen=True)
class Shown:
    """What the application would receive.

    `text`: readable, one member per line; `size`: bytes as sent; `note`: what differs from a real
    one, in words.
    """

    text: str
    size: int
    reasons: tuple[Reason, ...] = ()
    note: str = ""

    @property
    def released(self) -> list[Reason]:
        """Why each claim is there."""
        return [reason for reason in self.reasons if reason.released]

    @property
    def withheld(self) -> list[Reason]:
        """Why each of the others is not; those of mapping rows first."""
        out = [reason for reason in self.reasons if not reason.released]
        return sorted(out, key=lambda reason: "mapping" not in reason.because)


@dataclass(frozen=True)
class Target:
    """One thing that can be received. `release`: the same claims without issuing, for many people.

    `budget`: whether its size matters for cookies and headers.
    """

    name: str
    label: str
    protocol: str
    show: Callable[[Case], Shown]
    release: Callable[[Case], dict[str, Any]]
    machines: bool = False
    budget: bool = True


_targets: dict[str, Target] = {}


def register(target: Target) -> None:
    """Add a target; called when the administration is loaded."""
    _targets[target.name] = target


def targets(application: Application) -> list[Target]:
    """What an application can receive; a machine has neither ID token nor UserInfo."""
    protocol = kinds.protocol_of(application.kind)
    machine = application.kind == Application.Kind.MACHINE
    return [
        target
        for target in _targets.values()
        if target.protocol == protocol and (target.machines or not machine)
    ]


@dataclass(frozen=True)
class Line:
    """One line of the diff: `mark` is "+", "-" or a space."""

    mark: str
    text: str

    @property
    def tone(self) -> str:
        """Its class."""
        return {"+": "added", "-": "removed"}.get(self.mark, "")


@dataclass(frozen=True)
class Result:
    """One preview: what would be received, against what is received today."""

    shown: Shown | None
    lines: tuple[Line, ...]
    error: str = ""
    today_error: str = ""

    @property
    def changed(self) -> bool:
        """Whether anything differs from what is live."""
        return any(line.mark != " " for line in self.lines)


def run(target: Target, case: Case, *, saved: Case) -> Result:
    """Show the drafted case against the saved one."""
    draft, error = _attempt(target, case)
    today, today_error = _attempt(target, saved)
    old = today.text.splitlines() if today else []
    new = draft.text.splitlines() if draft else []
    return Result(draft, tuple(_diff(old, new)), error, today_error)


def _attempt(target: Target, case: Case) -> tuple[Shown | None, str]:
    try:
        return target.show(case), ""
    except NothingIssued as error:
        return None, str(error)


def _diff(old: list[str], new: list[str]) -> Iterable[Line]:
    """Every line of the new text, with those that went away between them."""
    matcher = difflib.SequenceMatcher(a=old, b=new, autojunk=False)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            yield from (Line(" ", text) for text in new[j1:j2])
            continue
        yield from (Line("-", text) for text in old[i1:i2])
        yield from (Line("+", text) for text in new[j1:j2])


def budget_words(size: int) -> tuple[str, str]:
    """What a size means where it is carried in a cookie or a header, and its tone."""
    if size <= COOKIE_BUDGET:
        return f"fits a cookie ({COOKIE_BUDGET} bytes)", "good"
    if size <= HEADER_BUDGET:
        return f"too large for a cookie ({COOKIE_BUDGET} bytes), fits a header", "warn"
    return f"too large for a header ({HEADER_BUDGET} bytes)", "bad"
