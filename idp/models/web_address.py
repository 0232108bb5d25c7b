"""An http or https address typed by a person; without a scheme it means https."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db import models


class WebAddressField(models.URLField):
    """A URLField whose form field assumes https, as Django 6 will."""

    def formfield(self, **kwargs: Any) -> forms.Field | None:
        return super().formfield(**{"assume_scheme": "https", **kwargs})
