"""Form fields that fit what we store: check box lists, one value per line, JSON objects, logos."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.template import loader
from django.utils.safestring import SafeString

from idp import logo
from idp.protocol import strict_json

MOST_LINES = 100
MOST_JSON = 256 * 1024
LARGEST_UPLOAD = 2 * 1024 * 1024


class CheckboxList(forms.CheckboxSelectMultiple):
    """A scrolling list of check boxes: no script, every choice in sight, a label each."""

    template_name = "admin/widgets/checks.html"

    def _render(self, template_name: str, context: Any, renderer: Any = None) -> SafeString:
        """From the project's templates: forms look elsewhere for theirs."""
        return loader.render_to_string(template_name, context)


class LinesField(forms.CharField):
    """A list of texts, typed one per line."""

    widget = forms.Textarea

    def __init__(self, *, rows: int = 3, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 60_000)
        super().__init__(**kwargs)
        self.widget.attrs |= {"rows": rows, "class": "code", "spellcheck": "false"}

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, (list, tuple)) else value

    def to_python(self, value: Any) -> Any:
        if isinstance(value, list):
            return value  # of a field that is disabled
        text = super().to_python(value) or ""
        lines = list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
        if len(lines) > MOST_LINES:
            raise ValidationError(f"At most {MOST_LINES} lines.")
        return lines

    def validate(self, value: Any) -> None:
        if self.required and not value:
            raise ValidationError(self.error_messages["required"], code="required")

    def run_validators(self, value: Any) -> None:
        """The length was checked on the text; what a line may be is the form's to say."""

    def has_changed(self, initial: Any, data: Any) -> bool:
        return list(initial or []) != self.to_python(data)


class ObjectField(forms.JSONField):
    """A JSON object; the error says where it breaks."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.widget.attrs |= {"rows": 6, "class": "code", "spellcheck": "false"}

    def to_python(self, value: Any) -> Any:
        if value in self.empty_values:
            return {}
        if isinstance(value, dict):
            return value
        try:
            json.loads(value)  # its errors say where
            found = strict_json.loads(value.encode(), max_bytes=MOST_JSON)
        except json.JSONDecodeError as error:
            place = f"line {error.lineno}, column {error.colno}"
            raise ValidationError(f"This is not JSON: {error.msg} at {place}.") from None
        except (ValueError, RecursionError):
            raise ValidationError("This is not JSON that everybody can read.") from None
        if not isinstance(found, dict):
            raise ValidationError('It must be an object: {"name": "value"}.')
        if "\\u0000" in json.dumps(found):
            raise ValidationError("It holds a NUL character.")
        return found

    def bound_data(self, data: Any, initial: Any) -> Any:
        """What was typed, to be shown again whatever it is."""
        return data

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, dict):
            return json.dumps(value, indent=2, ensure_ascii=False) if value else ""
        return value

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return (initial or {}) != self.to_python(data)
        except ValidationError:
            return True


class LogoField(forms.FileField):
    """An image, decoded and written anew so that nothing but pixels is kept."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.FileInput(attrs={"accept": "image/*"}))
        super().__init__(**kwargs)

    def clean(self, data: Any, initial: Any = None) -> Any:
        upload = super().clean(data, initial)
        if not upload or not hasattr(upload, "read"):
            return None
        if upload.size > LARGEST_UPLOAD:
            raise ValidationError("The image is larger than 2 MB.")
        return logo.rewritten(upload.read())


def choices_of(values: Sequence[str], words: dict[str, str]) -> list[tuple[str, str]]:
    """Choices out of a vocabulary, with words where there are some."""
    return [(value, words.get(value, value)) for value in values]
