"""Sign-on without a request: a person starts the application from here (SAML Profiles §4.1.5).

Off unless an administrator has switched it on. A plain link, as launchers need it: another site may
lead a browser here, which signs the person in at the application as themselves and lands at a place
that the administrator has listed; more than a link to the application itself could do it does not.
"""

from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponseBase
from django.views.decorators.http import require_GET

from federation.identity_provider import (
    continuation,
    entity,
    pipeline,
    refusal,
    service_providers,
    single_sign_on,
)
from federation.identity_provider.pipeline import Refused
from federation.models import ServiceProvider
from idp import directory
from idp.accounts import redirects
from idp.accounts.views import facts
from idp.models import Application
from idp.protocol.message import Request, Response


@require_GET
def start(http_request: HttpRequest, slug: str) -> HttpResponseBase:
    """Lead the person to the application, by way of the sign-in where one is needed."""
    known = service_providers.find_by_slug(slug)
    if known is None:
        raise Http404
    return redirects.to_django(_answer(continuation.origin(http_request), known))


def _answer(origin: Request, known: service_providers.KnownServiceProvider) -> Response:
    try:
        sign_on = pipeline.launch(origin, known)
    except Refused as refused:
        return refusal.answer(refused, origin)
    return single_sign_on.decide(sign_on, origin)


def start_url(application: Application) -> str:
    """Where the launcher leads for a SAML application; empty where it is not started from here."""
    if application.kind != Application.Kind.SAML:
        return ""
    slug = directory.cached(("saml-launch", application.pk), lambda: _slug(application))
    return settings.IDP.url(f"{entity.LAUNCH_PATH}/{slug}") if slug else ""


def _slug(application: Application) -> str:
    started = ServiceProvider.objects.filter(application=application.pk, idp_initiated=True)
    return started.values_list("slug", flat=True).first() or ""


def install() -> None:
    """Let the launcher start applications from here; called once at start."""
    facts.register_start(start_url)
