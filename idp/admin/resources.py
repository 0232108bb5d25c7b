"""API resources: identifier (the audience), scopes inline, who may ask and who may introspect."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.text import capfirst

from idp import models
from idp.admin.audited import AuditedAdmin
from idp.admin.choices import CheckboxList
from idp.admin.deletion import ExplainedDeletion
from idp.admin_site import site
from idp.protocol import resource_indicator
from idp.protocol import scope as scope_syntax
from idp.protocol.errors import InvalidTarget
from idp.templatetags.administration import NOTHING, counted


class ResourceForm(forms.ModelForm):
    """An API; who may introspect its tokens is chosen here as well as on the application."""

    introspectors = forms.ModelMultipleChoiceField(
        models.Client.objects.none(),
        label="Who may introspect its tokens",
        required=False,
        widget=CheckboxList,
        help_text="Applications with a secret; usually the API itself, registered as a machine.",
    )
    clients = forms.ModelMultipleChoiceField(
        models.Client.objects.none(),
        label="Who may ask for its tokens",
        required=False,
        widget=CheckboxList,
    )

    class Meta:
        model = models.Resource
        fields = ("name", "identifier", "description")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        clients = models.Client.objects.select_related("application").defer("application__logo")
        for name in ("introspectors", "clients"):
            field = self.fields[name]
            field.queryset = clients  # type: ignore[attr-defined]
            field.label_from_instance = _application_name  # type: ignore[attr-defined]
            if self.instance.pk and not self.instance._state.adding:
                self.initial[name] = [row.pk for row in getattr(self.instance, name).all()]
        self.fields["introspectors"].queryset = clients.exclude(  # type: ignore[attr-defined]
            token_endpoint_auth_method="none"  # noqa: S106 (a method's name)
        )

    def clean_identifier(self) -> str:
        """An absolute URI without fragment (RFC 8707 §2)."""
        identifier: str = self.cleaned_data["identifier"].strip()
        try:
            resource_indicator.parse((identifier,))
        except InvalidTarget as error:
            raise ValidationError(capfirst(error.description) + ".") from None
        if identifier == settings.IDP.issuer:
            raise ValidationError("This is our own address; tokens for it need no API resource.")
        return identifier


def _application_name(client: models.Client) -> str:
    return f"{client.application.name} ({client.client_id})"


class ScopeForm(forms.ModelForm):
    """One scope with the words of the consent page."""

    class Meta:
        model = models.ResourceScope
        fields = ("name", "description")

    def clean_name(self) -> str:
        """One scope token (RFC 6749 §3.3) that OpenID Connect does not use itself."""
        name: str = self.cleaned_data["name"].strip()
        if not scope_syntax.is_token(name):
            raise ValidationError("A scope has no spaces, quotes or backslashes.")
        if name in scope_syntax.OPENID_SCOPES:
            raise ValidationError(f"“{name}” belongs to OpenID Connect.")
        return name


class ScopeInline(admin.TabularInline):
    """The scopes of an API."""

    model = models.ResourceScope
    form = ScopeForm
    extra = 1
    template = "admin/rows.html"


@admin.register(models.Resource, site=site)
class ResourceAdmin(ExplainedDeletion, AuditedAdmin):
    """APIs whose access tokens are issued here."""

    noun = "resource"
    purpose = "An API that accepts our access tokens. Its identifier is their audience."
    empty_title = "No API resources yet."
    empty_text = "Add one when an application shall call an API with a token of its own audience."
    form = ResourceForm
    inlines: ClassVar = [ScopeInline]
    list_display = ("name", "identifier", "scope_names", "application_count")
    search_fields = ("name", "identifier")
    search_help_text = "A part of the name or the identifier."
    fieldsets: ClassVar = [
        (None, {"fields": ["name", "identifier", "description"]}),
        ("Applications", {"fields": ["clients", "introspectors"]}),
    ]

    def _add_link(self) -> dict[str, str]:
        return {"url": reverse("admin:idp_resource_add"), "label": "Add an API resource"}

    def get_queryset(self, request: HttpRequest) -> QuerySet[models.Resource]:
        rows = super().get_queryset(request).prefetch_related("scopes")
        return rows.annotate(application_total=Count("clients", distinct=True))

    @admin.display(description="scopes")
    def scope_names(self, resource: models.Resource) -> str:
        return ", ".join(scope.name for scope in resource.scopes.all()) or NOTHING

    @admin.display(description="applications", ordering="application_total")
    def application_count(self, resource: Any) -> int:
        return int(resource.application_total)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        form.instance.clients.set(form.cleaned_data["clients"])
        form.instance.introspectors.set(form.cleaned_data["introspectors"])

    def consequences(self, resource: Any) -> list[str]:
        scopes = [scope.name for scope in resource.scopes.all()]
        return [
            "Its scopes: " + (", ".join(scopes) if scopes else "it has none") + ".",
            f"{counted(resource.application_total, 'application')} can no longer ask for its"
            " tokens; tokens already issued are valid until they expire.",
        ]
