"""The OAuth half of an application as a form: the members of RFC 7591 in an administrator's words.

What is consistent is decided by `protocol.client_metadata.check`, the same for every way of
registering; its errors are put beside the fields that they speak of.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.http import HttpRequest

from idp import registration
from idp.admin.choices import CheckboxList, LinesField, ObjectField, choices_of
from idp.models import Client, Resource
from idp.protocol import client_metadata, vocabulary
from idp.protocol import scope as scope_syntax
from idp.protocol.client_metadata import ClientMetadata
from idp.protocol.errors import InvalidClientMetadata, InvalidRedirectUri, InvalidScope

METHOD_WORDS = {
    "none": "none: a public application, which cannot keep a secret",
    "client_secret_basic": "client_secret_basic: the secret in a header (usual)",
    "client_secret_post": "client_secret_post: the secret in the form",
    "private_key_jwt": "private_key_jwt: signed with a key of its own (best)",
}
GRANT_WORDS = {
    "authorization_code": "authorization_code: people sign in",
    "refresh_token": "refresh_token: it stays connected",
    "client_credentials": "client_credentials: it acts in its own name",
    "implicit": "implicit: tokens in the browser's address (profile Compatibility only)",
}
ALGORITHM_WORDS = {
    "RS256": "RS256: every client knows it",
    "ES256": "ES256: smaller and faster, proposed for new ones",
    "PS256": "PS256: RSA as FAPI wants it",
    "EdDSA": "EdDSA: Ed25519, the fastest",
}
SUBJECT_WORDS = {
    "public": "public: every application knows a person by the same identifier",
    "pairwise": "pairwise: each host gets identifiers of its own",
}
NOT_SIGNED = "not signed: plain JSON"
NOT_ENCRYPTED = "not encrypted"
ANY_ALGORITHM = "any that is accepted here"
# Words of an error that say which field is meant, where its name does not stand in it.
_SPEAKS_OF = (
    ("post_logout", "post_logout_redirect_uris"),
    ("redirect", "redirect_uris"),
    ("private_key_jwt needs", "jwks"),
    ("needs jwks", "jwks"),
    ("jwks and jwks_uri", "jwks_uri"),
    ("client_credentials", "grant_types"),
    ("refresh_token", "grant_types"),
    ("profile compatibility", "profile"),
    ("response type", "response_types"),
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
    named = words.partition(" ")[0].removeprefix("gatehouse_").rstrip(":")
    if named in ClientForm.base_fields and "needs" not in words:
        return named
    return next((field for word, field in _SPEAKS_OF if word in words), "")


def _address(label: str, help_text: str) -> forms.CharField:
    """An optional https address, checked by the rules of registration."""
    widget = forms.TextInput(attrs={"class": "code", "spellcheck": "false", "inputmode": "url"})
    return forms.CharField(
        label=label, required=False, max_length=500, widget=widget, help_text=help_text
    )


def _optional(
    label: str, values: Sequence[str], without: str, words: dict[str, str] | None = None
) -> forms.ChoiceField:
    """One of `values` or none, which means `without`."""
    choices = [("", without), *choices_of(values, words or {})]
    return forms.ChoiceField(label=label, required=False, choices=choices)


USUAL_ENCRYPTION = f"{vocabulary.DEFAULT_CONTENT_ENCRYPTION_ALG}, the usual"
PROFILES_CHOSEN = ("default", "compatibility")
# Members that the form gives to the rules as they are.
CHECKED = (
    *("redirect_uris", "post_logout_redirect_uris", "grant_types", "response_types"),
    *("default_acr_values", "token_endpoint_auth_method", "scope"),
)
METADATA = (
    *("subject_type", "sector_identifier_uri", "jwks", "jwks_uri"),
    *("token_endpoint_auth_signing_alg", "id_token_signed_response_alg"),
    *("id_token_encrypted_response_alg", "id_token_encrypted_response_enc"),
    *("userinfo_signed_response_alg", "userinfo_encrypted_response_alg"),
    *("userinfo_encrypted_response_enc", "request_object_signing_alg"),
    *("require_signed_request_object", "request_uris", "initiate_login_uri"),
    *("backchannel_logout_uri", "backchannel_logout_session_required"),
    *("frontchannel_logout_uri", "frontchannel_logout_session_required"),
)


class ClientForm(forms.ModelForm):
    """Everything about a client that is not its secret."""

    # What the sector's document said; it is read before the transaction of the page begins.
    sector_problem: ClassVar[str] = ""

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
    profile = forms.ChoiceField(
        label="Profile",
        required=False,
        choices=[
            ("default", "Default: what is safe today"),
            ("compatibility", "Compatibility: tokens in the front channel may be asked for"),
        ],
        help_text="Compatibility is for applications that know nothing but implicit or hybrid.",
    )
    response_types = forms.MultipleChoiceField(
        label="Response types",
        required=False,
        widget=CheckboxList,
        choices=[(one, one) for one in vocabulary.RESPONSE_TYPES],
        help_text="Everything but code needs the profile Compatibility.",
    )
    response_modes = forms.MultipleChoiceField(
        label="Ways of answering",
        required=False,
        widget=CheckboxList,
        choices=[(one, one) for one in vocabulary.RESPONSE_MODES],
        help_text="None chosen: any that it asks for.",
    )
    subject_type = forms.ChoiceField(
        label="People's identifiers (sub)",
        choices=choices_of(vocabulary.SUBJECT_TYPES, SUBJECT_WORDS),
    )
    sector_identifier_uri = _address(
        "Sector address", "For pairwise with several hosts: a JSON list of all redirect addresses."
    )
    id_token_signed_response_alg = forms.ChoiceField(
        label="ID token signed with",
        choices=choices_of(vocabulary.ID_TOKEN_SIGNING_ALGS, ALGORITHM_WORDS),
    )
    userinfo_signed_response_alg = _optional(
        "UserInfo signed with", vocabulary.USERINFO_SIGNING_ALGS, NOT_SIGNED, ALGORITHM_WORDS
    )
    id_token_encrypted_response_alg = _optional(
        "ID token encrypted with", vocabulary.KEY_ENCRYPTION_ALGS, NOT_ENCRYPTED
    )
    id_token_encrypted_response_enc = _optional(
        "its content with", vocabulary.CONTENT_ENCRYPTION_ALGS, USUAL_ENCRYPTION
    )
    userinfo_encrypted_response_alg = _optional(
        "UserInfo encrypted with", vocabulary.KEY_ENCRYPTION_ALGS, NOT_ENCRYPTED
    )
    userinfo_encrypted_response_enc = _optional(
        "its content with", vocabulary.CONTENT_ENCRYPTION_ALGS, USUAL_ENCRYPTION
    )
    token_endpoint_auth_signing_alg = _optional(
        "Its assertions are signed with", vocabulary.CLIENT_SIGNING_ALGS, ANY_ALGORITHM
    )
    request_object_signing_alg = _optional(
        "Its request objects are signed with", vocabulary.CLIENT_SIGNING_ALGS, ANY_ALGORITHM
    )
    request_uris = LinesField(
        label="Addresses of request objects",
        rows=2,
        required=False,
        help_text="The only ones that are ever fetched; one per line.",
    )
    jwks = ObjectField(
        label="Keys (JWK set)",
        required=False,
        help_text="Its public keys, if it has no address for them.",
    )
    jwks_uri = _address("Address of its keys (jwks_uri)", "Read when needed, again after a change.")
    initiate_login_uri = _address(
        "Address that starts a sign-in", "The account page leads there, instead of the launch URL."
    )
    backchannel_logout_uri = _address(
        "Back-channel sign-out", "We post a logout token there, whatever the browser does."
    )
    frontchannel_logout_uri = _address(
        "Front-channel sign-out", "Opened in the person's browser when they sign out."
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
            *("grant_types", "response_types", "id_token_scope_claims", "refresh_always"),
            *("pkce", "scope", "resources", "introspects", "default_max_age"),
            *("require_auth_time", "default_acr_values", "response_modes", *METADATA),
        )
        widgets: ClassVar = {
            "scope": forms.TextInput(attrs={"class": "code", "spellcheck": "false"}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance._state.adding:
            return
        application = self.instance.application
        self.initial["profile"] = application.profile
        if not self._has_profile():
            fixed = [(application.profile, application.get_profile_display())]
            self.fields["profile"].choices = fixed  # type: ignore[attr-defined]
            for name in ("profile", "response_types"):
                self.fields[name].disabled = True

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
        data["response_types"] = self._response_types(data)
        try:
            client_metadata.parse(self._metadata(data).as_document())
        except (InvalidClientMetadata, InvalidRedirectUri) as error:
            field = field_of(error)
            self.add_error(field if field in self.fields else None, explain(error))
        if self.sector_problem:
            self.add_error("sector_identifier_uri", self.sector_problem)
        return data

    def _response_types(self, data: dict[str, Any]) -> list[str]:
        """What was chosen; without a choice what the grants mean."""
        code = vocabulary.GrantType.AUTHORIZATION_CODE in data["grant_types"]
        chosen: list[str] = data["response_types"] or ([vocabulary.CODE] if code else [])
        return [one for one in chosen if code or one != vocabulary.CODE]

    def _metadata(self, data: dict[str, Any]) -> ClientMetadata:
        """What is registered, with what is being typed in place of what was."""
        changed: dict[str, Any] = {
            name: tuple(data[name]) if isinstance(data[name], list) else data[name]
            for name in (*CHECKED, *METADATA)
        }
        for prefix in ("id_token", "userinfo"):
            alg, enc = (f"{prefix}_encrypted_response_{kind}" for kind in ("alg", "enc"))
            usual = vocabulary.DEFAULT_CONTENT_ENCRYPTION_ALG
            data[enc] = changed[enc] = (changed[enc] or usual) if changed[alg] else ""
        changed["gatehouse_pkce"] = data["pkce"]
        changed["gatehouse_refresh_always"] = data["refresh_always"]
        changed["gatehouse_response_modes"] = tuple(data["response_modes"])
        if self._has_profile():
            changed["gatehouse_profile"] = data["profile"] or "default"
        registered = registration.metadata_of(self.instance)
        return dataclasses.replace(registered, **changed)

    def _has_profile(self) -> bool:
        """Whether the profile is a choice: native programs and machines have their own."""
        return self.instance.application.profile in PROFILES_CHOSEN

    def save(self, commit: bool = True) -> Client:
        """A client that proves itself otherwise loses its secrets; the profile is not its own."""
        if not self.instance.has_secret:
            registration.forget_secrets(self.instance)
        application = self.instance.application
        profile = self.cleaned_data.get("profile") or "default"
        if self._has_profile() and application.profile != profile:
            application.profile = profile
            application.save(update_fields=["profile", "updated_at"])
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
            {"fields": ["redirect_uris", "post_logout_redirect_uris", "initiate_login_uri"]},
        ),
        (
            "Sign-out",
            {
                "fields": [
                    *("backchannel_logout_uri", "backchannel_logout_session_required"),
                    *("frontchannel_logout_uri", "frontchannel_logout_session_required"),
                ],
                "description": "How the application learns that its people have signed out.",
            },
        ),
        (
            "Tokens",
            {
                "fields": [
                    *("id_token_scope_claims", "refresh_always", "id_token_signed_response_alg"),
                    *("userinfo_signed_response_alg", "subject_type", "sector_identifier_uri"),
                ]
            },
        ),
        ("APIs", {"fields": ["resources", "introspects"]}),
        (
            "Protocol",
            {
                "classes": ["collapse"],
                "fields": [
                    *("token_endpoint_auth_method", "grant_types", "pkce", "scope"),
                    *("default_max_age", "require_auth_time", "default_acr_values"),
                    *("profile", "response_types", "response_modes"),
                ],
            },
        ),
        (
            "Keys and encryption",
            {
                "classes": ["collapse"],
                "fields": [
                    *("jwks", "jwks_uri", "token_endpoint_auth_signing_alg"),
                    *("id_token_encrypted_response_alg", "id_token_encrypted_response_enc"),
                    *("userinfo_encrypted_response_alg", "userinfo_encrypted_response_enc"),
                    *("request_object_signing_alg", "require_signed_request_object"),
                    "request_uris",
                ],
            },
        ),
    ]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("secret_hash").select_related("application")

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        """The form with what was found out about its sector."""
        formset: Any = super().get_formset(request, obj, **kwargs)
        problem = getattr(request, "sector_problem", "")
        formset.form = type("ClientForm", (formset.form,), {"sector_problem": problem})
        return formset


def sector_problem(client: Client, data: Any) -> str:
    """What is wrong with the sector that is being typed; asks its address where it has changed."""
    prefix = "client-0-"
    lines = data.get(f"{prefix}redirect_uris", "").splitlines()
    typed = ClientMetadata(
        redirect_uris=tuple(line.strip() for line in lines if line.strip()),
        subject_type=data.get(f"{prefix}subject_type", ""),
        sector_identifier_uri=data.get(f"{prefix}sector_identifier_uri", "").strip(),
    )
    names = ("redirect_uris", "subject_type", "sector_identifier_uri")
    saved = {name: getattr(client, name) for name in names}
    if {**saved, "redirect_uris": tuple(client.redirect_uris)} == {
        name: getattr(typed, name) for name in names
    }:
        return ""
    try:
        registration.check_sector(typed)
    except (InvalidClientMetadata, InvalidRedirectUri) as error:
        return explain(error)
    return ""
