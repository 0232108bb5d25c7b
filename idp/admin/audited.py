"""The base of every model page: each change is an audit event with before and after.

Nothing is written to Django's own log. Values of fields that could hold a secret are masked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.contrib.admin import ModelAdmin, ShowFacets
from django.core.paginator import Paginator
from django.db import IntegrityError
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.functional import cached_property

from idp import audit, models
from idp.admin_site import SeeOther

MASKED = "masked"
OVERTAKEN = "Somebody else, or another tab, has just saved the same. Nothing was changed here."
SECRET_FIELDS = frozenset({"password", "password1", "password2", "secret", "private_key"})
MOST_COUNTED = 10_000
LONGEST_VALUE = 500


class CappedPaginator(Paginator):
    """Counts at most 10,000 rows, so that a list of millions opens as fast as a short one."""

    @cached_property
    def count(self) -> int:
        """The number of rows, or 10,000 if there are more."""
        rows = self.object_list
        return rows[:MOST_COUNTED].count() if isinstance(rows, QuerySet) else len(rows)


class AuditedAdmin(ModelAdmin):
    """A model's pages: our templates, capped paging, and the audit trail as history.

    `noun`: the first word of its audit actions. `purpose`: one sentence above the list.
    """

    noun: ClassVar[str] = ""
    purpose: ClassVar[str] = ""
    empty_title: ClassVar[str] = "Nothing here yet."
    empty_text: ClassVar[str] = ""
    paginator = CappedPaginator
    list_per_page = 50
    list_max_show_all = 50
    show_full_result_count = False
    show_facets = ShowFacets.NEVER  # counting for each filter would read whole tables
    change_form_template = "admin/form.html"
    change_list_template = "admin/list.html"
    delete_confirmation_template = "admin/delete.html"

    @property
    def media(self) -> forms.Media:
        """No scripts and stylesheets but those of the frame."""
        return forms.Media()

    # ----- what is recorded -----

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> Any:
        """Before and after of every field that changed, rows hanging on it included."""
        changes = dict(_changes(form))
        for formset in formsets or ():
            changes.update(_formset_changes(formset))
        return changes

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        return self.record("created", obj, request=request, changes=message)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        return self.record("changed", obj, request=request, changes=message)

    def log_deletions(self, request: HttpRequest, queryset: Iterable[Model]) -> Any:
        return [self.record("deleted", obj, request=request) for obj in queryset]

    def record(
        self, what: str, obj: Model, *, request: HttpRequest, changes: Any = None
    ) -> models.AuditEvent | None:
        """Write one event; a change of nothing is none."""
        if what == "changed" and not changes:
            return None
        details = described(obj)
        if isinstance(changes, dict) and changes:
            details["changes"] = changes
        return record(
            f"{self.noun}.{what}", request=request, details=details, **self.audit_subject(obj)
        )

    def audit_subject(self, obj: Model) -> dict[str, Any]:
        """Which person or application the event is about."""
        return {}

    # ----- pages -----

    def lookup_allowed(self, lookup: str, value: Any, request: Any = None) -> bool:
        """Only what the list's filters offer: no column can be guessed, letter by letter."""
        return lookup in {name for item in self.get_list_filter(request) for name in _names(item)}

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        context = {
            "purpose": self.purpose,
            "empty": {"title": self.empty_title, "text": self.empty_text, **self._add_link()},
        }
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def _add_link(self) -> dict[str, str]:
        return {}

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: Any = None,
    ) -> HttpResponse:
        """One button to save and one to go on editing; two who save the same are told so."""
        context = {"show_save_and_add_another": False, **(extra_context or {})}
        try:
            return super().changeform_view(request, object_id, form_url, context)
        except IntegrityError:
            messages.error(request, OVERTAKEN)
            return SeeOther(request.get_full_path())

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """The history of anything is its part of the audit trail."""
        return SeeOther(reverse("admin:idp_auditevent_changelist"))

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        """No buttons that open windows beside related fields: scripts would be needed for them."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        return without_popups(field)


def _names(item: Any) -> tuple[str, ...]:
    """The parameters of one filter of a list: of a column's, or of a class of its own."""
    if isinstance(item, str):
        return f"{item}__exact", f"{item}__isnull"
    return (item.parameter_name,)


def without_popups(field: Any) -> Any:
    """A form field without Django's buttons for adding and changing what it relates to."""
    inner = getattr(getattr(field, "widget", None), "widget", None)
    if inner is not None:
        field.widget = inner
    return field


def record(action: str, *, request: HttpRequest, **facts: Any) -> models.AuditEvent:
    """Write an event of the administration: the signed-in administrator is the actor."""
    return audit.record(action, **origin(request), **facts)


def described(obj: Model) -> dict[str, Any]:
    """What an event keeps of its object, which may be gone when it is read."""
    return {"object": str(obj)[:200], "id": str(obj.pk)}


def origin(request: HttpRequest) -> dict[str, Any]:
    """The facts of an event of the administration that the request holds."""
    session = getattr(request, "idp_session", None)
    return {
        "request": request,
        "actor": request.user.get_username(),
        "session_id": session.pk if session else None,
    }


def _changes(form: Any) -> Iterator[tuple[str, Any]]:
    for name in form.changed_data:
        if name in SECRET_FIELDS:
            yield name, MASKED
            continue
        before = form.get_initial_for_field(form.fields[name], name)
        yield name, {"before": plain(before), "after": plain(form.cleaned_data.get(name))}


def _formset_changes(formset: Any) -> dict[str, Any]:
    name = str(formset.model._meta.verbose_name_plural)
    if getattr(formset, "max_num", None) == 1:
        single = [_changes(form) for form in formset.forms if form.has_changed()]
        return {field: change for changes in single for field, change in changes}
    changed = [form for form in formset.initial_forms if form.instance in _of(formset)]
    rows = {
        "added": [str(obj) for obj in formset.new_objects],
        "changed": [{"row": str(form.instance), **dict(_changes(form))} for form in changed],
        "deleted": [str(obj) for obj in formset.deleted_objects],
    }
    rows = {what: found for what, found in rows.items() if found}
    return {name: rows} if rows else {}


def _of(formset: Any) -> list[Model]:
    return [obj for obj, _fields in formset.changed_objects]


def plain(value: Any) -> Any:
    """A form value as JSON, shortened."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, dict):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple, set, frozenset, QuerySet)):
        return [plain(entry) for entry in value]
    return _text(value)


def _text(value: Any) -> str:
    if isinstance(value, (bytes, memoryview)):
        return f"{len(value)} bytes"
    text = value.isoformat() if isinstance(value, (datetime, date)) else str(value)
    return text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + "…"
