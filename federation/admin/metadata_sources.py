"""Metadata sources: the list, the settings, and the page of one with its service providers."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.paginator import Page
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html

from federation.admin import connect_saml
from federation.admin.metadata_source_form import MetadataSourceForm
from federation.identity_provider.metadata_sources import fetching, jobs, queries
from federation.models import MetadataEntity, MetadataSource, ServiceProvider
from federation.saml import errors
from idp.admin import audited
from idp.admin.audited import AuditedAdmin, CappedPaginator
from idp.admin.deletion import ExplainedDeletion
from idp.admin_site import SeeOther, site
from idp.templatetags.administration import NOTHING, counted, due, state, when

Kind = MetadataSource.Kind
SHOWN = 50
RELOAD_SECONDS = "2"
MOST_SEARCHED = 200


def state_of(source: MetadataSource) -> str:
    """How it is with a source, as a coloured word."""
    if source.is_busy:
        return state("being read", "")
    if source.error:
        return state("failing", "bad")
    if source.valid_until is not None and source.valid_until <= timezone.now():
        return state("out of date", "bad")
    if source.kind != Kind.MDQ and source.fetched_at is None:
        return state("not read yet", "warn")
    return state("good", "good")


@admin.register(MetadataSource, site=site)
class MetadataSourceAdmin(ExplainedDeletion, AuditedAdmin):
    """Where metadata comes from."""

    noun = "metadata_source"
    purpose = (
        "Federations and applications that publish their metadata: read again on schedule, so"
        " that keys and addresses stay right."
    )
    empty_title = "No metadata sources yet."
    empty_text = (
        "Add a federation's aggregate, a query service (MDQ), or a file with many service"
        " providers."
    )
    form = MetadataSourceForm
    list_display = ("shown_name", "kind_word", "state_word", "providers", "read", "next", "why")
    list_display_links = None
    search_fields: ClassVar[list[str]] = ["name", "url"]
    fieldsets: ClassVar = [
        ("Where it is", {"fields": ["name", "kind", "url", "file"]}),
        ("Whom to believe", {"fields": ["signing_certificates", "tls_alone"]}),
        ("What is taken", {"fields": ["longest_validity_days", "patterns", "by_digest"]}),
    ]

    def _add_link(self) -> dict[str, str]:
        url = reverse("admin:federation_metadatasource_add")
        return {"url": url, "label": "Add a metadata source"}

    # ----- the list -----

    @admin.display(description="name", ordering="name")
    def shown_name(self, source: MetadataSource) -> str:
        return format_html('<a href="{}">{}</a>', page_of(source), source.name)

    @admin.display(description="kind", ordering="kind")
    def kind_word(self, source: MetadataSource) -> str:
        return {Kind.URL: "document", Kind.MDQ: "query service", Kind.FILE: "file"}[
            Kind(source.kind)
        ]

    @admin.display(description="state")
    def state_word(self, source: MetadataSource) -> str:
        return state_of(source)

    @admin.display(description="service providers")
    def providers(self, source: MetadataSource) -> str:
        return NOTHING if source.kind == Kind.MDQ else f"{source.entity_count:,}"

    @admin.display(description="last read", ordering="fetched_at")
    def read(self, source: MetadataSource) -> str:
        return when(source.fetched_at)

    @admin.display(description="next time", ordering="next_at")
    def next(self, source: MetadataSource) -> str:
        return due(source.next_at) if source.next_at else NOTHING

    @admin.display(description="last error")
    def why(self, source: MetadataSource) -> str:
        return source.error or NOTHING

    # ----- settings -----

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """What is read from now on is judged by the new settings: all of it, and soon."""
        super().save_model(request, obj, form, change)
        obj.next_at = None if obj.kind == Kind.FILE else timezone.now()
        obj.etag = obj.last_modified = ""
        obj.save(update_fields=["next_at", "etag", "last_modified"])
        obj.entities.exclude(etag="", last_modified="").update(etag="", last_modified="")
        if "signing_certificates" in form.changed_data:
            obj.entities.filter(signed=True).update(signed=False)
        upload = form.cleaned_data.get("file")
        if obj.kind == Kind.FILE and upload:
            jobs.begin_file(obj, kept(upload))

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> Any:
        return self._saved(request, obj)

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        return self._saved(request, obj)

    def _saved(self, request: HttpRequest, obj: MetadataSource) -> HttpResponse:
        if obj.kind == Kind.URL:
            jobs.begin(obj)
        messages.success(request, f"{obj} is saved.")
        return SeeOther(page_of(obj))

    def consequences(self, obj: Any) -> list[str]:
        followers = obj.subscriptions.count()
        if not followers:
            return ["No registered application follows it."]
        return [
            f"{counted(followers, 'registered application')} will not be refreshed any more, and"
            " keep what is known of them."
        ]

    # ----- the page of one -----

    def get_urls(self) -> list[URLPattern]:
        guard = self.admin_site.admin_view
        named = "federation_metadatasource_"
        return [
            path("<uuid:pk>/", guard(self.look_view), name=f"{named}look"),
            path("<uuid:pk>/refresh/", guard(self.refresh_view), name=f"{named}refresh"),
            path("<uuid:pk>/ask/", guard(self.ask_view), name=f"{named}ask"),
            path("<uuid:pk>/pick/<int:entity>/", guard(self.pick_view), name=f"{named}pick"),
            *super().get_urls(),
        ]

    def look_view(self, request: HttpRequest, pk: Any) -> HttpResponse:
        """State, progress, and the service providers to choose from."""
        source = _source(pk)
        query = request.GET.get("q", "")[:MOST_SEARCHED].replace("\x00", "").strip()
        rows = _found(source, query)
        page = CappedPaginator(rows, SHOWN).get_page(request.GET.get("p"))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "source": source,
            "state_word": state_of(source),
            "followers": source.subscriptions.count(),
            "query": query,
            "page": page,
            "entities": _with_registered(page),
            "asked": request.GET.get("asked", "")[:1024],
        }
        response = TemplateResponse(request, "admin/metadata/source.html", context)
        if source.is_busy:
            response["Refresh"] = RELOAD_SECONDS
        return response

    def refresh_view(self, request: HttpRequest, pk: Any) -> HttpResponse:
        """Read it now; the page shows how far that is."""
        source = _source(pk)
        if request.method != "POST" or source.kind == Kind.FILE:
            raise Http404
        begin_refresh(request, source)
        return SeeOther(page_of(source))

    def ask_view(self, request: HttpRequest, pk: Any) -> HttpResponse:
        """Ask a query service for one entity, and look at it."""
        source = _source(pk)
        entity_id = request.POST.get("entity_id", "").strip()
        if request.method != "POST" or source.kind != Kind.MDQ:
            raise Http404
        if not 0 < len(entity_id) <= 1024 or not entity_id.isprintable():
            messages.error(request, "Give the entity ID, as the application's operator calls it.")
            return SeeOther(page_of(source))
        try:
            entity = queries.look_up(source, entity_id, now=timezone.now())
        except (fetching.NotFetched, errors.InvalidMetadata) as error:
            messages.error(request, getattr(error, "description", "") or str(error))
            return SeeOther(page_of(source))
        return connect_saml.draft_of_entity(request, entity)

    def pick_view(self, request: HttpRequest, pk: Any, entity: int) -> HttpResponse:
        """Look at one service provider before it is registered."""
        row = MetadataEntity.objects.select_related("source").filter(pk=entity, source=pk).first()
        if row is None or request.method != "POST":
            raise Http404
        return connect_saml.draft_of_entity(request, row)


def page_of(source: MetadataSource) -> str:
    """Where a source is shown."""
    return reverse("admin:federation_metadatasource_look", args=[source.pk])


def begin_refresh(request: HttpRequest, source: MetadataSource) -> None:
    """Begin to read a source, and say so."""
    if jobs.begin(source):
        audited.record("metadata_source.refresh", request=request, details={"source": source.name})
        messages.success(request, f"The source “{source}” is being read.")
    else:
        messages.info(request, f"The source “{source}” is being read already.")


def kept(upload: Any) -> Path:
    """The upload as a file of its own, which outlives the request."""
    handle, name = tempfile.mkstemp(prefix="gatehouse-metadata-", suffix=".xml")
    with os.fdopen(handle, "wb") as file:
        shutil.copyfileobj(upload, file)
    return Path(name)


def _source(pk: Any) -> MetadataSource:
    source = MetadataSource.objects.filter(pk=pk).first()
    if source is None:
        raise Http404
    return source


def _found(source: MetadataSource, query: str) -> QuerySet[MetadataEntity]:
    rows = source.entities.defer("document")
    if query:
        rows = rows.filter(Q(entity_id__icontains=query) | Q(display_name__icontains=query))
    return rows


def _with_registered(page: Page[MetadataEntity]) -> list[tuple[MetadataEntity, Any]]:
    """Each row with the application that is registered for it, if one is."""
    rows = list(page.object_list)
    registered = dict(
        ServiceProvider.objects.filter(entity_id__in=[row.entity_id for row in rows]).values_list(
            "entity_id", "pk"
        )
    )
    return [(row, registered.get(row.entity_id)) for row in rows]
