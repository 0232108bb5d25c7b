"""*Test sign-in* for SAML: the real flow, Gatehouse in the service provider's part.

An AuthnRequest such as the service provider would send goes through every check but the one of its
signature, whose key only the service provider has; then the real sign-in and access pages; and the
real Response, instead of being posted to the service provider, is verified and shown here.
"""

from __future__ import annotations

import base64
import html
import re
import zlib
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from federation.admin import assertion_preview
from federation.identity_provider import (
    artifacts,
    checks,
    continuation,
    delivery,
    entity,
    pipeline,
)
from federation.identity_provider import request as requests
from federation.identity_provider.pipeline import Refused
from federation.identity_provider.request import SignOnRequest
from federation.models import ServiceProvider
from federation.saml import datatypes, errors, signature, xml
from idp.accounts import cookies, interaction
from idp.admin import trial_report
from idp.admin.preview import Case, NothingIssued
from idp.admin.trial_report import Check, Part, Report
from idp.admin_site import SeeOther
from idp.claims import applications
from idp.models import Application, Interaction, Session
from idp.protocol.message import Request, Response

KIND = "saml-test"
NOTE = "Really issued, and given to nobody else. Shown once."
UNTESTED = "That the application accepts the response at its address"
SIGNED = ", and the signature of its requests, whose key only it has"
_ANSWER = re.compile(r'name="SAMLResponse" value="([^"]+)"')


def begin(request: HttpRequest, application: Application) -> HttpResponse:
    """Send the AuthnRequest that the service provider would send."""
    provider = ServiceProvider.objects.get(pk=application.pk)
    origin = _origin(request, _query(provider))
    try:
        sign_on = _checked(origin)
    except Refused as refused:
        return trial_report.keep(request, application, _refused(refused))
    opened = interaction.open(
        KIND,
        application=application,
        requirement=sign_on.requirement,
        request={**sign_on.stored(), "checks": _passed(sign_on)},
        origin=origin,
        now=origin.now,
    )
    response = SeeOther(opened.path)
    cookies.attach(response, *opened.cookies)
    return response


def _query(provider: ServiceProvider) -> str:
    """An AuthnRequest by Redirect (SAML Bindings §3.4.4.1)."""
    element = xml.new("samlp:AuthnRequest", prefixes=("saml",))
    for name, value in {
        "ID": datatypes.new_id(),
        "Version": "2.0",
        "IssueInstant": datatypes.format_instant(timezone.now()),
        "Destination": entity.single_sign_on_url(),
    }.items():
        xml.set_attribute(element, name, value)
    xml.add(element, "saml:Issuer", provider.entity_id)
    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(xml.serialise(element)) + packer.flush()
    return urlencode({"SAMLRequest": base64.b64encode(packed).decode()})


def _checked(origin: Request) -> SignOnRequest:
    """The request after every check but the demanded signature. Raises Refused."""
    draft = requests.Draft(origin)
    for check in _tested():
        try:
            check(draft)
        except errors.SamlError as error:
            raise Refused(error, draft, check) from error
    return draft.complete()


def _passed(sign_on: SignOnRequest) -> list[dict[str, Any]]:
    """The trace of the checks that were really made."""
    left_out = pipeline.describe(checks.demanded_signature)
    return [line for line in pipeline.passed(sign_on) if line["name"] != left_out]


def _tested() -> list[pipeline.Check]:
    return [check for check in pipeline.CHECKS if check is not checks.demanded_signature]


def finish(row: Interaction, session: Session, request: HttpRequest) -> Any:
    """Take the Response that was meant for the service provider."""
    answer = continuation.finish(row, session, request)
    return _keep(row, session, answer, request)


def refuse(row: Interaction, reason: str, request: HttpRequest) -> Any:
    """Show the error Response that the service provider would receive."""
    answer = continuation.refuse(row, reason, request)
    return _keep(row, None, answer, request)


def _keep(
    row: Interaction, session: Session | None, answer: Response, request: HttpRequest
) -> HttpResponse:
    application: Any = row.application
    return trial_report.keep(request, application, _report(application, session, answer))


def _report(application: Application, session: Session | None, answer: Response) -> Report:
    passed = [Check(pipeline.describe(check), True) for check in _tested()]
    provider = ServiceProvider.objects.select_related("application").get(pk=application.pk)
    sent = _sent(answer, provider)
    if sent is None:
        failed = Check("There is a response to send", False)
        return Report(False, "An error page would be shown.", (*passed, failed), ())
    root = xml.parse(sent)
    steps, parts = _examined(root, provider, session)
    worked = all(step.passed for step in steps)
    summary = "It works." if worked else "The application would be refused."
    untested = UNTESTED + (SIGNED if provider.want_authn_requests_signed else "") + "."
    return Report(worked, summary, (*passed, *steps), parts, untested, NOTE)


def _sent(answer: Response, provider: ServiceProvider) -> bytes | None:
    """The Response that the browser brings, or the one that its artifact stands for."""
    found = _ANSWER.search(answer.body.decode())
    if found is not None:
        return base64.b64decode(html.unescape(found[1]))
    address = dict(answer.headers).get("Location", "")
    handed = parse_qs(urlsplit(address).query).get(delivery.ARTIFACT)
    if not handed:
        return None
    return artifacts.take(handed[0], service_provider=provider, now=timezone.now())


def _examined(
    root: xml.Element, provider: ServiceProvider, session: Session | None
) -> tuple[list[Check], tuple[Part, ...]]:
    success = _codes(root)[0].endswith(":Success")
    steps = [
        Check("The response says success", success, received="" if success else _codes(root)[-1]),
        Check("The response follows the schema", not xml.schema_error(root, schema="protocol")),
    ]
    if provider.sign_response or not success:
        steps.append(_verified("The response's signature verifies", root, provider))
    parts = [Part("The response, as it is sent", xml.serialise(root, pretty=True).decode())]
    assertion = xml.child(root, "saml:Assertion")
    if assertion is not None and provider.sign_assertion:
        steps.append(_verified("The assertion's signature verifies", assertion, provider))
    if assertion is None and success and session is not None:
        parts.insert(0, Part("Inside the encryption", _inside(provider, session)))
    return steps, tuple(parts)


def _codes(root: xml.Element) -> list[str]:
    """The status codes, the outer one first (SAML Core §3.2.2.2)."""
    found = []
    inside = xml.child(root, "samlp:Status")
    while inside is not None and (code := xml.child(inside, "samlp:StatusCode")) is not None:
        found.append(str(code.get("Value")))
        inside = code
    return found or [""]


def _verified(name: str, element: xml.Element, provider: ServiceProvider) -> Check:
    key = signature.verification_key(entity.signing_key(provider).certificate)
    try:
        signature.verify(element, keys=[key])
    except errors.InvalidSignature as error:
        return Check(name, False, received=str(error))
    return Check(name, True)


def _inside(provider: ServiceProvider, session: Session) -> str:
    """What only the service provider can decrypt, from the same functions."""
    case = Case(
        half=provider,
        rows=applications.rows(provider.application),
        user=session.user,
        now=timezone.now(),
    )
    try:
        return assertion_preview.show(case).text
    except NothingIssued as error:
        return str(error)


def _refused(refused: Refused) -> Report:
    tested = _tested()
    failed = tested.index(refused.check)
    passed = [Check(pipeline.describe(check), True) for check in tested[:failed]]
    draft = refused.draft
    received = draft.found_instead or refused.error.detail
    last = Check(pipeline.describe(refused.check), False, draft.expected, received)
    return Report(False, draft.suggestion or refused.error.description, (*passed, last), ())


def _origin(request: HttpRequest, query: str) -> Request:
    """The administrator's browser as the one that the service provider sends."""
    return Request(
        method="GET",
        path=entity.SINGLE_SIGN_ON_PATH,
        query=query,
        now=timezone.now(),
        cookies=request.COOKIES,
        client_address=getattr(request, "client_address", ""),
        user_agent=getattr(request, "user_agent", ""),
        request_id=getattr(request, "request_id", ""),
    )


interaction.register(KIND, finish=finish, refuse=refuse)
