"""The base of pages about what happened: read, searched, never added, changed or deleted."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from idp.admin import lookup
from idp.admin.audited import AuditedAdmin


class ReadOnlyAdmin(AuditedAdmin):
    """Lists and shows; the detail page is a template of the model's own."""

    detail_template: ClassVar[str] = ""
    search_fields: ClassVar[tuple[str, ...]] = ("reference",)  # the look-up is get_search_results
    sortable_by = ()
    actions: Any = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return lookup.activity(queryset, search_term), False

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: Any = None,
    ) -> HttpResponse:
        """The detail page."""
        obj = self.get_object(request, object_id)
        if obj is None:
            raise Http404
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "object": obj,
            "title": str(obj),
            **self.detail(request, obj),
        }
        return TemplateResponse(request, self.detail_template, context)

    def detail(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        """What the template shows beside the object."""
        return {}
