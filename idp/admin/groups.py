"""Groups: named sets of people; who is in one is changed here or on the person's page."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join

from idp import models
from idp.admin import lookup
from idp.admin.audited import AuditedAdmin
from idp.admin.choices import LinesField
from idp.admin.deletion import ExplainedDeletion
from idp.admin_site import site
from idp.models.user import canonical
from idp.templatetags.administration import NOTHING, counted

MOST_SHOWN = 50


class GroupForm(forms.ModelForm):
    """A group, and people to put into it or take out of it."""

    add_people = LinesField(
        label="Add people",
        required=False,
        help_text="User names or e-mail addresses, one per line.",
    )
    remove_people = LinesField(
        label="Remove people", required=False, help_text="The same, to take them out."
    )

    class Meta:
        model = models.Group
        fields = ("name", "description")

    def clean_add_people(self) -> list[models.User]:
        return self._people("add_people")

    def clean_remove_people(self) -> list[models.User]:
        return self._people("remove_people")

    def _people(self, field: str) -> list[models.User]:
        found = {line: models.User.objects.by_login(line) for line in self.cleaned_data[field]}
        unknown = [line for line, user in found.items() if user is None]
        if unknown:
            raise ValidationError(f"Nobody is known as {', '.join(unknown[:5])}.")
        return [user for user in found.values() if user is not None]


@admin.register(models.Group, site=site)
class GroupAdmin(ExplainedDeletion, AuditedAdmin):
    """Groups and their members."""

    noun = "group"
    purpose = "Applications can be open to groups, and claims can carry them."
    empty_title = "No groups yet."
    empty_text = "Add one to open an application only to some people."
    form = GroupForm
    list_display = ("name", "description", "member_count", "application_count")
    search_fields = ("name_key",)  # the look-up is get_search_results
    search_help_text = "The beginning of the name."
    readonly_fields = ("members_shown", "applications_shown")
    fieldsets: ClassVar = [
        (None, {"fields": ["name", "description"]}),
        ("Members", {"fields": ["members_shown", "add_people", "remove_people"]}),
        ("Applications", {"fields": ["applications_shown"]}),
    ]

    def _add_link(self) -> dict[str, str]:
        return {"url": reverse("admin:idp_group_add"), "label": "Add a group"}

    def get_queryset(self, request: HttpRequest) -> QuerySet[models.Group]:
        return (
            super()
            .get_queryset(request)
            .annotate(
                member_total=Count("members", distinct=True),
                application_total=Count("applications", distinct=True),
            )
        )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        key = canonical(lookup.clean(search_term))
        return queryset.filter(name_key__startswith=key) if key else queryset, False

    @admin.display(description="people")
    def member_count(self, group: Any) -> str:
        url = reverse("admin:idp_user_changelist")
        return format_html('<a href="{}?group={}">{}</a>', url, group.pk, group.member_total)

    @admin.display(description="applications")
    def application_count(self, group: Any) -> int:
        return int(group.application_total)

    @admin.display(description="who is in it")
    def members_shown(self, group: models.Group) -> str:
        if group._state.adding:
            return "Nobody yet."
        people = list(group.members.all()[: MOST_SHOWN + 1])
        links = format_html_join(
            ", ",
            '<a href="{}">{}</a>',
            ((reverse("admin:idp_user_change", args=[p.pk]), p.username) for p in people[:50]),
        )
        if len(people) > MOST_SHOWN:
            url = reverse("admin:idp_user_changelist")
            return format_html('{} … <a href="{}?group={}">Show all</a>', links, url, group.pk)
        return links or "Nobody yet."

    @admin.display(description="open to it")
    def applications_shown(self, group: models.Group) -> str:
        if group._state.adding:
            return NOTHING
        names = group.applications.values_list("name", flat=True)[:MOST_SHOWN]
        return ", ".join(names) or "None asks for this group."

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        form.instance.members.add(*form.cleaned_data["add_people"])
        form.instance.members.remove(*form.cleaned_data["remove_people"])

    def consequences(self, group: Any) -> list[str]:
        sentences = [f"{counted(group.member_total, 'membership')}; the people stay."]
        names = list(group.applications.values_list("name", flat=True)[:20])
        if names:
            sentences.append(f"These applications are no longer open to it: {', '.join(names)}.")
        return sentences
