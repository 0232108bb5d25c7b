"""One change of metadata that was decided: what it says against today, and a way back from no."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from federation.admin import summary
from federation.identity_provider.metadata_sources import reconsidering
from federation.models import MetadataProposal
from federation.saml import errors
from idp.admin_site import SeeOther, site

State = MetadataProposal.State


def decided(request: HttpRequest, pk: Any, proposal: Any) -> HttpResponse:
    """Show it (GET); accept after all what was refused (POST)."""
    rows = MetadataProposal.objects.select_related("service_provider__application")
    rows = rows.exclude(state=State.WAITING).exclude(document="")
    rows = rows.defer("service_provider__application__logo")
    row = rows.filter(pk=proposal, service_provider=pk).first()
    if row is None:
        raise Http404
    if request.method == "POST":
        _accept(request, row)
        return SeeOther(reverse("admin:saml_metadata", args=[pk]))
    context = {
        **site.each_context(request),
        "provider": row.service_provider,
        "proposal": row,
        "changed": [summary.label_of(name) for name in row.changes],
        **_difference(row),
    }
    return TemplateResponse(request, "admin/metadata/decided.html", context)


def _difference(row: MetadataProposal) -> dict[str, Any]:
    """Compared with what is in use now, whatever was then."""
    draft = {"xml": row.document, "chosen": row.service_provider.entity_id}
    try:
        base = reconsidering.base_now(row, now=timezone.now())
        return {"summary": summary.of(draft), "base": base, "moved": base != row.base}
    except errors.InvalidMetadata as error:
        return {"problem": error.description}


def _accept(request: HttpRequest, row: MetadataProposal) -> None:
    seen, actor = request.POST.get("accept", ""), request.user.get_username()
    try:
        done = reconsidering.accept(row, seen=seen, actor=actor, now=timezone.now())
    except errors.InvalidMetadata as error:
        messages.error(request, error.description)
        return
    if done:
        messages.success(request, "The metadata that was refused is in use.")
    else:
        messages.error(request, "What is in use, or the decision, has changed: look again.")


site.add_page(
    "applications/<uuid:pk>/metadata/<uuid:proposal>/", decided, name="saml_metadata_decided"
)
