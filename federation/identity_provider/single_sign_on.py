"""The SingleSignOnService: AuthnRequests by Redirect and POST (SAML Profiles §4.1, §3.4, §3.5).

Whoever is signed in well enough is answered at once; otherwise the request waits for its person.
"""

from __future__ import annotations

from federation.identity_provider import continuation, entity, pipeline, refusal, success
from federation.identity_provider.pipeline import Refused
from federation.identity_provider.request import SignOnRequest
from federation.saml import errors
from idp.accounts import access, cookies, requirement
from idp.accounts import session as sessions
from idp.features import Feature
from idp.models import Session
from idp.protocol.errors import MethodNotAllowed
from idp.protocol.message import Request, Response, redirect


def single_sign_on(request: Request) -> Response:
    """Answer an AuthnRequest: a Response, an error, or the way to a page (SAML Core §3.4.1)."""
    if request.method not in ("GET", "POST"):
        raise MethodNotAllowed(allow=("GET", "POST"))
    try:
        sign_on = pipeline.run(request)
    except Refused as refused:
        return refusal.answer(refused, request)
    return decide(sign_on, request)


def decide(sign_on: SignOnRequest, request: Request) -> Response:
    """Answer at once where nobody has to be asked, else store the request and lead to a page.

    A POST without our cookie may come from another site, to which browsers do not give it: it is
    stored whatever it says, and goes on by GET.
    """
    token = cookies.read(request.cookies, "session")
    if request.method == "POST" and not token:
        return _lead_on(sign_on, request)
    session = sessions.current(token, now=request.now)
    if session is None or not requirement.is_met(sign_on.requirement, session, now=request.now):
        return _ask(sign_on, errors.NoPassive("the person has to sign in"), request, session)
    if not access.may_use(session.user, sign_on.service_provider.application).allowed:
        return _ask(sign_on, errors.RequestDenied("access policy"), request, session)
    sessions.touch(session, now=request.now)
    try:
        return success.answer(sign_on, session, request, at_once=True)
    except sessions.SessionEnded:
        return _ask(sign_on, errors.NoPassive("the session has just ended"), request, session)


def _ask(
    sign_on: SignOnRequest,
    instead: errors.StatusError,
    request: Request,
    session: Session | None,
) -> Response:
    """Lead to a page; answer with `instead` where none may be shown (SAML Core §3.4.1)."""
    if sign_on.requirement.passive:
        user = session.user if session else None
        return refusal.fail(sign_on, instead, request, user=user)
    return _lead_on(sign_on, request)


def _lead_on(sign_on: SignOnRequest, request: Request) -> Response:
    opened = continuation.store(sign_on, request)
    answer = redirect(opened.path)
    answer.headers += [("Set-Cookie", cookie) for cookie in opened.cookies]
    return answer


FEATURE = Feature(
    name="single sign-on",
    specification="SAML Profiles §4.1",
    routes={entity.SINGLE_SIGN_ON_PATH: single_sign_on},
    pages=frozenset({entity.SINGLE_SIGN_ON_PATH}),
)
