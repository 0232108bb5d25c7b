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

from federation.admin import certificates
from federation.identity_provider import name_ids, protection
from federation.models import MetadataProposal, ServiceProvider, Subscription
from federation.saml import errors, vocabulary
from federation.saml.metadata import endpoint
from idp.admin.choices import LinesField
from idp.templatetags.administration import state

FORMAT_WORDS = {
    vocabulary.PERSISTENT: "persistent: a random name that stays, another at every application",
    vocabulary.TRANSIENT: "transient: another random name each time",
    vocabulary.EMAIL_ADDRESS: "emailAddress: the verified e-mail address",
    vocabulary.UNSPECIFIED: "unspecified: the field named below",
}


class ServiceProviderForm(forms.ModelForm):
    """What an administrator decides; what the metadata says is imported."""

    acs_urls = LinesField(
        label="Assertion consumer services",
        help_text="Where responses are posted to, one address per line; the first is the default.",
    )
    default_name_id_format = forms.ChoiceField(
        label="NameID unless the request says otherwise",
        choices=[(one, FORMAT_WORDS[one]) for one in name_ids.SUPPORTED],
    )
    signature_algorithm = forms.ChoiceField(
        choices=[(name, name.upper()) for name in protection.ALGORITHMS]
    )

    class Meta:
        model = ServiceProvider
        fields = (
            *("default_name_id_format", "name_id_source", "want_authn_requests_signed"),
            *("sign_response", "sign_assertion", "encrypt_assertion", "signature_algorithm"),
            "changes_wait",
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["acs_urls"] = [
            one.get("url", "") for one in self.instance.assertion_consumer_services
        ]

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

    def clean(self) -> dict[str, Any]:
        """Something must be signed, and requests can only be verified with a key."""
        data = super().clean() or {}
        if not (data.get("sign_response") or data.get("sign_assertion")):
            self.add_error("sign_response", "Sign the response, the assertion, or both.")
        if data.get("want_authn_requests_signed") and not self.instance.signing_certificates:
            self.add_error(
                "want_authn_requests_signed",
                "No key of this service provider is known: import its metadata first.",
            )
        return data

    def save(self, commit: bool = True) -> ServiceProvider:
        """Keep binding and index of addresses that stay; new ones are POST addresses."""
        known = {one.get("url"): one for one in self.instance.assertion_consumer_services}
        self.instance.assertion_consumer_services = [
            {
                "binding": vocabulary.POST,
                "index": number,
                **known.get(url, {}),
                "url": url,
                "is_default": number == 0,
            }
            for number, url in enumerate(self.cleaned_data["acs_urls"])
        ]
        return super().save(commit)


class ServiceProviderInline(admin.StackedInline):
    """The SAML half on the application's page."""

    model = ServiceProvider
    form = ServiceProviderForm
    extra = 0
    max_num = 1
    can_delete = False
    template = "admin/half.html"
    verbose_name_plural = "SAML"
    readonly_fields = ("entity_id", "keys_shown", "metadata_shown")
    fieldsets: ClassVar = [
        ("Addresses", {"fields": ["entity_id", "acs_urls", "metadata_shown", "changes_wait"]}),
        ("NameID", {"fields": ["default_name_id_format", "name_id_source"]}),
        (
            "Signatures and encryption",
            {
                "fields": [
                    *("keys_shown", "want_authn_requests_signed"),
                    *("sign_response", "sign_assertion", "encrypt_assertion"),
                    "signature_algorithm",
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

    @admin.display(description="metadata")
    def metadata_shown(self, provider: ServiceProvider) -> SafeString:
        until = provider.metadata_valid_until
        words = f"valid until {until:%Y-%m-%d}" if until else "without an end"
        followed = Subscription.objects.select_related("source").filter(pk=provider.pk).first()
        origin = f"from {followed.source}" if followed else "given by hand, not refreshed"
        waits = provider.metadata_proposals.filter(state=MetadataProposal.State.WAITING).exists()
        return format_html(
            '{}, {} {}. <a href="{}">{}</a>',
            words.capitalize(),
            origin,
            state("failing", "bad") if followed and _error(followed) else "",
            reverse("admin:saml_metadata", args=[provider.pk]),
            "A change waits for you" if waits else "Refresh, errors, changes",
        )


def _error(followed: Subscription) -> str:
    return followed.error or followed.source.error


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
