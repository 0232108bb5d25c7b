"""The check_session_iframe (OIDC Session Management §3.2): the one page that others may frame.

It holds a script, nothing of the person's, and answers nothing that the frame's parent could not
find out by asking for authorization. The script compares; the service is not asked again.
"""

from __future__ import annotations

from django.conf import settings

from idp.accounts import session_state
from idp.authorization import response
from idp.features import Feature
from idp.protocol.errors import MethodNotAllowed
from idp.protocol.message import Request, Response

PATH = "/check_session"
MAX_AGE_SECONDS = 3600


def check_session_iframe(request: Request) -> Response:
    """Answer with the frame's document, the same for everybody (§3.2)."""
    if request.method != "GET":
        raise MethodNotAllowed(allow=("GET",))
    cookie = settings.IDP.cookie(session_state.COOKIE)
    page = response.page("idp/frame/check_session.html", {"cookie": cookie})
    kept = [header for header in page.headers if header[0] not in ("Cache-Control", "Pragma")]
    page.headers = [*kept, ("Cache-Control", f"public, max-age={MAX_AGE_SECONDS}")]
    return page


FEATURE = Feature(
    name="check_session_iframe",
    specification="OIDC Session Management §3",
    routes={PATH: check_session_iframe},
    metadata=lambda issuer: {"check_session_iframe": issuer + PATH},
    framable=frozenset({PATH}),
)
