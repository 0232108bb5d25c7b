"""Forms about people: their profile with a typed address, and a password set on their behalf."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError

from idp import models
from idp.accounts import password as passwords
from idp.admin.choices import CheckboxList, ObjectField
from idp.claims.facts import ADDRESS_MEMBERS

ADDRESS_LABELS = {
    "formatted": "Whole address, as on an envelope",
    "street_address": "Street and number",
    "locality": "Town",
    "region": "Region",
    "postal_code": "Postal code",
    "country": "Country",
}
ADDRESS_FIELDS = tuple(f"address_{name}" for name in ADDRESS_MEMBERS)
NOBODY_LEFT = "Nobody would be left to administer Gatehouse."
NEW_PASSWORD = {"autocomplete": "new-password"}


def other_administrators(user: models.User) -> bool:
    """Whether somebody else could administer Gatehouse."""
    others = models.User.objects.filter(is_superuser=True, is_active=True)
    return others.exclude(pk=user.pk).exists()


class PasswordFields(forms.Form):
    """A new password, typed twice and checked against the rules."""

    password1 = forms.CharField(
        label="Password",
        strip=False,
        max_length=passwords.MOST_CHARACTERS,
        widget=forms.PasswordInput(attrs=NEW_PASSWORD),
    )
    password2 = forms.CharField(
        label="Password, once more", strip=False, widget=forms.PasswordInput(attrs=NEW_PASSWORD)
    )

    def __init__(self, *args: Any, user: models.User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean(self) -> dict[str, Any]:
        """Both the same, and acceptable for this person."""
        data = super().clean() or {}
        check_password(self, self.user)
        return data


def check_password(form: forms.BaseForm, user: models.User) -> None:
    """Add the errors of the two password fields of a form."""
    first = form.cleaned_data.get("password1") or ""
    second = form.cleaned_data.get("password2") or ""
    if not first and not second:
        return
    if first != second:
        form.add_error("password2", "The two do not match.")
        return
    try:
        passwords.validate(user, first)
    except ValidationError as error:
        form.add_error("password1", error)


class PersonForm(forms.ModelForm):
    """A person's account and profile; names and addresses are checked by the model."""

    attributes = ObjectField(
        label="Custom attributes",
        required=False,
        help_text='An object of your own, for claim mappings: {"department": "Sales"}.',
    )

    class Meta:
        model = models.User
        fields = (
            *("username", "email", "email_verified", "is_superuser", "groups"),
            *("name", "given_name", "family_name", "middle_name", "nickname"),
            *("profile", "picture", "website", "gender", "birthdate", "zoneinfo", "locale"),
            *("phone_number", "phone_number_verified", "attributes"),
        )
        widgets: ClassVar = {"groups": CheckboxList}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stored = self.instance.address if isinstance(self.instance.address, dict) else {}
        for name in ADDRESS_MEMBERS:
            self.fields[f"address_{name}"] = forms.CharField(
                label=ADDRESS_LABELS[name],
                required=False,
                max_length=500,
                widget=forms.Textarea(attrs={"rows": 3}) if name == "formatted" else None,
            )
            self.initial.setdefault(f"address_{name}", stored.get(name, ""))

    def clean_is_superuser(self) -> bool:
        """Somebody must be left who can come in here."""
        wanted: bool = self.cleaned_data["is_superuser"]
        if not wanted and self.instance.is_staff and not other_administrators(self.instance):
            raise ValidationError(NOBODY_LEFT)
        return wanted

    def clean(self) -> dict[str, Any]:
        """Put the parts of the address together; parts of other origin are kept."""
        data = super().clean() or {}
        stored = self.instance.address if isinstance(self.instance.address, dict) else {}
        others = {name: value for name, value in stored.items() if name not in ADDRESS_MEMBERS}
        typed = {name: data.get(f"address_{name}", "") for name in ADDRESS_MEMBERS}
        self.instance.address = {**{n: text for n, text in typed.items() if text}, **others}
        return data


class NewPersonForm(PersonForm):
    """The same with a password, which may also be set later."""

    password1 = forms.CharField(
        label="Password",
        required=False,
        strip=False,
        max_length=passwords.MOST_CHARACTERS,
        widget=forms.PasswordInput(attrs=NEW_PASSWORD),
        help_text="Without one, nobody can sign in to the account until you set it.",
    )
    password2 = forms.CharField(
        label="Password, once more",
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs=NEW_PASSWORD),
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        for name in ("username", "email", "name", "given_name", "family_name"):
            setattr(self.instance, name, data.get(name) or "")
        check_password(self, self.instance)
        return data


def rules() -> list[str]:
    """What a password must be, one sentence each."""
    return password_validation.password_validators_help_texts()
