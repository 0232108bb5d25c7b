"""Models as the templates want to see them: plain, and only what a page shows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.utils import timezone

from idp.models import Application, User


def now() -> datetime:
    return timezone.now()


def person(user: User) -> dict[str, Any]:
    return {"name": user.display_name, "username": user.username, "email": user.email}


def application(row: Application | None) -> dict[str, Any] | None:
    if row is None:
        return None
    return {"name": row.name, "logo_url": row.logo_url, "host": host(launch_url(row))}


def launch_url(row: Application | None) -> str:
    """Where people start the application; only addresses that a link may have."""
    url = row.launch_url if row is not None else ""
    return url if urlsplit(url).scheme in ("https", "http") else ""


Start = Callable[[Application], str]
_starts: list[Start] = []


def register_start(start: Start) -> None:
    """Let an address of ours start applications that have no launch address of their own."""
    _starts.append(start)


def start_url(row: Application) -> str:
    """Where the launcher leads: to the application's own start of a sign-in, if it has one.

    Third-party initiated login says who we are (OIDC Core §4); otherwise the launch address, else
    what another protocol has for it.
    """
    address = getattr(getattr(row, "client", None), "initiate_login_uri", "")
    if not address:
        return launch_url(row) or next(filter(None, (start(row) for start in _starts)), "")
    joined = "&" if "?" in address else "?"
    return f"{address}{joined}{urlencode({'iss': settings.IDP.issuer})}"


def host(url: str) -> str:
    return urlsplit(url).hostname or ""


BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
)
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
)


def device(user_agent: str) -> str:
    """ "Firefox on Linux", or an empty string; what a browser says of itself is no proof."""
    browser = next((name for mark, name in BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in SYSTEMS if mark in user_agent), "")
    return f"{browser} on {system}" if browser and system else browser or system
