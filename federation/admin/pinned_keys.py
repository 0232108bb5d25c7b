"""The field for pinned keys: certificates or public keys, pasted one after the other."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from federation.saml import errors, signature

MOST = 8
_BLOCK = re.compile(r"-----BEGIN (CERTIFICATE|PUBLIC KEY)-----.+?-----END \1-----", re.DOTALL)


class PinnedKeysField(forms.CharField):
    """PEM blocks, or the base64 of one certificate as metadata has it; gives a list of texts."""

    widget = forms.Textarea

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 40_000)
        super().__init__(**kwargs)
        self.widget.attrs |= {
            "rows": 5,
            "class": "code",
            "spellcheck": "false",
            "placeholder": "-----BEGIN CERTIFICATE-----",
        }

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, (list, tuple)) else value

    def to_python(self, value: Any) -> Any:
        text = (super().to_python(value) or "").strip()
        found = [one.group() for one in _BLOCK.finditer(text)]
        if text and not found:
            found = [text]
        elif _BLOCK.sub("", text).strip():
            raise ValidationError("There is more than certificates and public keys.")
        if len(found) > MOST:
            raise ValidationError(f"At most {MOST} keys.")
        for number, one in enumerate(found, start=1):
            try:
                signature.verification_key(one)
            except errors.InvalidMetadata as error:
                raise ValidationError(f"Key {number}: {error.description}") from None
        return found

    def validate(self, value: Any) -> None:
        """Whether one is needed is the form's to say."""

    def run_validators(self, value: Any) -> None:
        """The length was checked on the text."""

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return list(initial or []) != self.to_python(data)
        except ValidationError:
            return True
