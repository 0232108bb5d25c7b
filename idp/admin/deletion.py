"""Delete pages that say in sentences what goes along, counted instead of listed row by row."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.utils import unquote
from django.http import HttpRequest, HttpResponse


class ExplainedDeletion:
    """For a ModelAdmin: `consequences()` says what goes, `keeps()` what stays."""

    def consequences(self, obj: Any) -> list[str]:
        """What goes with the object, one sentence each."""
        return []

    def keeps(self, obj: Any) -> list[str]:
        """What stays behind, one sentence each."""
        return ["What the audit trail has recorded about it."]

    def obstacles(self, request: HttpRequest, obj: Any) -> list[str]:
        """Why it cannot be deleted, if so."""
        return []

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Nothing is collected row by row: a person may have millions of them."""
        obstacles = [line for obj in objs for line in self.obstacles(request, obj)]
        return [], {}, set(), obstacles

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        obj = self.get_object(request, unquote(object_id))  # type: ignore[attr-defined]
        context = dict(extra_context or {})
        if obj is not None:
            context |= {"consequences": self.consequences(obj), "keeps": self.keeps(obj)}
        return super().delete_view(request, object_id, context)  # type: ignore[misc]
