"""The metadata of one registered service provider: whom it follows, and what waits for a yes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from federation.admin import metadata_sources, summary
from federation.identity_provider.metadata_sources import changes, following
from federation.models import (
    MetadataEntity,
    MetadataProposal,
    MetadataSource,
    ServiceProvider,
    Subscription,
)
from federation.saml import errors
from idp.admin import home
from idp.admin.home import Finding
from idp.admin_site import SeeOther, site
from idp.templatetags.administration import counted

State = MetadataProposal.State
SHOWN = 10


def metadata(request: HttpRequest, pk: Any) -> HttpResponse:
    """Show it (GET); refresh, accept, refuse, stop following (POST, by the name of the button)."""
    provider = (
        ServiceProvider.objects.select_related("application", "subscription__source")
        .defer("application__logo")
        .filter(pk=pk)
        .first()
    )
    if provider is None:
        raise Http404
    if request.method == "POST":
        _act(request, provider)
        return SeeOther(_page(provider))
    subscription = getattr(provider, "subscription", None)
    waiting = provider.metadata_proposals.filter(state=State.WAITING).first()
    context = {
        **site.each_context(request),
        "provider": provider,
        "subscription": subscription,
        "source_state": metadata_sources.state_of(subscription.source) if subscription else "",
        "waiting": waiting,
        "offers": [] if subscription else _offers(provider),
        "decided": provider.metadata_proposals.exclude(state=State.WAITING)[:SHOWN],
        **(_difference(waiting) if waiting else {}),
    }
    response = TemplateResponse(request, "admin/metadata/followed.html", context)
    if subscription and subscription.source.is_busy:
        response["Refresh"] = metadata_sources.RELOAD_SECONDS
    return response


def _offers(provider: ServiceProvider) -> QuerySet[MetadataEntity]:
    """What sources hold of one that follows none; the wizard shows the difference first."""
    rows = MetadataEntity.objects.filter(entity_id=provider.entity_id).select_related("source")
    return rows.defer("document").order_by("source__name")


def _difference(proposal: MetadataProposal) -> dict[str, Any]:
    """What a proposal would change, as the wizard shows it before an import."""
    draft = {"xml": proposal.document, "chosen": proposal.service_provider.entity_id}
    try:
        return {"summary": summary.of(draft)}
    except errors.InvalidMetadata as error:
        return {"problem": error.description}


def _act(request: HttpRequest, provider: ServiceProvider) -> None:
    subscription = getattr(provider, "subscription", None)
    if "accept" in request.POST or "refuse" in request.POST:
        _decide(request, provider)
    elif subscription is None:
        raise Http404
    elif "stop" in request.POST:
        following.unsubscribe(subscription, actor=request.user.get_username())
        messages.success(request, "It is not refreshed any more; what is known of it stays.")
    elif subscription.source.kind != MetadataSource.Kind.FILE:
        metadata_sources.begin_refresh(request, subscription.source)


def _decide(request: HttpRequest, provider: ServiceProvider) -> None:
    """Decide the very proposal that was looked at."""
    accepting = "accept" in request.POST
    chosen = request.POST["accept" if accepting else "refuse"]
    waiting = provider.metadata_proposals.filter(state=State.WAITING).first()
    if waiting is None or f"{waiting.pk.hex}:{waiting.digest}" != chosen:
        messages.error(request, "Newer metadata has come meanwhile: look again.")
        return
    decide = changes.accept if accepting else changes.refuse
    try:
        done = decide(waiting, actor=request.user.get_username(), now=timezone.now())
    except errors.InvalidMetadata as error:
        messages.error(request, error.description)
        return
    if not done:
        messages.info(request, "Somebody else has just decided.")
    elif accepting:
        messages.success(request, "The new metadata is in use.")
    else:
        messages.success(request, "Everything stays as it is, when the same comes again too.")


def _page(provider: ServiceProvider) -> str:
    return reverse("admin:saml_metadata", args=[provider.pk])


def findings(now: datetime) -> Iterable[Finding]:
    """What of metadata wants an administrator."""
    waiting = MetadataProposal.objects.filter(state=State.WAITING)
    for row in waiting.select_related("service_provider__application").defer(
        "document", "service_provider__metadata_xml", "service_provider__application__logo"
    )[:SHOWN]:
        name = row.service_provider.application.name
        yield Finding(False, f"new metadata of {name} waits for you", _page(row.service_provider))
    failing = MetadataSource.objects.exclude(error="")
    for source in failing[:SHOWN]:
        words = f"metadata source {source.name} cannot be read"
        yield Finding(False, words, metadata_sources.page_of(source))
    left = Subscription.objects.exclude(error="").count()
    if left:
        url = reverse("admin:federation_metadatasource_changelist")
        words = f"the metadata of {counted(left, 'application')} cannot be refreshed"
        yield Finding(False, words, url)


home.add_findings(findings)
site.add_page("applications/<uuid:pk>/metadata/", metadata, name="saml_metadata")
