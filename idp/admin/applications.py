"""Applications: the list of both protocols, the page of one, what is done to it, its deletion."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Prefetch, QuerySet
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from idp import client_lifecycle, models, registration, registration_policy
from idp.accounts.logout_channels import outbox
from idp.admin import audited, halves, impact, kinds, lookup, mapping_rows, one_time, preview_pages
from idp.admin.application_form import ApplicationForm, unused
from idp.admin.audited import AuditedAdmin, record, without_popups
from idp.admin.client_form import sector_problem
from idp.admin.deletion import ExplainedDeletion
from idp.admin.filters import Choice
from idp.admin.mapping_rows import MappingFormSet, MappingRowForm
from idp.admin_site import SeeOther, site
from idp.templatetags.administration import counted, state, when
from idp.tokens import revocation

KEEP_DAYS = {"1": "one day", "7": "a week", "30": "a month"}
TOLD_AT_ONCE = 500
DYNAMIC = models.Application.Origin.DYNAMIC
UNTOLD = (
    "Nobody can tell it of sign-outs any more, of these sessions or earlier ones. Disable it first"
    " and wait until it has been told."
)

WITHOUT_PROOF_KEY = (
    "Proof key (PKCE) is optional for this application: a code that is injected or stolen on its"
    " way is not noticed. Set it back as soon as the application can send a code_challenge."
)


class MappingInline(admin.TabularInline):
    """The mapping rows, with the preview beside them."""

    model = models.ClaimMapping
    form = MappingRowForm
    formset = MappingFormSet
    extra = 1
    max_num = mapping_rows.MOST_ROWS
    template = "admin/mapping/inline.html"
    verbose_name_plural = "claims"

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        """Plain inputs, without the widths of the stock forms."""
        return without_popups(db_field.formfield(**kwargs))


class KindFilter(Choice):
    """Which kind of application."""

    title = "kind"
    parameter_name = "kind"
    field = "kind"
    choices_offered = tuple(models.Application.Kind.choices)


class EnabledFilter(Choice):
    """Enabled or not."""

    title = "state"
    parameter_name = "enabled"
    choices_offered = (("yes", "Enabled"), ("no", "Disabled"))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in ("yes", "no"):
            return queryset
        return queryset.filter(enabled=self.value() == "yes")


class OriginFilter(Choice):
    """Who registered it."""

    title = "registered by"
    parameter_name = "origin"
    field = "origin"
    choices_offered = tuple(models.Application.Origin.choices)


class UnusedFilter(Choice):
    """Not used for a while, or never."""

    title = "use"
    parameter_name = "unused"
    choices_offered = (
        ("30", "Not for 30 days"),
        ("90", "Not for 90 days"),
        ("365", "Not this year"),
    )

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in dict(self.choices_offered):
            return queryset
        since = timezone.now() - timedelta(days=int(self.value() or 0))
        used = Coalesce("last_used_at", "created_at")
        return queryset.alias(used=used).filter(used__lt=since)


@admin.register(models.Application, site=site)
class ApplicationAdmin(ExplainedDeletion, AuditedAdmin):
    """What administrators connect."""

    noun = "application"
    purpose = "Everything that people and machines sign in to, by OpenID Connect, OAuth or SAML."
    empty_title = "No applications yet."
    empty_text = "Connect the first one: it takes a name and an address."
    form = ApplicationForm
    change_form_template = "admin/application/form.html"
    list_display = ("name", "kind_word", "state_word", "who", "origin_word", "grants", "used")
    list_filter: ClassVar = [KindFilter, EnabledFilter, OriginFilter, UnusedFilter]
    search_fields = ("name",)  # the look-up is get_search_results
    search_help_text = "A part of the name, or a client_id."
    FIELDSETS: ClassVar[list[Any]] = [
        ("Access", {"classes": ["access"], "fields": ["access", "allowed_groups", "first_party"]}),
        (
            "What people see",
            {
                "classes": ["appearance"],
                "fields": [
                    *("name", "description", "launch_url", "contact", "owner", "keep"),
                    *("logo_upload", "logo_remove"),
                ],
            },
        ),
    ]

    # ----- the list -----

    def _add_link(self) -> dict[str, str]:
        return {"url": reverse("admin:connect"), "label": "Connect an application"}

    def get_queryset(self, request: HttpRequest) -> QuerySet[models.Application]:
        groups = Prefetch("allowed_groups", models.Group.objects.only("name"))
        return super().get_queryset(request).defer("logo").prefetch_related(groups)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not lookup.clean(search_term):
            return queryset, False
        return queryset.filter(pk__in=lookup.applications(search_term).values("pk")), False

    @admin.display(description="kind", ordering="kind")
    def kind_word(self, application: models.Application) -> str:
        return application.get_kind_display()

    @admin.display(description="state", ordering="enabled")
    def state_word(self, application: models.Application) -> str:
        return state_of(application)

    @admin.display(description="who may use it")
    def who(self, application: models.Application) -> str:
        if application.access != models.Application.Access.GROUPS:
            return application.get_access_display()
        return ", ".join(group.name for group in application.allowed_groups.all()) or "nobody"

    @admin.display(description="registered by", ordering="origin")
    def origin_word(self, application: models.Application) -> str:
        who = application.get_origin_display()
        return f"{who} ({application.owner})" if application.owner else who

    @admin.display(description="live grants")
    def grants(self, application: models.Application) -> int:
        return client_lifecycle.live_grants().get(application.pk, 0)

    @admin.display(description="last used", ordering="last_used_at")
    def used(self, application: models.Application) -> str:
        return when(application.last_used_at)

    # ----- the page of one -----

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Applications are added by the wizard."""
        return SeeOther(reverse("admin:connect"))

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: Any = None,
        form_url: str = "",
        extra_context: Any = None,
    ) -> Any:
        """Ask others before the transaction begins: nobody waits for them while it is open.

        In it the rows are taken first, for saving writes them whole: nobody's decision in between
        is undone, a token that was ended or an application that was disabled.
        """
        if request.method != "POST" or "_preview" in request.POST:
            return super().changeform_view(request, object_id, form_url, extra_context)
        client = models.Client.objects.filter(pk=lookup.identifier(object_id)).first()
        if client is not None:
            request.sector_problem = sector_problem(client, request.POST)  # type: ignore[attr-defined]
        with transaction.atomic():
            registration.take(models.Client(pk=lookup.identifier(object_id)))
            return super().changeform_view(request, object_id, form_url, extra_context)

    def get_inlines(self, request: HttpRequest, obj: Any) -> list[Any]:
        return [] if obj is None else [kinds.of(obj).half, MappingInline]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """What the kind has; a logo can be removed where there is one."""
        if obj is None:
            return self.FIELDSETS
        without = unused(obj.kind, obj.origin) + (() if obj.logo_type else ("logo_remove",))
        parts = [
            (title, {**part, "fields": [name for name in part["fields"] if name not in without]})
            for title, part in self.FIELDSETS
        ]
        return [(title, part) for title, part in parts if part["fields"]]

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        """With *Preview* pressed nothing is saved: the form says no, without an error."""
        form: Any = super().get_form(request, obj, change, **{**kwargs, "fields": None})
        if "_preview" not in request.POST:
            return form

        class Held(form):
            def is_valid(self) -> bool:
                super().is_valid()
                return False

        return Held

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
            formset = self._mapping_formset(context)
            context |= self._page_facts(obj)
            context |= workbench(request, obj, formset)
        return super().render_change_form(request, context, add, change, form_url, obj)

    def _mapping_formset(self, context: Any) -> MappingFormSet:
        for inline in context["inline_admin_formsets"]:
            if isinstance(inline.formset, MappingFormSet):
                return inline.formset
        raise Http404

    def _page_facts(self, application: models.Application) -> dict[str, Any]:
        client = models.Client.objects.filter(application=application).first()
        pk = application.pk
        return {
            "state_word": state_of(application),
            "client": client,
            "has_secret": bool(client and client.has_secret),
            "registered_itself": bool(client) and application.origin == DYNAMIC,
            "live_grants": client_lifecycle.live_grants().get(pk, 0),
            "unused_until": client_lifecycle.expires_at(application),
            "missing": kinds.of(application).missing(application),
            "notices": kinds.of(application).notices(application),
            "waiting": kinds.of(application).waiting(application),
            "sign_ins_url": f"{reverse('admin:idp_signin_changelist')}?q={pk}",
            "events_url": f"{reverse('admin:idp_auditevent_changelist')}?q={pk}",
        }

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        """Warn of a client that need not prove where its code came from (RFC 9700 §2.1.1)."""
        if models.Client.objects.filter(application=obj, pkce=models.Client.Pkce.OPTIONAL).exists():
            messages.warning(request, WITHOUT_PROOF_KEY)
        return super().response_change(request, obj)

    def audit_subject(self, obj: Any) -> dict[str, Any]:
        return {"application": obj}

    # ----- what is done to it -----

    def get_urls(self) -> list[URLPattern]:
        guard = self.admin_site.admin_view
        return [
            path("<uuid:pk>/secret/", guard(self.secret_view), name="idp_application_secret"),
            path(
                "<uuid:pk>/registration-token/",
                guard(self.registration_token_view),
                name="idp_application_registration_token",
            ),
            path("<uuid:pk>/disable/", guard(self.disable_view), name="idp_application_disable"),
            path("<uuid:pk>/enable/", guard(self.enable_view), name="idp_application_enable"),
            *super().get_urls(),
        ]

    def secret_view(self, request: HttpRequest, pk: Any) -> HttpResponse:
        """Ask, give a new secret, show it once on the page of settings."""
        application = _application(pk)
        client = models.Client.objects.select_related("application").filter(pk=pk).first()
        if client is None or not client.has_secret:
            raise Http404
        if request.method == "POST":
            actor = request.user.get_username()
            if "end" in request.POST:
                registration.end_previous_secret(client, actor=actor)
                messages.success(request, "The older secret is refused from now on.")
                return SeeOther(_page(application))
            days = request.POST.get("keep", "0")
            keep = timedelta(days=int(days)) if days in KEEP_DAYS else timedelta(0)
            secret = registration.regenerate_secret(client, actor=actor, keep_previous=keep)
            one_time.put(request, one_time.SECRET, secret, about=application.pk)
            return SeeOther(reverse("admin:connect_settings", args=[pk]))
        return self._task(
            request,
            application,
            "admin/application/secret.html",
            client=client,
            keep_days=KEEP_DAYS,
            now=timezone.now(),
        )

    def registration_token_view(self, request: HttpRequest, pk: Any) -> HttpResponse:
        """Say what the client can change by itself; ask, then end its token or show a new one."""
        application = _application(pk)
        client = models.Client.objects.select_related("application").filter(pk=pk).first()
        if client is None or application.origin != DYNAMIC:
            raise Http404
        if request.method == "POST":
            actor = request.user.get_username()
            if "end" in request.POST:
                registration.end_registration_token(client, actor=actor)
                messages.success(request, f"{application} cannot change its registration any more.")
                return SeeOther(_page(application))
            token = registration.renew_registration_token(client, actor=actor)
            if token is None:
                raise Http404
            one_time.put(request, one_time.REGISTRATION, token, about=application.pk)
            return SeeOther(request.path)
        return self._task(
            request,
            application,
            "admin/application/registration_token.html",
            has_token=bool(client.registration_token_hash),
            token=one_time.take(request, one_time.REGISTRATION, about=application.pk),
            address=registration.address(client),
            registration_is_off=not registration_policy.is_on(),
        )

    def disable_view(self, request: HttpRequest, pk: Any) -> HttpResponse:
        """Ask, then let the application get nothing more."""
        application = _application(pk)
        if request.method == "POST":
            _set_enabled(application, request, enabled=False)
            messages.success(request, f"{application} is disabled; it gets nothing any more.")
            return SeeOther(_page(application))
        return self._task(
            request,
            application,
            "admin/application/disable.html",
            consequences=[
                "Nobody can sign in to it; it gets no tokens and no assertions.",
                "The access tokens that it holds are refused here at once.",
                "Its refresh tokens rest: they work again when it is enabled, if still valid.",
                *_who_is_told(application),
            ],
        )

    def enable_view(self, request: HttpRequest, pk: Any) -> HttpResponse:
        """Open it again."""
        application = _application(pk)
        if request.method != "POST":
            raise Http404
        _set_enabled(application, request, enabled=True)
        messages.success(request, f"{application} is enabled.")
        return SeeOther(_page(application))

    def _task(
        self, request: HttpRequest, application: models.Application, template: str, **facts: Any
    ) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "opts": self.opts}
        return TemplateResponse(request, template, {**context, "application": application, **facts})

    # ----- deletion -----

    def consequences(self, obj: Any) -> list[str]:
        grants = models.Grant.objects.filter(application_id=obj.pk, revoked_at=None).count()
        parts = obj.participants.filter(session__ended_at=None).count()
        return [
            f"Its registration, with {counted(obj.mappings.count(), 'mapping row')}.",
            f"{counted(grants, 'authorization')}, with refresh and access tokens.",
            f"{counted(obj.consents.count(), 'consent')} of people.",
            f"Its part in {counted(parts, 'session')}; the sessions themselves go on.",
            *([UNTOLD] if parts and _hears(obj) else []),
        ]

    def keeps(self, obj: Any) -> list[str]:
        kept = ["What the audit trail and the sign-ins have recorded about it."]
        if obj.kind == models.Application.Kind.SAML:
            kept.append("The persistent NameIDs of people there, so that none is ever given again.")
        return kept

    def log_deletions(self, request: HttpRequest, queryset: Iterable[Any]) -> Any:
        """Where there is a client, its removal records itself."""
        return super().log_deletions(request, [obj for obj in queryset if not has_client(obj)])

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        if not has_client(obj):
            obj.delete()
        else:
            registration.remove(
                obj.client, **audited.origin(request), details=audited.described(obj)
            )


def has_client(application: models.Application) -> bool:
    """Whether it is an OAuth application, which has a half of that name."""
    return hasattr(application, "client")


def workbench(
    request: HttpRequest, application: models.Application, formset: Any
) -> dict[str, Any]:
    """Rows and preview, for the page of the application and for the wizard."""
    half = preview_pages.load_half(application.pk)
    draft = mapping_rows.drafts(formset)
    # Without a script the numbers come with the button; with one they follow the page.
    seconds = impact.SECONDS if request.method == "POST" else impact.FIRST_SECONDS
    return {
        "mapping_formset": formset,
        "preview_url": reverse("admin:preview", args=[application.pk]),
        **mapping_rows.pickers(
            kinds.protocol_of(application.kind),
            attribute_names=preview_pages.attribute_names(),
            scopes=preview_pages.scopes_offered(half),
        ),
        **preview_pages.panel(request, half),
        **preview_pages.compute(
            request,
            half,
            drafted_half=halves.drafted(half, request.POST),
            draft=draft,
            seconds=seconds,
        ),
    }


def state_of(application: models.Application) -> str:
    """Enabled, disabled, or enabled for nobody."""
    if not application.enabled:
        return state("disabled", "bad")
    if application.access == models.Application.Access.NOBODY:
        return state("open to nobody", "warn")
    return state("enabled", "good")


def _hears(application: models.Application) -> bool:
    """Whether it has an address for sign-out that we ask ourselves."""
    return models.Client.objects.filter(pk=application.pk, backchannel_logout_uri__gt="").exists()


def _who_is_told(application: models.Application) -> list[str]:
    if _hears(application):
        return ["It is told to sign out everybody who came to it in a session that is live."]
    if application.kind == models.Application.Kind.MACHINE:
        return []
    return ["People who are signed in there stay so: it has no address at which it is told."]


def _set_enabled(application: models.Application, request: HttpRequest, *, enabled: bool) -> None:
    application.enabled = enabled
    application.save(update_fields=["enabled", "updated_at"])
    client = models.Client.objects.filter(pk=application.pk).first()
    if client is not None and not enabled:
        now = timezone.now()
        revocation.deny(models.Revocation.Kind.CLIENT, [client.client_id], now=now)
        outbox.queue_disabled(application, most=TOLD_AT_ONCE, now=now)
    elif enabled:
        outbox.forget(application)
    record(
        "application.changed",
        request=request,
        application=application,
        details={"changes": {"enabled": {"before": not enabled, "after": enabled}}},
    )


def _application(pk: Any) -> models.Application:
    application = models.Application.objects.defer("logo").filter(pk=pk).first()
    if application is None:
        raise Http404
    return application


def _page(application: models.Application) -> str:
    return reverse("admin:idp_application_change", args=[application.pk])
