"""A metadata source as a form: where, whose key, how long valid, what of it."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms

from federation.admin.pinned_keys import PinnedKeysField
from federation.models import MetadataSource
from federation.saml import xml
from idp import outbound
from idp.admin.choices import LinesField

Kind = MetadataSource.Kind
TLS_ALONE = (
    "Pin a key, or choose below to trust TLS alone: then no change is taken over without a yes."
)


class TlsAloneField(forms.BooleanField):
    """The explicit choice to do without a pinned key."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            required=False,
            label="Trust TLS alone",
            help_text=(
                "Without a pinned key only the certificate of the web server says where metadata"
                " comes from; by plain http nothing does. Every change then waits for an"
                " administrator."
            ),
            **kwargs,
        )


class MetadataSourceForm(forms.ModelForm):
    """Everything that an administrator decides about a source."""

    signing_certificates = PinnedKeysField(
        label="Pinned keys",
        required=False,
        help_text=(
            "Certificates or public keys (PEM) of who signs the metadata, from elsewhere than the"
            " metadata itself. A document counts only if one of them signed the whole of it."
        ),
    )
    tls_alone = TlsAloneField()
    patterns = LinesField(
        label="Only these entity IDs",
        required=False,
        help_text="One pattern per line, * for anything. Empty: every service provider.",
    )
    file = forms.FileField(
        label="Metadata file",
        required=False,
        help_text="Up to 100 MB. For a file there is no refresh: send a newer one here.",
    )

    class Meta:
        model = MetadataSource
        fields = (
            *("name", "kind", "url", "file", "signing_certificates", "tls_alone"),
            *("longest_validity_days", "patterns", "by_digest"),
        )
        widgets: ClassVar = {"kind": forms.RadioSelect}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.created_at and not self.instance._state.adding:
            self.initial["tls_alone"] = not self.instance.signing_certificates

    def clean_file(self) -> Any:
        """Small enough to be read at all."""
        upload = self.cleaned_data["file"]
        if upload and upload.size > xml.AGGREGATE.size:
            raise forms.ValidationError("The file is larger than 100 MB.")
        return upload

    def clean_url(self) -> str:
        """An address that we may ask."""
        url: str = self.cleaned_data["url"].strip()
        if url:
            try:
                outbound.check(url)
            except outbound.OutboundError as error:
                raise forms.ValidationError(f"This address cannot be asked: {error}.") from None
        return url

    def clean(self) -> dict[str, Any]:
        """What the kind needs, and a key or the explicit choice to do without."""
        data = super().clean() or {}
        is_file = data.get("kind") == Kind.FILE
        if is_file and not data.get("file") and self.instance._state.adding and not self.errors:
            self.add_error("file", "Choose the file.")
        if not is_file and not data.get("url") and "url" not in self.errors:
            self.add_error("url", "Say where the metadata is.")
        if "signing_certificates" not in self.errors:
            check_trust(self, data, "signing_certificates")
        return data


def check_trust(form: forms.BaseForm, data: dict[str, Any], field: str) -> None:
    """Demand a pinned key, or the explicit choice."""
    if not data.get(field) and not data.get("tls_alone"):
        form.add_error(field, TLS_ALONE)
    elif data.get(field) and data.get("tls_alone"):
        form.add_error("tls_alone", "A key is pinned: choose one of the two.")
