"""The wizard's address pages for OAuth and OpenID Connect: four kinds, at most three questions.

Each kind turns its answers into registration metadata (RFC 7591) with safe defaults, and
`idp.registration` does the rest, as for every other way of registering.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse

from idp import registration
from idp.admin import client_sheet, client_trial, connect, kinds, one_time
from idp.admin.choices import CheckboxList, LinesField, choices_of
from idp.admin.client_form import ALGORITHM_WORDS, ClientInline, explain, field_of
from idp.admin.kinds import Kind
from idp.models import Application, Client, Resource
from idp.protocol import client_metadata, redirect_uri, vocabulary
from idp.protocol.client_metadata import ClientMetadata
from idp.protocol.errors import InvalidClientMetadata, InvalidRedirectUri

CODE, REFRESH, OWN = "authorization_code", "refresh_token", "client_credentials"
PROPOSED_ALGORITHM = "ES256"
# Which answer a refusal of the rules speaks of, where the form has no field of that name.


class AddressForm(forms.Form):
    """What every kind asks, and how an answer becomes metadata."""

    kind = ""
    application_type = "web"

    name = forms.CharField(label="Name", max_length=120, help_text="As people know it.", strip=True)

    def document(self) -> dict[str, Any]:
        """The registration metadata of the answers."""
        raise NotImplementedError

    def clean(self) -> dict[str, Any]:
        """Check the whole as a registration; errors stand beside the answer they speak of."""
        data = super().clean() or {}
        self.metadata: ClientMetadata | None = None
        if self.errors:
            return data
        try:
            self.metadata = client_metadata.parse(self.document())
        except (InvalidClientMetadata, InvalidRedirectUri) as error:
            field = field_of(error)
            self.add_error(field if field in self.fields else None, explain(error))
        return data

    def checked_addresses(self, field: str) -> list[str]:
        """Every address of a field, each refusal with its line."""
        refusals = []
        for number, line in enumerate(self.cleaned_data[field], start=1):
            try:
                redirect_uri.validate(line, application_type=self.application_type)
            except InvalidRedirectUri as error:
                refusals.append(f"Line {number}: {explain(error)}")
        if refusals:
            raise forms.ValidationError(refusals)
        return list(self.cleaned_data[field])


class SignInForm(AddressForm):
    """Kinds in which people sign in."""

    redirect_uris = LinesField(
        label="Redirect addresses",
        help_text="Where people come back to, one per line, exactly as the application sends them.",
        error_messages={"required": "Enter at least one address that people come back to."},
    )
    post_logout_redirect_uris = LinesField(
        label="Addresses after signing out",
        rows=2,
        required=False,
        help_text="Where the application sends people after they have signed out; may be left out.",
    )
    id_token_signed_response_alg = forms.ChoiceField(
        label="ID tokens signed with",
        choices=choices_of(vocabulary.ID_TOKEN_SIGNING_ALGS[::-1], ALGORITHM_WORDS),
        initial=PROPOSED_ALGORITHM,
        required=False,
        help_text="Take RS256 if the application is older or does not say what it accepts.",
    )
    id_token_scope_claims = forms.BooleanField(
        label="Put profile, e-mail and groups into the ID token too",
        required=False,
        help_text="Some applications never ask UserInfo (Auth.js among them).",
    )
    first_party = forms.BooleanField(
        label="It belongs to us: do not ask people for consent", required=False
    )

    MORE = ("id_token_signed_response_alg", "id_token_scope_claims", "first_party")

    def clean_redirect_uris(self) -> list[str]:
        return self.checked_addresses("redirect_uris")

    def clean_post_logout_redirect_uris(self) -> list[str]:
        return self.checked_addresses("post_logout_redirect_uris")

    def document(self) -> dict[str, Any]:
        data = self.cleaned_data
        return {
            "client_name": data["name"],
            "redirect_uris": data["redirect_uris"],
            "post_logout_redirect_uris": data["post_logout_redirect_uris"],
            "grant_types": [CODE, REFRESH],
            "id_token_signed_response_alg": data["id_token_signed_response_alg"],
            "gatehouse_id_token_scope_claims": data["id_token_scope_claims"],
            "gatehouse_first_party": data["first_party"],
            "application_type": self.application_type,
        }


class WebForm(SignInForm):
    """A web application with a server: it keeps a secret."""

    kind = Application.Kind.WEB


class SpaForm(SignInForm):
    """An application in the browser: no secret, PKCE always, refresh tokens that rotate."""

    kind = Application.Kind.SPA

    def document(self) -> dict[str, Any]:
        return {
            **super().document(),
            "token_endpoint_auth_method": vocabulary.PUBLIC_METHOD,
            "gatehouse_pkce": "required",
            "gatehouse_refresh_always": True,
        }


class NativeForm(SignInForm):
    """A desktop, mobile or command-line application (RFC 8252)."""

    kind = Application.Kind.NATIVE
    application_type = "native"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["redirect_uris"].initial = ["http://127.0.0.1/callback"]
        self.fields["redirect_uris"].help_text = (
            "One per line. A loopback address fits every port; an app can have an address like"
            " org.example.app:/callback."
        )

    def document(self) -> dict[str, Any]:
        return {
            **super().document(),
            "token_endpoint_auth_method": vocabulary.PUBLIC_METHOD,
            "gatehouse_profile": "native",
            "gatehouse_pkce": "required",
        }


class MachineForm(AddressForm):
    """A service that calls APIs in its own name."""

    kind = Application.Kind.MACHINE
    MORE = ()

    resources = forms.ModelMultipleChoiceField(
        Resource.objects.all(),
        label="APIs that it may call",
        required=False,
        widget=CheckboxList,
        help_text="Its access tokens are for these. Without one they are for Gatehouse itself.",
    )

    def document(self) -> dict[str, Any]:
        return {
            "client_name": self.cleaned_data["name"],
            "grant_types": [OWN],
            "gatehouse_profile": "machine",
            "gatehouse_resources": [one.identifier for one in self.cleaned_data["resources"]],
        }


def connect_view(form_class: type[AddressForm]) -> Callable[[HttpRequest], HttpResponse]:
    """The address page of one kind."""

    def view(request: HttpRequest) -> HttpResponse:
        form = form_class(request.POST or None)
        if request.method == "POST" and form.is_valid() and form.metadata is not None:
            return _register(request, form, form.metadata)
        more = [form[name] for name in getattr(form, "MORE", ())]
        response = connect.page(
            request,
            "admin/connect/address.html",
            step=2,
            kind=kinds.get(form_class.kind),
            form=form,
            asked=[field for field in form if field not in more],
            more=more,
            more_open=any(field.errors for field in more),
        )
        response.status_code = 422 if form.errors else 200
        return response

    return view


def _register(request: HttpRequest, form: AddressForm, metadata: ClientMetadata) -> HttpResponse:
    client, secret = registration.register(
        metadata, kind=form.kind, actor=request.user.get_username()
    )
    if secret is not None:
        one_time.put(request, one_time.SECRET, secret, about=client.application_id)
    return connect.registered(client.application)


def _missing(application: Application) -> list[str]:
    """What keeps people from signing in to an OAuth application."""
    client = Client.objects.filter(pk=application.pk).first()
    found = []
    if client is not None and CODE in client.grant_types and not client.redirect_uris:
        found.append("A redirect address.")
    if client is not None and client.has_secret and not client.secret_created_at:
        found.append("A secret: make one with “New secret”.")
    return found


def _add(value: str, form: type[AddressForm], *, title: str, summary: str, examples: str) -> None:
    kinds.register(
        Kind(
            value=value,
            protocol=kinds.OIDC,
            title=title,
            summary=summary,
            examples=examples,
            connect=connect_view(form),
            half=ClientInline,
            sheet=client_sheet.sheet,
            test=client_trial.begin,
            missing=_missing,
        )
    )


_add(
    Application.Kind.WEB,
    WebForm,
    title="Web application",
    summary="People sign in; a server keeps the secret.",
    examples="Django, Rails, Spring, Next.js, Grafana",
)
_add(
    Application.Kind.SPA,
    SpaForm,
    title="Single-page application",
    summary="People sign in; everything runs in their browser.",
    examples="React, Vue, Angular",
)
_add(
    Application.Kind.NATIVE,
    NativeForm,
    title="Native or command line",
    summary="People sign in on their own device.",
    examples="iOS, Android, desktop, CLI tools",
)
_add(
    Application.Kind.MACHINE,
    MachineForm,
    title="Machine",
    summary="A service that calls APIs in its own name; nobody signs in.",
    examples="Jobs, back ends, an API that introspects tokens",
)
