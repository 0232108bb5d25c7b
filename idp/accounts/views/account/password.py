"""Change the password: the current one is asked for, every other session ends."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.contrib.auth.password_validation import password_validators_help_texts
from django.core.exceptions import ValidationError
from django.http import HttpResponseBase

from idp import audit, throttling
from idp.accounts import attempts, cookies, login, notice, password, redirects
from idp.accounts import session as sessions
from idp.accounts.attempts import CONFIRMATION
from idp.accounts.middleware import Request
from idp.accounts.views import facts
from idp.accounts.views.account import frame
from idp.models import Session

PATH = "/account/password"
WRONG = "That is not your current password."
DIFFERENT = "The two new passwords are not the same."
SAME = "That is the password you have already."
DONE = "Your password is changed, and you are signed out everywhere else."


class PasswordForm(forms.Form):
    """The three fields of the page; what is wrong with them is found elsewhere."""

    old_password = forms.CharField(required=False)
    new_password1 = forms.CharField(required=False)
    new_password2 = forms.CharField(required=False)


class Unfit(Exception):
    """The change was refused: which field, and why in words."""

    def __init__(self, field: str, *reasons: str) -> None:
        self.field = field
        self.reasons = reasons
        super().__init__(field)


@frame.signed_in("GET", "POST")
def index(request: Request, session: Session) -> HttpResponseBase:
    """Show the form, or change the password."""
    if request.method == "GET":
        return _show(request, session)
    response = redirects.see_other(PATH)
    try:
        _change(request, session, response)
    except Unfit as refusal:
        errors = {refusal.field: refusal.reasons}
        notice.leave(response, PATH, now=facts.now(), errors=errors)
    else:
        messages.success(request, DONE)
    return response


def _change(request: Request, session: Session, response: HttpResponseBase) -> None:
    """Check, change, and renew this session: its token must not outlive the old password."""
    user, now = session.user, facts.now()
    _confirm(request, session)
    new = request.POST.get("new_password1", "")
    if new != request.POST.get("new_password2", ""):
        raise Unfit("new_password2", DIFFERENT)
    try:
        password.validate(user, new)
    except ValidationError as error:
        raise Unfit("new_password1", *error.messages) from None
    device = cookies.read(request.COOKIES, "device")
    password.change(user, new, session=session, now=now, device=device, request=request)
    _, token = sessions.start(
        user,
        factor=login.FACTOR,
        amr=login.AMR,
        acr=login.ACR,
        request=request,
        now=now,
        replacing=session,
    )
    cookies.attach(response, cookies.header("session", token))


def _confirm(request: Request, session: Session) -> None:
    """The current password, asked of whoever sits at the keyboard now. Raises Unfit."""
    old = request.POST.get("old_password", "")
    bucket = throttling.key(CONFIRMATION.scope, session.user.pk.hex)
    tries = [(CONFIRMATION, bucket)]
    now = facts.now()
    try:
        attempts.begin(tries, now=now)
    except attempts.TooMany as refusal:
        if attempts.may_tell(refusal, now=now):
            _note(request, session, reason="too many tries")
        wait = attempts.in_words(refusal.wait)
        raise Unfit("old_password", f"Too many attempts. Please wait {wait}.") from None
    try:
        right = bool(old) and password.verify(session.user, old)
    except password.Busy:
        attempts.give_back(tries)
        raise
    if not right:
        _note(request, session, reason="wrong password")
        raise Unfit("old_password", WRONG)
    attempts.give_back(tries)


def _note(request: Request, session: Session, *, reason: str) -> None:
    """Write down that somebody at this session did not know its person's password."""
    audit.record(
        "password.refused",
        result="failure",
        user=session.user,
        session_id=session.pk,
        reason=reason,
        request=request,
    )


def _show(request: Request, session: Session) -> HttpResponseBase:
    form = PasswordForm({})
    left = notice.read(request, PATH, now=facts.now())
    for field, reasons in left.get("errors", {}).items():
        for reason in reasons:
            form.add_error(field, reason)
    rules = password_validators_help_texts()
    response = frame.show(request, session, "password", page="password", form=form, rules=rules)
    notice.clear(request, response)
    return response
