"""The OAuth half of an application as a form: the members of RFC 7591 in an administrator's words.

What is consistent is decided by `protocol.client_metadata.check`, the same for every way of
registering; its errors are put beside the fields that they speak of.
"""

from __future__ import annotations

import dataclasses
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from idp import registration
from idp.admin.choices import CheckboxList, LinesField, choices_of
from idp.models import Client, Resource
from idp.protocol import client_metadata, vocabulary
from idp.protocol import scope as scope_syntax
from idp.protocol.client_metadata import ClientMetadata
from idp.protocol.errors import InvalidClientMetadata, InvalidRedirectUri, InvalidScope

METHOD_WORDS = {
    "none": "none: a public application, which cannot keep a secret",
    "client_secret_basic": "client_secret_basic: the secret in a header (usual)",
    "client_secret_post": "client_secret_post: the secret in the form",
}
GRANT_WORDS = {
    "authorization_code": "authorization_code: people sign in",
    "refresh_token": "refresh_token: it stays connected",
    "client_credentials": "client_credentials: it acts in its own name",
}
ALGORITHM_WORDS = {
    "RS256": "RS256: every client knows it",
    "ES256": "ES256: smaller and faster, proposed for new ones",
}
# Words of an error that say which field is meant, in the order of looking.
_SPEAKS_OF = (
    ("gatehouse_pkce", "pkce"),
    ("gatehouse_refresh_always", "refresh_always"),
    ("post_logout", "post_logout_redirect_uris"),
    ("redirect", "redirect_uris"),
    ("client_credentials", "grant_types"),
    ("refresh_token", "grant_types"),
    ("grant_types", "grant_types"),
    ("machine", "grant_types"),
)


def explain(error: Exception) -> str:
    """A refusal of the protocol's rules as a sentence."""
    words = str(getattr(error, "description", error)).strip() or "this is not accepted"
    first = words.split()[0]
    if first.isalpha():  # neither an address nor the name of a parameter
        words = words[0].upper() + words[1:]
    return f"{words}."


def field_of(error: Exception) -> str:
    """Which field a refusal speaks of; an empty string for the whole form."""
    if isinstance(error, InvalidRedirectUri):
        return "redirect_uris"
    words = str(getattr(error, "description", error))
    return next((field for word, field in _SPEAKS_OF if word in words), "")


class ClientForm(forms.ModelForm):
    """Everything about a client that is not its secret."""

    redirect_uris = LinesField(
        label="Redirect addresses",
        required=False,
        help_text="One per line, exactly as the application sends them.",
    )
    post_logout_redirect_uris = LinesField(
        label="Addresses after signing out",
        rows=2,
        required=False,
        help_text="Where it may send people after they have signed out; one per line.",
    )
    token_endpoint_auth_method = forms.ChoiceField(
        label="How it proves itself",
        choices=choices_of(vocabulary.TOKEN_ENDPOINT_AUTH_METHODS, METHOD_WORDS),
    )
    grant_types = forms.MultipleChoiceField(
        label="Grants",
        widget=CheckboxList,
        choices=choices_of(vocabulary.GRANT_TYPES, GRANT_WORDS),
    )
    id_token_signed_response_alg = forms.ChoiceField(
        label="ID token signed with",
        choices=choices_of(vocabulary.ID_TOKEN_SIGNING_ALGS, ALGORITHM_WORDS),
    )
    default_acr_values = LinesField(label="Usual acr values", rows=2, required=False)

    resources = forms.ModelMultipleChoiceField(
        Resource.objects.all(),
        label="APIs that it may ask tokens for",
        required=False,
        widget=CheckboxList,
    )
    introspects = forms.ModelMultipleChoiceField(
        Resource.objects.all(),
        label="APIs whose tokens it may introspect",
        required=False,
        widget=CheckboxList,
    )

    class Meta:
        model = Client
        fields = (
            *("redirect_uris", "post_logout_redirect_uris", "token_endpoint_auth_method"),
            *("grant_types", "id_token_signed_response_alg", "id_token_scope_claims"),
            *("refresh_always", "pkce", "scope", "resources", "introspects"),
            *("default_max_age", "require_auth_time", "default_acr_values"),
        )
        widgets: ClassVar = {
            "scope": forms.TextInput(attrs={"class": "code", "spellcheck": "false"}),
        }

    def clean_scope(self) -> str:
        """Scopes separated by spaces (RFC 6749 §3.3)."""
        try:
            return scope_syntax.join(scope_syntax.parse(self.cleaned_data["scope"].strip()))
        except InvalidScope as error:
            raise forms.ValidationError(explain(error)) from None

    def clean(self) -> dict[str, Any]:
        """Consistent as a whole, by the rules of registration."""
        data = super().clean() or {}
        if self.errors:
            return data
        code = vocabulary.GrantType.AUTHORIZATION_CODE in data["grant_types"]
        self.instance.response_types = [vocabulary.CODE] if code else []
        try:
            client_metadata.check(self._metadata(data))
        except (InvalidClientMetadata, InvalidRedirectUri) as error:
            field = field_of(error)
            self.add_error(field if field in self.fields else None, explain(error))
        return data

    def _metadata(self, data: dict[str, Any]) -> ClientMetadata:
        """What is registered, with what is being typed in place of what was."""
        changed: dict[str, Any] = {
            name: tuple(data[name])
            for name in ("redirect_uris", "post_logout_redirect_uris", "grant_types")
        }
        changed["default_acr_values"] = tuple(data["default_acr_values"])
        changed["response_types"] = tuple(self.instance.response_types)
        for name in ("token_endpoint_auth_method", "id_token_signed_response_alg", "scope"):
            changed[name] = data[name]
        changed["gatehouse_pkce"] = data["pkce"]
        changed["gatehouse_refresh_always"] = data["refresh_always"]
        registered = registration.metadata_of(self.instance)
        return dataclasses.replace(registered, **changed)

    def save(self, commit: bool = True) -> Client:
        """A client that becomes public loses its secret."""
        if not self.instance.has_secret:
            registration.forget_secrets(self.instance)
        return super().save(commit)


class ClientInline(admin.StackedInline):
    """The OAuth half on the application's page."""

    model = Client
    form = ClientForm
    extra = 0
    max_num = 1
    can_delete = False
    template = "admin/half.html"
    verbose_name_plural = "OpenID Connect and OAuth"
    fieldsets: ClassVar = [
        (
            "Addresses",
            {"fields": ["redirect_uris", "post_logout_redirect_uris"]},
        ),
        (
            "Tokens",
            {"fields": ["id_token_scope_claims", "refresh_always", "id_token_signed_response_alg"]},
        ),
        ("APIs", {"fields": ["resources", "introspects"]}),
        (
            "Protocol",
            {
                "classes": ["collapse"],
                "fields": [
                    *("token_endpoint_auth_method", "grant_types", "pkce", "scope"),
                    *("default_max_age", "require_auth_time", "default_acr_values"),
                ],
            },
        ),
    ]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("secret_hash").select_related("application")
