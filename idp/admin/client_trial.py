"""*Test sign-in* for OAuth and OpenID Connect: the real flow, Gatehouse in the application's part.

The request goes through every check, the real sign-in, access and consent pages, and becomes a real
code; instead of being sent to the application's address the code is redeemed here, by the grant and
the endpoints that the application would ask. What was issued is revoked at once. Not tested: that
the application answers at its address and knows its secret.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from idp.accounts import cookies, interaction
from idp.admin import preview_tokens, trial_report
from idp.admin.trial_report import Check, Part, Report
from idp.admin_site import SeeOther
from idp.authorization import continuation, pipeline
from idp.authorization.pipeline import Refused
from idp.endpoints import userinfo
from idp.grants.registry import GRANTS
from idp.grants.request import TokenRequest
from idp.models import Application, Client, Interaction, Session
from idp.protocol import jose
from idp.protocol.errors import ProtocolError
from idp.protocol.message import Request, Response
from idp.protocol.parameters import Parameters
from idp.tokens import issuance, revocation

KIND = "oidc-test"
CODE, OWN = "authorization_code", "client_credentials"
UNTESTED = "That the application answers at its redirect address, and that it knows its secret."


def begin(request: HttpRequest, application: Application) -> HttpResponse:
    """Send the request that the application would send."""
    client = (
        Client.objects.select_related("application")
        .prefetch_related("resources__scopes", "application__mappings")
        .get(pk=application.pk)
    )
    if CODE not in client.grant_types:
        return trial_report.keep(request, application, _machine(client, _origin(request)))
    verifier = secrets.token_urlsafe(48)
    parameters = Parameters(_authorization_request(client, verifier).items())
    now = timezone.now()
    try:
        checked = pipeline.run(parameters, now=now)
    except Refused as refused:
        return trial_report.keep(request, application, _refused(refused))
    opened = interaction.open(
        KIND,
        application=application,
        requirement=checked.requirement,
        request={**checked.stored(), "verifier": verifier},
        origin=_origin(request),
        now=now,
    )
    response = SeeOther(opened.path)
    cookies.attach(response, *opened.cookies)
    return response


def _authorization_request(client: Client, verifier: str) -> dict[str, str]:
    digest = hashlib.sha256(verifier.encode()).digest()
    scopes = [one for one in preview_tokens.scopes_of(client) if one != "offline_access"]
    return {
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": client.redirect_uris[0] if client.redirect_uris else "",
        "scope": " ".join(scopes),
        "state": secrets.token_urlsafe(16),
        "nonce": secrets.token_urlsafe(16),
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }


def finish(row: Interaction, session: Session, request: HttpRequest) -> Any:
    """Take the answer that was meant for the application, and do the application's part."""
    answer = continuation.finish(row, session, request)
    application: Any = row.application
    return trial_report.keep(request, application, _received(row, answer, request))


def refuse(row: Interaction, reason: str, request: HttpRequest) -> Any:
    """Show the refusal that the application would receive."""
    answer = continuation.refuse(row, reason, request)
    application: Any = row.application
    return trial_report.keep(request, application, _received(row, answer, request))


def _received(row: Interaction, answer: Response, request: HttpRequest) -> Report:
    checks = [Check(pipeline.describe(one), True) for one in pipeline.CHECKS]
    fields = _answered(answer)
    if "code" not in fields:
        error = fields.get("error", "an error page")
        refusal = Check("The person comes back with a code", False, received=error)
        return Report(
            False, "The application would be refused.", (*checks, refusal), _error(fields)
        )
    checks.append(Check("The person comes back with a code, state and iss", True))
    try:
        parts = _redeem(row, fields["code"], _origin(request))
    except ProtocolError as error:
        failed = Check("The code is redeemed for tokens", False, received=error.error)
        return Report(False, error.description, (*checks, failed), ())
    checks += [
        Check("The code is redeemed for tokens", True),
        Check("UserInfo answers", any(part.title == "UserInfo" for part in parts)),
        Check("What was issued in this test is revoked again", True),
    ]
    return Report(True, "It works.", tuple(checks), parts, UNTESTED)


def _answered(answer: Response) -> dict[str, str]:
    """The parameters that the browser would carry to the application."""
    location = dict(answer.headers).get("Location", "")
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


def _error(fields: dict[str, str]) -> tuple[Part, ...]:
    shown = {name: value for name, value in fields.items() if name != "state"}
    return (Part("What the application would receive", _pretty(shown)),) if shown else ()


def _redeem(row: Interaction, code: str, origin: Request) -> tuple[Part, ...]:
    """Do what the application's server does with a code."""
    client = _client(row)
    form = Parameters(
        {
            "grant_type": CODE,
            "code": code,
            "redirect_uri": client.redirect_uris[0],
            "code_verifier": row.request["verifier"],
        }.items()
    )
    authorization = GRANTS[CODE](TokenRequest(client, form, origin))
    tokens = issuance.respond(authorization, grant_type=CODE, now=origin.now, origin=origin)
    try:
        return _parts(tokens, origin)
    finally:
        if authorization.grant is not None:
            revocation.revoke_grant(
                authorization.grant.id,
                reason="test sign-in",
                now=origin.now,
                application=client.application,
                origin=origin,
            )


def _client(row: Interaction) -> Client:
    return (
        Client.objects.select_related("application")
        .prefetch_related("resources__scopes", "application__mappings")
        .get(pk=row.application_id)
    )


def _machine(client: Client, origin: Request) -> Report:
    """A machine's token: nobody signs in."""
    resources = [("resource", one.identifier) for one in client.resources.all()[:1]]
    form = Parameters([("grant_type", OWN), *resources])
    try:
        authorization = GRANTS[OWN](TokenRequest(client, form, origin))
        tokens = issuance.respond(authorization, grant_type=OWN, now=origin.now, origin=origin)
    except ProtocolError as error:
        refusal = Check("The token endpoint gives a token", False, received=error.error)
        return Report(False, error.description, (refusal,), ())
    claims = jose.decode(tokens["access_token"].split(".")[1])
    jti = orjson.loads(claims)["jti"]
    revocation.deny(revocation.Kind.JTI, [jti], now=origin.now)
    checks = (
        Check("The token endpoint gives a token", True),
        Check("What was issued in this test is revoked again", True),
    )
    return Report(True, "It works.", checks, _parts(tokens, origin), "That it knows its secret.")


def _parts(tokens: dict[str, Any], origin: Request) -> tuple[Part, ...]:
    parts = [
        Part(title, _opened(tokens[name]))
        for title, name in (("ID token", "id_token"), ("Access token", "access_token"))
        if name in tokens
    ]
    if "id_token" in tokens:
        asked = Request(
            method="GET",
            path=userinfo.PATH,
            now=origin.now,
            authorization=(f"Bearer {tokens['access_token']}",),
        )
        answer = userinfo.userinfo(asked)
        if answer.status == 200:
            parts.append(Part("UserInfo", _pretty(orjson.loads(answer.body))))
    members = {n: v if not n.endswith("token") else "…" for n, v in tokens.items()}
    return (*parts, Part("Token response", _pretty(members)))


def _opened(token: str) -> str:
    header, payload, _signature = token.split(".")
    return "\n".join(_pretty(orjson.loads(jose.decode(part))) for part in (header, payload))


def _pretty(document: Any) -> str:
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()


def _refused(refused: Refused) -> Report:
    checks = tuple(
        Check(line["name"], line["passed"], line.get("expected", ""), line.get("received", ""))
        for line in pipeline.trace(refused)
    )
    return Report(False, refused.error.description, checks, ())


def _origin(request: HttpRequest) -> Request:
    """The administrator's browser as the one that the application sends."""
    return Request(
        method="GET",
        path=reverse("admin:index"),
        now=timezone.now(),
        cookies=request.COOKIES,
        client_address=getattr(request, "client_address", ""),
        user_agent=getattr(request, "user_agent", ""),
        request_id=getattr(request, "request_id", ""),
    )


interaction.register(KIND, finish=finish, refuse=refuse, consent=continuation.ask)
