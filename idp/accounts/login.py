"""The login step: a name or e-mail address and a password, proven or refused.

Unknown names, disabled people and wrong passwords get the same words after the same work.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.http import HttpResponseBase

from idp import audit
from idp.accounts import attempts, cookies, devices, interaction, password, session_state
from idp.accounts import session as sessions
from idp.accounts.attempts import TooMany
from idp.accounts.middleware import Request
from idp.models import Interaction, User

FACTOR = "password"
AMR = ("pwd",)
ACR = "pwd"


class Refused(Exception):
    """The sign-in failed; `wait` is set when there were too many tries."""

    def __init__(self, *, wait: timedelta | None = None) -> None:
        self.wait = wait
        super().__init__("throttled" if wait else "wrong name or password")


def prove(
    name: str,
    secret: str,
    *,
    row: Interaction,
    confirming: User | None,
    request: Request,
    now: datetime,
) -> User:
    """The person whose password this is. Raises Refused, password.Busy.

    `confirming`: the person who must prove that it is still them; the name then does not matter.
    """
    user = confirming or User.objects.by_login(name)
    device = cookies.read(request.COOKIES, "device")
    tries = attempts.buckets(
        user,
        name,
        address=request.client_address,
        application=row.application,
        device=device if devices.knows(device, user) else "",
    )
    try:
        attempts.begin(tries, now=now)
    except TooMany as refusal:
        if attempts.may_tell(refusal, now=now):
            _note(row, user, reason="too many tries", request=request)
        raise Refused(wait=refusal.wait) from None
    try:
        right = password.verify(user, secret)
    except password.Busy:
        attempts.give_back(tries)
        raise
    if user is None or not right or not user.is_active:
        _note(row, user, reason=_reason(user, right=right), request=request)
        raise Refused
    attempts.give_back(tries)
    return user


def _reason(user: User | None, *, right: bool) -> str:
    if user is None:
        return "unknown name"
    return "the account is disabled" if right else "wrong password"


def _note(row: Interaction, user: User | None, *, reason: str, request: Request) -> None:
    """Write a refused try down. What was typed is not: it may be a password in the wrong field."""
    reference = audit.new_reference()
    audit.record(
        "signin.refused",
        result="failure",
        user=user,
        application=row.application,
        reason=reason,
        reference=reference,
        request=request,
        details={"factor": FACTOR, "protocol": row.kind},
    )
    audit.trace(
        protocol=row.kind,
        result="failure",
        request=request,
        user=user,
        application=row.application,
        reference=reference,
        error="sign_in_refused",
        reason=REASONS[reason],
        suggestion=SUGGESTIONS.get(reason, ""),
    )


REASONS = {
    "unknown name": "Nobody has the name or address that was typed.",
    "wrong password": "The password was wrong.",
    "the account is disabled": "The password was right, but the account is disabled.",
    "too many tries": "There were too many wrong passwords; this try was not looked at.",
}
SUGGESTIONS = {
    "unknown name": "Look for the person under People; perhaps they use another address.",
    "wrong password": "If it was the person themselves, set a new password for them.",
    "the account is disabled": "Enable the account under People if they should get in.",
    "too many tries": "Wait, or use a browser in which this person has signed in before.",
}


def sign_in(
    user: User, *, row: Interaction, request: Request, response: HttpResponseBase, now: datetime
) -> None:
    """Start or renew the session of a proven person and note the proof. Raises NotActive."""
    session, token = sessions.start(
        user,
        factor=FACTOR,
        amr=AMR,
        acr=ACR,
        request=request,
        now=now,
        replacing=request.idp_session,
        interaction_id=row.pk,
    )
    interaction.prove(row, session, now=now)
    device = devices.remember(cookies.read(request.COOKIES, "device"), user, now=now)
    state = session_state.cookie(session.pk)
    cookies.attach(response, cookies.header("session", token), state, device)
    audit.record(
        "signin.success",
        user=user,
        application=row.application,
        session_id=session.pk,
        request=request,
        details={"factor": FACTOR, "protocol": row.kind},
    )
