"""Filters of lists that read a range of the primary key: rows begin with their creation time."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from idp.models.identifiers import lowest_id

SPANS = {
    "hour": ("Last hour", timedelta(hours=1)),
    "day": ("Last 24 hours", timedelta(days=1)),
    "week": ("Last 7 days", timedelta(days=7)),
    "month": ("Last 30 days", timedelta(days=30)),
}


class Since(SimpleListFilter):
    """Rows of the last hour, day, week or month."""

    title = "time"
    parameter_name = "since"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, words) for name, (words, _) in SPANS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        span = SPANS.get(self.value() or "")
        if span is None:
            return queryset
        return queryset.filter(id__gte=lowest_id(timezone.now() - span[1]))


class Choice(SimpleListFilter):
    """One of a closed list of values of one column."""

    field: ClassVar[str] = ""
    choices_offered: ClassVar[tuple[tuple[str, str], ...]] = ()

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(self.choices_offered)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        offered = {value for value, _words in self.choices_offered}
        if self.value() not in offered:
            return queryset
        return queryset.filter(**{self.field: self.value()})
