"""People: create, set a password, disable, and see what they have; nothing secret is shown."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.auth import hashers
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from idp import models
from idp.accounts import people
from idp.accounts import session as sessions
from idp.admin import lookup
from idp.admin.audited import AuditedAdmin
from idp.admin.deletion import ExplainedDeletion
from idp.admin.people_forms import (
    ADDRESS_FIELDS,
    NOBODY_LEFT,
    NewPersonForm,
    PasswordFields,
    PersonForm,
    other_administrators,
    rules,
)
from idp.admin_site import SeeOther, site
from idp.templatetags.administration import counted, state


class InGroup(admin.SimpleListFilter):
    """Members of one group; reached by the link on the group's page."""

    title = "group"
    parameter_name = "group"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        groups = models.Group.objects.values_list("pk", "name")
        shown = [(str(pk), name) for pk, name in groups[:20]]
        chosen = self.value()
        if chosen and chosen not in dict(shown):
            shown += [(str(pk), name) for pk, name in _group(chosen)]
        return shown

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = _group(self.value())
        return queryset.filter(groups__in=[pk for pk, _ in chosen]) if self.value() else queryset


def _group(value: Any) -> list[tuple[Any, str]]:
    try:
        return list(models.Group.objects.filter(pk=value).values_list("pk", "name"))
    except ValidationError:
        return []


@admin.register(models.User, site=site)
class PersonAdmin(ExplainedDeletion, AuditedAdmin):
    """Accounts of people."""

    noun = "user"
    purpose = "Everybody who can sign in. Disabling somebody ends everything of theirs at once."
    form = PersonForm
    change_form_template = "admin/people/form.html"
    list_display = ("username", "display", "email", "group_names", "state_word")
    list_filter: ClassVar = ["is_active", "is_superuser", InGroup]
    search_fields = ("username_key",)  # the look-up is get_search_results
    search_help_text = "The beginning of a user name or e-mail address."
    fieldsets: ClassVar = [
        (
            "Account",
            {"fields": ["username", ("email", "email_verified"), "is_superuser", "groups"]},
        ),
        (
            "Profile",
            {
                "fields": [
                    *("name", ("given_name", "family_name"), ("middle_name", "nickname")),
                    *(("birthdate", "gender"), ("zoneinfo", "locale")),
                    *("profile", "picture", "website"),
                ]
            },
        ),
        (
            "Phone and address",
            {"fields": [("phone_number", "phone_number_verified"), *ADDRESS_FIELDS]},
        ),
        ("Custom attributes", {"fields": ["attributes"]}),
    ]

    # ----- lists -----

    def _add_link(self) -> dict[str, str]:
        return {"url": reverse("admin:idp_user_add"), "label": "Add a person"}

    def get_queryset(self, request: HttpRequest) -> QuerySet[models.User]:
        return super().get_queryset(request).defer("password").prefetch_related("groups")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not lookup.clean(search_term):
            return queryset, False
        return queryset.filter(pk__in=lookup.people(search_term).values("pk")), False

    @admin.display(description="name")
    def display(self, person: models.User) -> str:
        return person.display_name

    @admin.display(description="groups")
    def group_names(self, person: models.User) -> str:
        names = [group.name for group in person.groups.all()]
        return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")

    @admin.display(description="state")
    def state_word(self, person: models.User) -> str:
        return state_of(person)

    # ----- forms -----

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """Address fields are made by the form itself, so the stock check of names is not asked."""
        form = NewPersonForm if obj is None else PersonForm
        return super().get_form(request, obj, change, **{**kwargs, "form": form, "fields": None})

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is not None:
            return self.fieldsets
        account, *others = self.fieldsets
        return [account, ("Password", {"fields": ["password1", "password2"]}), *others]

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: Any = None,
    ) -> HttpResponse:
        """Hash a new password before the transaction begins: a hash takes long."""
        if request.method == "POST" and object_id is None:
            request.hashed_password = self._hashed(request)  # type: ignore[attr-defined]
        return super().changeform_view(request, object_id, form_url, extra_context)

    def _hashed(self, request: HttpRequest) -> str:
        form = self.get_form(request)(request.POST, instance=models.User())
        if not form.is_valid() or not form.cleaned_data["password1"]:
            return hashers.make_password(None)
        return hashers.make_password(form.cleaned_data["password1"])

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change:
            obj.password = request.hashed_password  # type: ignore[attr-defined]
        super().save_model(request, obj, form, change)

    def render_change_form(
        self,
        request: HttpRequest,
        context: Any,
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> Any:
        if obj is not None:
            now = timezone.now()
            context |= {
                "state_word": state_of(obj),
                "live_sessions": sessions.live(obj, now=now)[:20],
                "sign_ins_url": f"{reverse('admin:idp_signin_changelist')}?q={obj.pk}",
                "events_url": f"{reverse('admin:idp_auditevent_changelist')}?q={obj.pk}",
                "is_self": obj.pk == request.user.pk,
            }
        return super().render_change_form(request, context, add, change, form_url, obj)

    def audit_subject(self, obj: Any) -> dict[str, Any]:
        return {"user": obj}

    # ----- what is done to an account -----

    def get_urls(self) -> list[URLPattern]:
        guard = self.admin_site.admin_view
        return [
            path("<uuid:user_id>/password/", guard(self.password_view), name="idp_user_password"),
            path("<uuid:user_id>/disable/", guard(self.disable_view), name="idp_user_disable"),
            path("<uuid:user_id>/enable/", guard(self.enable_view), name="idp_user_enable"),
            *super().get_urls(),
        ]

    def password_view(self, request: HttpRequest, user_id: Any) -> HttpResponse:
        """Set a password on somebody's behalf."""
        person = _person(user_id)
        form = PasswordFields(request.POST or None, user=person)
        if request.method == "POST" and form.is_valid():
            people.set_password(
                person,
                form.cleaned_data["password1"],
                now=timezone.now(),
                actor=request.user.get_username(),
                request=request,  # type: ignore[arg-type]
            )
            if person.pk == request.user.pk:
                return SeeOther("/login?next=" + _page(person))
            messages.success(request, f"{person} has a new password; their sessions have ended.")
            return SeeOther(_page(person))
        return self._task(request, person, "admin/people/password.html", form=form, rules=rules())

    def disable_view(self, request: HttpRequest, user_id: Any) -> HttpResponse:
        """Ask, then end everything of this person."""
        person = _person(user_id)
        obstacles = self.obstacles(request, person)
        if request.method == "POST" and not obstacles:
            people.disable(person, now=timezone.now(), **_by(request))
            messages.success(request, f"{person} is disabled; everything of theirs has ended.")
            return SeeOther(_page(person))
        return self._task(
            request,
            person,
            "admin/people/disable.html",
            obstacles=obstacles,
            consequences=_what_ends(person),
        )

    def enable_view(self, request: HttpRequest, user_id: Any) -> HttpResponse:
        """Open an account again."""
        person = _person(user_id)
        if request.method != "POST":
            raise Http404
        people.enable(person, now=timezone.now(), **_by(request))
        messages.success(request, f"{person} can sign in again.")
        return SeeOther(_page(person))

    def _task(
        self, request: HttpRequest, person: models.User, template: str, **facts: Any
    ) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "opts": self.opts, "person": person}
        return TemplateResponse(request, template, {**context, **facts})

    # ----- deletion -----

    def obstacles(self, request: HttpRequest, obj: Any) -> list[str]:
        if obj.pk == request.user.pk:
            return ["It is you. Ask another administrator."]
        return [] if other_administrators(obj) else [NOBODY_LEFT]

    def consequences(self, obj: Any) -> list[str]:
        consents = obj.consents.count()
        return [
            *_what_ends(obj),
            f"{counted(consents, 'consent')}, the profile, memberships and custom attributes.",
        ]

    def keeps(self, obj: Any) -> list[str]:
        return [
            "What the audit trail has recorded about this person.",
            "Their identifiers at applications: nobody else ever gets them.",
        ]

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        people.end_everything(obj, reason="account deleted", now=timezone.now(), **_by(request))
        obj.delete()


def _by(request: HttpRequest) -> dict[str, Any]:
    return {"actor": request.user.get_username(), "request": request}


def _person(user_id: Any) -> models.User:
    person = models.User.objects.filter(pk=user_id).first()
    if person is None:
        raise Http404
    return person


def _page(person: models.User) -> str:
    return reverse("admin:idp_user_change", args=[person.pk])


def state_of(person: models.User) -> str:
    """Enabled, disabled, administrator, without a password."""
    if not person.is_active:
        return state("disabled", "bad")
    return state("administrator", "warn") if person.is_superuser else state("enabled", "good")


def _what_ends(person: models.User) -> list[str]:
    live = sessions.live(person, now=timezone.now()).count()
    grants = models.Grant.objects.filter(user_id=person.pk, revoked_at=None).count()
    return [
        f"{counted(live, 'live session')}: the person is signed out everywhere.",
        f"{counted(grants, 'authorization')} of applications, with refresh and access tokens.",
    ]
