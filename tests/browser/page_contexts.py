"""A representative context for every page template: name of the case -> (template, context)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

NOW = datetime.now(UTC)
LONG_NAME = "Donaudampfschifffahrtsgesellschaftskapitänsverzeichnis"
LONG_EMAIL = "alice.wilhelmina.featherstonehaugh-lindqvist@subsidiary.example.org"

ACME = {
    "name": "Acme Reports",
    "logo_url": "/static/idp/favicon.svg",
    "host": "reports.acme.example",
    "verified": True,
    "contact": "support@acme.example",
    "privacy_url": "https://acme.example/privacy",
    "terms_url": "https://acme.example/terms",
    "launch_url": "https://reports.acme.example/",
}
WIKI = {"name": "Wiki", "logo_url": "", "host": "wiki.example.org", "launch_url": ""}
LONG = {"name": LONG_NAME, "logo_url": "", "host": f"www.{LONG_NAME.lower()}.example"}
ALICE = {
    "name": "Alice Lindqvist",
    "username": "alice",
    "email": "alice@example.org",
    "groups": ["staff", "users"],
}
LONG_ALICE = ALICE | {"name": "Alice-Wilhelmina Featherstonehaugh-Lindqvist", "email": LONG_EMAIL}
ITEMS = [
    {"label": "Your name", "value": "Alice Lindqvist"},
    {"label": "Your email address", "value": "alice@example.org"},
    {"label": "Your postal address", "value": "12 Harbour Street, 4051 Basel, Switzerland"},
    {"label": "Read your reports", "value": ""},
]
REFUSAL: dict[str, Any] = {
    "title": "This sign-in link does not work",
    "happened": "Acme Reports asked for an answer at an address that is not registered for it.",
    "operator": "The value of redirect_uri must be one of the registered addresses.",
    "code": "invalid_request",
    "reference": "7F3K-9QXM",
    "application": ACME,
}
HINT = {
    "text": "Register this address, if it is yours:",
    "value": "https://reports.acme.example/oauth/callback?tenant=basel-north-west",
}
SESSIONS: list[dict[str, Any]] = [
    {
        "id": 1,
        "device": "Firefox on Linux",
        "address": "192.0.2.17",
        "started": NOW - timedelta(hours=3),
        "seen": NOW,
        "current": True,
        "applications": ["Acme Reports", "Wiki"],
    },
    {
        "id": 2,
        "device": "Safari on iPhone",
        "address": "2001:db8:85a3:8d3:1319:8a2e:370:7334",
        "started": NOW - timedelta(days=2),
        "seen": NOW - timedelta(hours=5),
        "current": False,
        "applications": [],
    },
]
FRAME = {"name": "Acme Reports", "address": "https://reports.acme.example/out?iss=i&sid=s"}
STOPS = [
    {"name": "Acme Reports", "state": "acknowledged"},
    {"name": LONG_NAME, "state": "unanswered"},
    {"name": "Payroll", "state": "ahead"},
    {"name": "Wiki", "state": "ahead"},
    {"name": "Library", "state": "failed"},
]
TOLD: list[dict[str, Any]] = [
    {"application": application, "state": state, "notices": [{"next_at": NOW}]}
    for application, state in (
        *((ACME, "acknowledged"), (WIKI, "retrying"), (LONG, "unreachable"), (WIKI, "failed")),
        *((WIKI, "waiting"), (WIKI, "shown"), (WIKI, "browser_only"), (LONG, "saml")),
    )
]
ENDED = [
    {
        "device": "Safari on iPhone",
        "address": "2001:db8:85a3:8d3:1319:8a2e:370:7334",
        "ended": NOW - timedelta(hours=5),
        "reason": "signed out from the account page",
        "entries": TOLD,
    },
    {"device": "", "address": "", "ended": NOW, "reason": "expired", "entries": []},
]
CONSENTS = [
    {
        "id": 1,
        "application": ACME,
        "allowed": ITEMS,
        "offline_access": True,
        "given": NOW - timedelta(days=30),
        "last_used": NOW - timedelta(hours=2),
    },
    {"id": 2, "application": LONG, "allowed": ITEMS[:1], "given": NOW, "last_used": None},
]
SIGN_INS = [
    {
        "when": NOW - timedelta(minutes=4),
        "success": True,
        "application": "Acme Reports",
        "device": "Firefox on Linux",
        "address": "192.0.2.17",
    },
    {
        "when": NOW - timedelta(days=1),
        "success": False,
        "reason": "The password was wrong.",
        "device": "Safari on iPhone",
        "address": "2001:db8:85a3:8d3:1319:8a2e:370:7334",
        "reference": "7F3K-9QXM",
    },
]
PASSWORD_ERROR = {
    "errors": True,
    "old_password": {"errors": ["Your old password was entered incorrectly."]},
    "new_password1": {"errors": ["This password is too short."]},
}
RULES = ["Your password must contain at least 12 characters.", "It must not be a common one."]


def _case(template: str, **context: Any) -> tuple[str, dict[str, Any]]:
    shared = {
        "site_name": "Example Ltd",
        "help_url": "mailto:help@example.org",
        "csrf_token": "t" * 64,
    }
    return template, shared | context


def _account(template: str, page: str, **context: Any) -> tuple[str, dict[str, Any]]:
    return _case(f"idp/account/{template}.html", page=page, **{"person": ALICE} | context)


CASES = {
    "login": _case("idp/login.html", application=ACME, can_cancel=True, forgot_url="/forgot"),
    "login_plain": _case("idp/login.html", hidden=[("next", "/account")]),
    "login_error": _case(
        "idp/login.html",
        application=WIKI,
        username="alice",
        error="The name or the password is not right.",
    ),
    "login_late": _case(
        "idp/login.html",
        application=LONG,
        notice="That took a while, please sign in again.",
        can_cancel=True,
    ),
    "login_wait": _case("idp/login.html", username="alice", wait="30 seconds"),
    "login_again": _case("idp/login.html", application=ACME, person=ALICE, can_cancel=True),
    "consent": _case(
        "idp/consent.html",
        application=ACME,
        person=ALICE,
        items=ITEMS,
        offline_access=True,
        redirect_host="reports.acme.example",
        redirect_kind="web",
        can_switch=True,
    ),
    "consent_more": _case(
        "idp/consent.html",
        application=WIKI,
        person=ALICE,
        items=ITEMS[:1],
        granted=ITEMS[1:],
        redirect_host="127.0.0.1",
        redirect_kind="loopback",
        warning="loopback",
        notice="That took a while, please choose again.",
    ),
    "consent_long": _case(
        "idp/consent.html",
        application=LONG,
        person=LONG_ALICE,
        items=[{"label": "Your email address", "value": LONG_EMAIL}],
        redirect_host="org.example.subsidiary.application",
        redirect_kind="app",
        warning="unverified",
        can_switch=True,
    ),
    "error": _case("idp/error.html", **REFUSAL),
    "error_for_administrators": _case("idp/error.html", **REFUSAL, operator_hint=HINT),
    "error_bare": _case("idp/error.html", happened="There is no client_id.", retry_url="/"),
    "cookies_off": _case("idp/cookies_off.html", application=ACME, restart_url="/again"),
    "expired": _case("idp/expired.html", application=ACME, continue_url="/on"),
    "expired_refused": _case("idp/expired.html", application=ACME, refused=True),
    "expired_signed_in": _case("idp/expired.html", signed_in=True),
    "not_allowed": _case(
        "idp/not_allowed.html",
        application=ACME,
        person=ALICE,
        why="groups",
        contact="it@example.org",
        reference="7F3K-9QXM",
        can_switch=True,
        can_return=True,
    ),
    "not_allowed_closed": _case(
        "idp/not_allowed.html", application=LONG, person=LONG_ALICE, why="nobody"
    ),
    "logout_confirm": _case(
        "idp/logout_confirm.html", person=ALICE, applications=[ACME, WIKI, LONG, LONG]
    ),
    "logout_applications": _case(
        "idp/logout_applications.html",
        frames=[FRAME, {**FRAME, "name": LONG_NAME}],
        continue_url="https://reports.acme.example/bye?state=s",
        goes_on=True,
    ),
    "logout_journey": _case(
        "idp/logout_applications.html",
        frames=[FRAME],
        stops=STOPS,
        next=STOPS[2],
        continue_url="/logout/applications/leave",
        skip_url="/logout/done",
        goes_on=True,
    ),
    "logout_unconfirmed": _case(
        "idp/logout_applications.html", stops=STOPS[:2], continue_url="/logout/done"
    ),
    "logout_waiting": _case("idp/logout_waiting.html", applications=TOLD, continue_url="/on"),
    "signed_out": _case("idp/signed_out.html", applications=TOLD[:1], continue_url="/on"),
    "signed_out_pending": _case("idp/signed_out.html", applications=TOLD, pending=True),
    "signed_out_rest": _case("idp/signed_out.html", applications=TOLD, rest_url="/rest"),
    "signed_out_plain": _case("idp/signed_out.html"),
    "form_post": _case(
        "idp/form_post.html",
        application=ACME,
        action="/posted",
        fields=[("code", "a"), ("state", "b")],
    ),
    "home": _case("idp/home.html"),
    "home_signed_in": _case("idp/home.html", person=ALICE, is_admin=True),
    "applications": _account(
        "index", "applications", applications=[ACME, WIKI, LONG], messages=["Done."], is_admin=True
    ),
    "applications_empty": _account("index", "applications", person=LONG_ALICE),
    "permissions": _account("consents", "permissions", consents=CONSENTS),
    "permissions_empty": _account("consents", "permissions"),
    "sessions": _account("sessions", "sessions", sessions=SESSIONS, ended=ENDED),
    "sessions_one": _account(
        "sessions", "sessions", sessions=SESSIONS[:1], notice="That took a while."
    ),
    "activity": _account("activity", "activity", sign_ins=SIGN_INS),
    "activity_empty": _account("activity", "activity"),
    "password": _account("password", "password", rules=RULES),
    "password_error": _account("password", "password", rules=RULES, form=PASSWORD_ERROR),
    **{
        name: _case(f"{name}.html", reference="7F3K-9QXM")
        for name in ("400", "403", "403_csrf", "404", "413")
    },
    "500": ("500.html", {}),
    "503": ("503.html", {}),
}
