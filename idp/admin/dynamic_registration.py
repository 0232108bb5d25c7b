"""Who may register clients without an administrator: policy, tokens, issuers of statements."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from idp import client_lifecycle, models, registration
from idp.admin import audited, one_time
from idp.admin.audited import AuditedAdmin
from idp.admin.choices import LinesField, ObjectField
from idp.admin.deletion import ExplainedDeletion
from idp.admin.read_only import ReadOnlyAdmin
from idp.admin_site import SeeOther, site
from idp.protocol import jwk, uri
from idp.protocol import scope as scope_syntax
from idp.protocol.errors import InvalidScope
from idp.templatetags.administration import counted, state, when

SHOWN = 100
Mode = models.RegistrationPolicy.Mode


class PolicyForm(forms.ModelForm):
    """The one policy."""

    allowed_hosts = LinesField(
        label="Allowed hosts",
        required=False,
        help_text="Of redirect addresses, one per line; *.example.org for all below. Empty: any.",
    )

    class Meta:
        model = models.RegistrationPolicy
        fields = (
            *("mode", "profile", "pkce", "machines", "scope", "allowed_hosts"),
            *("statement_required", "per_hour", "unused_days"),
        )
        widgets: ClassVar = {
            "mode": forms.RadioSelect,
            "profile": forms.RadioSelect,
            "scope": forms.TextInput(attrs={"class": "code", "spellcheck": "false"}),
        }

    def clean_scope(self) -> str:
        """Scopes that exist here (RFC 6749 §3.3)."""
        try:
            wanted = scope_syntax.parse(self.cleaned_data["scope"].strip())
        except InvalidScope as error:
            raise ValidationError(f"{error.description}.") from None
        own = set(models.ResourceScope.objects.values_list("name", flat=True))
        for one in wanted:
            if one not in own and one not in scope_syntax.OPENID_SCOPES:
                raise ValidationError(f"There is no scope “{one}”.")
        return scope_syntax.join(wanted)

    def clean_allowed_hosts(self) -> list[str]:
        """Host names, with a star at most in place of the first label."""
        hosts = [one.lower() for one in self.cleaned_data["allowed_hosts"]]
        for host in hosts:
            bare = host.removeprefix("*.")
            try:
                good = "*" not in bare and uri.split(f"https://{bare}/").host == bare
            except uri.InvalidUri:
                good = False
            if not good:
                raise ValidationError(f"“{host}” is not a host name, nor *. before one.")
        return hosts

    def clean(self) -> dict[str, Any]:
        """Open to strangers means that there is a limit."""
        data = super().clean() or {}
        if data.get("mode") == Mode.OPEN and not data.get("per_hour"):
            self.add_error("per_hour", "Strangers need a limit of at least one an hour.")
        return data


@admin.register(models.RegistrationPolicy, site=site)
class RegistrationPolicyAdmin(AuditedAdmin):
    """One page: nothing to list, nothing to add, nothing to delete."""

    noun = "registration_policy"
    form = PolicyForm
    fieldsets: ClassVar = [
        ("Who may register", {"fields": ["mode", "per_hour", "statement_required"]}),
        (
            "What a new client gets",
            {"fields": ["profile", "pkce", "scope", "allowed_hosts", "machines"]},
        ),
        ("How long it stays", {"fields": ["unused_days"]}),
    ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """There is one."""
        models.RegistrationPolicy.objects.get_or_create(pk=1)
        return SeeOther(reverse("admin:idp_registrationpolicy_change", args=[1]))

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        """Stay on the page."""
        words = "Clients cannot register themselves." if obj.mode == Mode.OFF else "It applies now."
        messages.success(request, f"The policy is saved. {words}")
        return SeeOther(reverse("admin:idp_registrationpolicy_change", args=[1]))


class TokenForm(forms.ModelForm):
    """A new initial access token."""

    days = forms.IntegerField(
        label="Expires after days", required=False, min_value=1, max_value=3650, initial=30
    )

    class Meta:
        model = models.InitialAccessToken
        fields = ("name", "owner", "most_uses")


@admin.register(models.InitialAccessToken, site=site)
class InitialAccessTokenAdmin(ReadOnlyAdmin):
    """Tokens that let their holders register clients: made, shown once, revoked."""

    noun = "initial_access_token"
    purpose = "Whoever holds one may register clients, within the registration policy."
    empty_title = "No initial access tokens yet."
    empty_text = "Make one for a team or a pipeline that registers its clients itself."
    list_display = ("name", "owner", "state_word", "used", "until", "last_used")
    search_fields: ClassVar[tuple[str, ...]] = ()
    detail_template = "admin/registration/token.html"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return True

    def _add_link(self) -> dict[str, str]:
        url = reverse("admin:idp_initialaccesstoken_add")
        return {"url": url, "label": "Make an initial access token"}

    @admin.display(description="state")
    def state_word(self, row: models.InitialAccessToken) -> str:
        return token_state(row)

    @admin.display(description="uses", ordering="uses")
    def used(self, row: models.InitialAccessToken) -> str:
        return f"{row.uses} of {row.most_uses}" if row.most_uses is not None else str(row.uses)

    @admin.display(description="expires", ordering="expires_at")
    def until(self, row: models.InitialAccessToken) -> str:
        return when(row.expires_at, "never")

    @admin.display(description="last used", ordering="last_used_at")
    def last_used(self, row: models.InitialAccessToken) -> str:
        return when(row.last_used_at)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """A name, perhaps limits; then the token, once."""
        form = TokenForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            days = form.cleaned_data["days"]
            row, token = registration.make_initial_access_token(
                form.cleaned_data["name"],
                owner=form.cleaned_data["owner"],
                most_uses=form.cleaned_data["most_uses"],
                expires_at=timezone.now() + timedelta(days=days) if days else None,
                actor=request.user.get_username(),
            )
            one_time.put(request, one_time.SECRET, token, about=row.pk)
            return SeeOther(reverse("admin:idp_initialaccesstoken_change", args=[row.pk]))
        return self._page(request, "admin/registration/new_token.html", form=form)

    def detail(self, request: HttpRequest, obj: Any) -> dict[str, Any]:
        """The token itself where it has just been made; who has registered with it."""
        return {
            "token": one_time.take(request, one_time.SECRET, about=obj.pk),
            "state_word": token_state(obj),
            "is_live": _is_live(obj),
            "registration_is_off": not models.RegistrationPolicy.objects.exclude(
                mode=Mode.OFF
            ).exists(),
        }

    def get_urls(self) -> list[URLPattern]:
        guard = self.admin_site.admin_view
        return [
            path(
                "<uuid:pk>/revoke/",
                guard(self.revoke_view),
                name="idp_initialaccesstoken_revoke",
            ),
            *super().get_urls(),
        ]

    def revoke_view(self, request: HttpRequest, pk: Any) -> HttpResponse:
        """Let it register nothing more; what it has registered stays."""
        row = models.InitialAccessToken.objects.filter(pk=pk).first()
        if row is None or request.method != "POST":
            raise Http404
        actor = request.user.get_username()
        if registration.revoke_initial_access_token(row, actor=actor):
            messages.success(request, f"{row} is revoked; the clients registered with it stay.")
        return SeeOther(reverse("admin:idp_initialaccesstoken_change", args=[pk]))

    def _page(self, request: HttpRequest, template: str, **facts: Any) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "opts": self.opts, **facts}
        return TemplateResponse(request, template, context)


def _is_live(row: models.InitialAccessToken) -> bool:
    expired = row.expires_at is not None and row.expires_at <= timezone.now()
    used_up = row.most_uses is not None and row.uses >= row.most_uses
    return not (row.revoked_at or expired or used_up)


def token_state(row: models.InitialAccessToken) -> str:
    """Why it works no more, or that it does."""
    if row.revoked_at:
        return state("revoked", "bad")
    if row.expires_at is not None and row.expires_at <= timezone.now():
        return state("expired", "warn")
    if row.most_uses is not None and row.uses >= row.most_uses:
        return state("used up", "")
    return state("live", "good")


class IssuerForm(forms.ModelForm):
    """Somebody whose software statements are believed."""

    jwks = ObjectField(label="Keys (JWK set)", required=False)

    class Meta:
        model = models.StatementIssuer
        fields = ("issuer", "enabled", "jwks_uri", "jwks")

    def clean_jwks(self) -> dict[str, Any]:
        """Public keys only (RFC 7517 §5)."""
        found: dict[str, Any] = self.cleaned_data["jwks"]
        if found:
            try:
                jwk.parse_set(found)
            except jwk.InvalidKeySet as error:
                raise ValidationError(f"The key set {error}.") from None
        return found

    def clean_jwks_uri(self) -> str:
        """An address that we may ask."""
        address: str = self.cleaned_data["jwks_uri"].strip()
        if address:
            try:
                uri.split_web(address)
            except uri.InvalidUri as error:
                raise ValidationError(f"The address {error}.") from None
        return address

    def clean(self) -> dict[str, Any]:
        """Keys in one way."""
        data = super().clean() or {}
        if not self.errors and bool(data.get("jwks")) == bool(data.get("jwks_uri")):
            self.add_error("jwks_uri", "Give either the address of the keys, or the keys.")
        return data


@admin.register(models.StatementIssuer, site=site)
class StatementIssuerAdmin(ExplainedDeletion, AuditedAdmin):
    """Whose word about a client's software counts."""

    noun = "statement_issuer"
    purpose = "What a software statement of one of these says wins over what a client says itself."
    empty_title = "No issuers yet."
    empty_text = "Add one where a catalogue or a vendor signs statements about its software."
    form = IssuerForm
    list_display = ("issuer", "state_word")
    search_fields: ClassVar[tuple[str, ...]] = ()

    def _add_link(self) -> dict[str, str]:
        return {"url": reverse("admin:idp_statementissuer_add"), "label": "Add an issuer"}

    @admin.display(description="state")
    def state_word(self, row: models.StatementIssuer) -> str:
        return state("trusted", "good") if row.enabled else state("not trusted", "bad")

    def consequences(self, obj: Any) -> list[str]:
        return ["Its statements are refused; clients registered with them stay."]


def unused_clients(request: HttpRequest) -> HttpResponse:
    """What would be removed for not being used, and which clients look alike."""
    now = timezone.now()
    if request.method == "POST":
        removed = client_lifecycle.prune(now=now, actor=request.user.get_username())
        audited.record("clients.pruned", request=request, details={"removed": removed})
        messages.success(request, f"{counted(removed, 'client')} removed.")
        return SeeOther(reverse("admin:unused_clients"))
    keys = client_lifecycle.removable(now=now)
    rows = models.Application.objects.defer("logo").filter(pk__in=keys[:SHOWN]).order_by("pk")
    context = {
        **site.each_context(request),
        "title": "Unused and similar clients",
        "rows": rows,
        "total": len(keys),
        "spared": client_lifecycle.unused(now=now).count() - len(keys),
        "duplicates": client_lifecycle.duplicates()[:SHOWN],
        "policy": models.RegistrationPolicy.objects.filter(pk=1).first(),
    }
    return TemplateResponse(request, "admin/registration/unused.html", context)


site.add_page("registration/unused/", unused_clients, name="unused_clients")
