"""The SAML half of an application as a form: addresses, NameID, signatures; keys are shown."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from federation.admin import asked, certificates
from federation.identity_provider import entity, name_ids, protection
from federation.identity_provider.single_logout import services
from federation.models import MetadataProposal, ServiceProvider, Subscription
from federation.saml import bindings, errors, vocabulary
from federation.saml.metadata import endpoint
from idp import keys
from idp.admin.choices import MOST_LINES, LinesField
from idp.templatetags.administration import state

FORMAT_WORDS = {
    vocabulary.PERSISTENT: "persistent: a random name that stays, another at every application",
    vocabulary.TRANSIENT: "transient: another random name each time",
    vocabulary.EMAIL_ADDRESS: "emailAddress: the verified e-mail address",
    vocabulary.UNSPECIFIED: "unspecified: the field named below",
    name_ids.NONE: "none: attributes alone name the person; a logout there cannot be asked for",
}


# A form that was opened before an upgrade does not have these.
LATER = ("attribute_release", "subject_identifier")
DEMAND = "want_authn_requests_signed"
NO_KEY = "No key of this service provider is known: import its metadata first."


class ServiceProviderForm(forms.ModelForm):
    """What an administrator decides; what the metadata says is imported."""

    acs_urls = LinesField(
        label="Assertion consumer services",
        show_hidden_initial=True,
        help_text="Where responses are posted to, one address per line; the first is the default.",
    )
    default_name_id_format = forms.ChoiceField(
        label="NameID unless the request says otherwise",
        choices=[(one, FORMAT_WORDS[one]) for one in (*name_ids.SUPPORTED, name_ids.NONE)],
    )
    relay_states = LinesField(
        label="RelayStates",
        required=False,
        rows=2,
        help_text=ServiceProvider._meta.get_field("relay_states").help_text,
    )
    signature_algorithm = forms.ChoiceField(
        choices=[(name, name.upper()) for name in protection.ALGORITHMS]
    )

    class Meta:
        model = ServiceProvider
        fields = (
            *("default_name_id_format", "name_id_source", "want_authn_requests_signed"),
            *("sign_response", "sign_assertion", "encrypt_assertion", "signature_algorithm"),
            *("name_qualifier", "idp_initiated", "relay_states"),
            *("attribute_release", "subject_identifier", "attribute_queries"),
            "changes_wait",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        urls = (one.get("url", "") for one in self.instance.assertion_consumer_services)
        self.initial["acs_urls"] = list(dict.fromkeys(urls))
        # More than a form takes: its metadata alone decides them, and all else can be saved.
        self.fields["acs_urls"].disabled = len(self.initial["acs_urls"]) > MOST_LINES
        for name in LATER:
            self.fields[name].required = False
        # Metadata decides it too: what was seen goes along, to tell a wish from an old page.
        self.fields[DEMAND].show_hidden_initial = True

    def clean_acs_urls(self) -> list[str]:
        """Each must be an address that may be posted to."""
        refusals = []
        for number, url in enumerate(self.cleaned_data["acs_urls"], start=1):
            try:
                endpoint.check(url, what=f"Line {number}:")
            except errors.InvalidMetadata as error:
                refusals.append(error.description)
        if refusals:
            raise forms.ValidationError(refusals)
        return list(self.cleaned_data["acs_urls"])

    def clean_want_authn_requests_signed(self) -> bool:
        """As it is, where nobody has changed what the page showed."""
        if DEMAND not in self.changed_data:
            return bool(self.instance.want_authn_requests_signed)
        return bool(self.cleaned_data[DEMAND])

    def clean_attribute_release(self) -> str:
        """As it is, where the form does not say."""
        return str(self.cleaned_data["attribute_release"] or self.instance.attribute_release)

    def clean_subject_identifier(self) -> str:
        """As it is, where the form does not say."""
        return str(self.cleaned_data["subject_identifier"] or self.instance.subject_identifier)

    def clean_name_qualifier(self) -> str:
        """A group has a name of its own: nobody reads in another application's namespace."""
        name = str(self.cleaned_data["name_qualifier"]).strip()
        if name and ServiceProvider.objects.filter(entity_id=name).exists():
            raise forms.ValidationError(
                "This is the entity ID of an application, not of a group of them."
            )
        return name

    def clean_relay_states(self) -> list[str]:
        """Each must fit into the answer and be one line of text."""
        refusals = [
            f"Line {number}: at most {bindings.MAX_RELAY_STATE} bytes of printable text."
            for number, one in enumerate(self.cleaned_data["relay_states"], start=1)
            if len(one.encode()) > bindings.MAX_RELAY_STATE or not one.isprintable()
        ]
        if refusals:
            raise forms.ValidationError(refusals)
        return list(self.cleaned_data["relay_states"])

    def clean(self) -> dict[str, Any]:
        """Something must be signed, and requests can only be verified with a key."""
        data = super().clean() or {}
        if not (data.get("sign_response") or data.get("sign_assertion")):
            self.add_error("sign_response", "Sign the response, the assertion, or both.")
        for field in ("want_authn_requests_signed", "attribute_queries"):
            if data.get(field) and not self.instance.signing_certificates:
                self.add_error(field, NO_KEY)
        return data

    def save(self, commit: bool = True) -> ServiceProvider:
        """Write what was changed here, never the whole row: a refresh may be writing the rest."""
        columns = set(self.changed_data) - {"acs_urls"}
        if "acs_urls" in self.changed_data:
            self.instance.assertion_consumer_services = self._services()
            columns.add("assertion_consumer_services")
        provider: ServiceProvider = super().save(commit=False)
        if commit:
            provider.save(update_fields=columns)
        return provider

    def _services(self) -> list[dict[str, Any]]:
        """Keep binding and index of addresses that stay; new ones are POST addresses."""
        known: dict[Any, list[dict[str, Any]]] = {}
        for one in self.instance.assertion_consumer_services:
            known.setdefault(one.get("url"), []).append(one)
        return [
            {
                "binding": vocabulary.POST,
                "index": number,
                **one,
                "url": url,
                "is_default": number == 0,
            }
            for number, url in enumerate(self.cleaned_data["acs_urls"])
            for one in known.get(url, [{}])
        ]


class ServiceProviderInline(admin.StackedInline):
    """The SAML half on the application's page."""

    model = ServiceProvider
    form = ServiceProviderForm
    extra = 0
    max_num = 1
    can_delete = False
    template = "admin/half.html"
    verbose_name_plural = "SAML"
    readonly_fields = (
        *("entity_id", "keys_shown", "metadata_shown", "launch_shown"),
        "logout_shown",
        "asked_shown",
        "signed_for_with",
    )
    fieldsets: ClassVar = [
        (
            "Addresses",
            {"fields": ["entity_id", "acs_urls", "logout_shown", "metadata_shown", "changes_wait"]},
        ),
        ("NameID", {"fields": ["default_name_id_format", "name_id_source", "name_qualifier"]}),
        (
            "Attributes",
            {
                "fields": [
                    "attribute_release",
                    "subject_identifier",
                    "asked_shown",
                    "attribute_queries",
                ]
            },
        ),
        ("Started from here", {"fields": ["idp_initiated", "relay_states", "launch_shown"]}),
        (
            "Signatures and encryption",
            {
                "fields": [
                    *("keys_shown", "want_authn_requests_signed"),
                    *("sign_response", "sign_assertion", "encrypt_assertion"),
                    *("signature_algorithm", "signed_for_with"),
                ]
            },
        ),
    ]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("metadata_xml")

    @admin.display(description="keys of the service provider")
    def keys_shown(self, provider: ServiceProvider) -> str:
        return shown_certificates(provider.signing_certificates, provider.encryption_certificates)

    @admin.display(description="its metadata asks for")
    def asked_shown(self, provider: ServiceProvider) -> str:
        return asked.shown(provider)

    @admin.display(description="address to start it")
    def launch_shown(self, provider: ServiceProvider) -> SafeString:
        url = entity.launch_url(provider)
        if not provider.idp_initiated:
            return format_html("Off. Once switched on: <code>{}</code>", url)
        words = "On the account page, unless the application has a launch address of its own"
        return format_html(
            "<code>{}</code><br>{}; with <code>?RelayState=…</code> for another of those above.",
            url,
            words,
        )

    @admin.display(description="signed for with")
    def signed_for_with(self, provider: ServiceProvider) -> SafeString:
        """Which of our keys, and where it is moved to another."""
        kid = entity.signing_kid(provider)
        following = keys.saml().following
        words = "the next key" if following and following.kid == kid else "the current key"
        url = reverse("admin:saml_roll_over")
        return format_html(
            '{} <code title="{}">{}…</code>. <a href="{}">Roll over</a>', words, kid, kid[:16], url
        )

    @admin.display(description="single logout")
    def logout_shown(self, provider: ServiceProvider) -> str:
        return shown_logout(provider)

    @admin.display(description="metadata")
    def metadata_shown(self, provider: ServiceProvider) -> SafeString:
        until = provider.metadata_valid_until
        words = f"valid until {until:%Y-%m-%d}" if until else "without an end"
        followed = Subscription.objects.select_related("source").filter(pk=provider.pk).first()
        origin = f"from {followed.source}" if followed else "given by hand, not refreshed"
        waits = provider.metadata_proposals.filter(state=MetadataProposal.State.WAITING).exists()
        return format_html(
            '{}, {}{}. <a href="{}">{}</a>',
            words.capitalize(),
            origin,
            format_html(" {}", state("failing", "bad")) if followed and _error(followed) else "",
            reverse("admin:saml_metadata", args=[provider.pk]),
            "A change waits for you" if waits else "Refresh, errors, changes",
        )


def _error(followed: Subscription) -> str:
    return followed.error or followed.source.error


def shown_logout(provider: ServiceProvider) -> str:
    """How it hears of a sign-out, and whether it can ask for one."""
    soap, front_channel = services.soap(provider), services.front_channel(provider)
    addresses = [
        (one.binding.rpartition(":")[2], one.url, one.response_url) for one in services.of(provider)
    ]
    if soap:
        words = "It is told by SOAP."
    elif front_channel is not None:
        words = "It is told in the browser in which a person signs out; no other way is known."
    else:
        words = "No address is known: people stay signed in there when they sign out here."
    if not provider.signing_certificates:
        words += " Without a signing key of it, its own sign-out messages and answers are refused."
    listed = format_html_join(
        "",
        "<div>{} <code>{}</code>{}</div>",
        (
            (binding, url, format_html(" answers to <code>{}</code>", answers) if answers else "")
            for binding, url, answers in addresses
        ),
    )
    return format_html("{}<div>{}</div>", listed, words)


def shown_certificates(signing: Any, encryption: Any) -> str:
    """Certificates as lines, with a word for those that have expired."""
    now = timezone.now()
    found = [
        *certificates.read("signing", signing),
        *certificates.read("encryption", encryption),
    ]
    if not found:
        return "None are known: requests are not verified, assertions not encrypted."
    return format_html_join(
        "",
        "<div>{}: {} <code>{}…</code> until {} {}</div>",
        (
            (
                one.use,
                one.subject,
                one.fingerprint,
                f"{one.not_after:%Y-%m-%d}" if one.not_after else "?",
                state("expired", "warn") if one.is_expired(now) else "",
            )
            for one in found
        ),
    )
