"""The part of an application that does not depend on its protocol."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms

from idp.admin.choices import CheckboxList, LogoField
from idp.models import Application

LOGO_TYPE = "image/png"


def unused(kind: str, origin: str) -> tuple[str, ...]:
    """Fields that mean nothing here: machines have no people, SAML knows no consent.

    Only what registered itself may be removed for not being used.
    """
    kept = () if origin == Application.Origin.DYNAMIC else ("keep",)
    if kind == Application.Kind.MACHINE:
        return ("access", "allowed_groups", "first_party", "launch_url", *kept)
    return ("first_party", *kept) if kind == Application.Kind.SAML else kept


class ApplicationForm(forms.ModelForm):
    """Name, logo, who may use it."""

    logo_upload = LogoField(
        label="Logo",
        required=False,
        help_text="PNG, JPEG, GIF or WebP up to 2 MB; shown when people sign in and consent.",
    )
    logo_remove = forms.BooleanField(label="Remove the logo", required=False)

    class Meta:
        model = Application
        fields = (
            *("name", "description", "launch_url", "contact", "owner", "keep"),
            *("access", "allowed_groups", "first_party"),
        )
        widgets: ClassVar = {"access": forms.RadioSelect, "allowed_groups": CheckboxList}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in unused(self.instance.kind, self.instance.origin):
            self.fields.pop(name, None)
        if not self.instance.logo_type:
            self.fields.pop("logo_remove", None)

    def clean(self) -> dict[str, Any]:
        """Open to groups means that there is one, or nobody could use it."""
        data = super().clean() or {}
        if data.get("access") == Application.Access.GROUPS and not data.get("allowed_groups"):
            self.add_error("allowed_groups", "Choose at least one group, or open it to nobody.")
        return data

    def save(self, commit: bool = True) -> Application:
        if self.cleaned_data.get("logo_upload"):
            self.instance.logo = self.cleaned_data["logo_upload"]
            self.instance.logo_type = LOGO_TYPE
        elif self.cleaned_data.get("logo_remove"):
            self.instance.logo, self.instance.logo_type = b"", ""
        return super().save(commit)
