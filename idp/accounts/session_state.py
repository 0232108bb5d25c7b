"""The browser's state with us, and what clients are told of it (OIDC Session Management §2, §3).

A cookie that the script of our check_session_iframe reads holds a MAC of the session's identifier:
another session, or none, is another state. `session_state` of an authorization response is computed
from the same value, without reading the cookie. A sign-out leaves a random state, so that a browser
which keeps cookies from frames is told apart from one that has signed out.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from functools import lru_cache

from django.conf import settings

from idp import keys
from idp.accounts import cookies
from idp.protocol import jose, session_state
from idp.randomness import random_bytes

COOKIE = "browser_state"
PURPOSE = "browser state"
MOST_REMEMBERED = 4096


def of(session_id: uuid.UUID, *, client_id: str, redirect_uri: str) -> str:
    """The `session_state` for an authorization response (OIDC Session Management §2).

    Empty where the redirect URI has no origin: a native application has no frame to ask from.
    """
    origin = session_state.origin_of(redirect_uri)
    if origin is None:
        return ""
    return session_state.compute(client_id, origin, _state(session_id), random_bytes(8).hex())


def cookie(session_id: uuid.UUID) -> str:
    """The Set-Cookie value for a browser in which this session begins or goes on."""
    return cookies.header(COOKIE, _state(session_id), for_frames=True)


def changed() -> str:
    """The Set-Cookie value for a browser that has signed out: another state, of no session."""
    return cookies.header(COOKIE, cookies.new_token(), for_frames=True)


def overdue(received: Mapping[str, str], *, session_id: uuid.UUID | None) -> tuple[str, ...]:
    """The Set-Cookie value where the browser's state is not the session's, else nothing.

    It may have begun before this cookie was, or ended meanwhile: a dead session cookie is a state
    of its own. A browser without any session cookie stays as it is.
    """
    token = cookies.read(received, "session")
    if session_id is None and not token:
        return ()
    state = _state(session_id) if session_id is not None else _mac(b"ended" + token.encode())
    if received.get(settings.IDP.cookie(COOKIE)) == state:
        return ()
    return (cookies.header(COOKIE, state, for_frames=True),)


def _state(session_id: uuid.UUID) -> str:
    return _state_of(session_id.bytes, settings.IDP.master_key[0])


@lru_cache(maxsize=MOST_REMEMBERED)
def _state_of(session_id: bytes, master_key: str) -> str:
    """Remembered: every answer of a session needs it twice. `master_key`: the one of the MAC."""
    return _mac(session_id)


def _mac(data: bytes) -> str:
    return jose.encode(keys.mac(PURPOSE, data))
