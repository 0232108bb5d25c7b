"""Mapping rows as a form: claim ← source | transform | transform, where it goes, under which scope.

Each form checks itself with `idp.claims.mapping.parse_row`; `drafts()` gives the rows of an unsaved
form to the preview, those with errors as rows that deny their claim and say why.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.forms.models import BaseInlineFormSet, inlineformset_factory

from idp.admin import kinds, transform_text
from idp.claims import facts, mapping, saml_attributes, standard
from idp.claims.errors import MappingError
from idp.claims.mapping import Row
from idp.claims.transforms import TRANSFORMS
from idp.models import Application, ClaimMapping

MOST_ROWS = 100
PREFIX = "mappings"
OIDC_BOXES = ("to_id_token", "to_userinfo", "to_access_token")
NAME_FORMATS = (
    ("", "URI (usual)"),
    ("basic", "basic"),
    ("unspecified", "unspecified"),
)
_SHORT_FORMATS = {
    mapping.NAME_FORMAT_URI: "",
    mapping.NAME_FORMAT_BASIC: "basic",
    mapping.NAME_FORMAT_UNSPECIFIED: "unspecified",
}
TRANSFORM_EXAMPLES = (
    *("lower", "upper", "trim", "first", "unique", "sort", "to_bool", "to_int", "limit 10"),
    *("default unknown", "join ,", "split ,", "prefix app-", "strip_prefix app-"),
    *("filter_prefix app-", "filter_glob app-*", "map_table staff=editor, *=reader"),
    "template {given_name} {family_name}",
)
_LDAP = tuple(one for one in saml_attributes.KNOWN if one.uri.startswith("urn:oid:"))
# Where an error of parse_row is shown; others stand above the row.
_FIELDS = ("claim", "source", "key", "transforms", "scope", "name_format", "friendly_name")


class TransformsField(forms.CharField):
    """Transforms typed as `lower | split , | first`, kept as the list that is stored."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=transform_text.MAX_TEXT, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return value if isinstance(value, str) else transform_text.render(value)

    def to_python(self, value: Any) -> Any:
        return super().to_python(value) or ""

    def has_changed(self, initial: Any, data: Any) -> bool:
        return self.prepare_value(initial).strip() != str(data or "").strip()


class MappingRowForm(forms.ModelForm):
    """One row; which of its fields exist depends on the protocol of the application."""

    transforms = TransformsField(required=False)
    name_format = forms.ChoiceField(choices=NAME_FORMATS, required=False, label="Name format")

    class Meta:
        model = ClaimMapping
        fields = (
            *("position", "claim", "source", "key", "transforms", "scope"),
            *(*OIDC_BOXES, "name_format", "friendly_name"),
        )

    def __init__(
        self, *args: Any, protocol: str = kinds.OIDC, machine: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.protocol = protocol
        self.row: Row | None = None
        self.problem = ""
        unused = (
            ("scope", *OIDC_BOXES) if protocol == kinds.SAML else ("name_format", "friendly_name")
        )
        for name in unused:
            del self.fields[name]
        self._describe()
        if protocol == kinds.SAML:
            stored = self.instance.name_format or ""
            self.initial["name_format"] = _SHORT_FORMATS.get(stored, stored)
        elif self.instance._state.adding:
            ticked = ("to_access_token",) if machine else ("to_id_token", "to_userinfo")
            self.initial = {**self.initial, **dict.fromkeys(ticked, True)}

    def has_changed(self) -> bool:
        """An empty row stays empty, whatever is ticked in it."""
        changed = set(self.changed_data)
        if self.instance._state.adding:
            return bool(changed & {"claim", "key", "transforms"})
        return bool(changed)

    def _describe(self) -> None:
        """Attributes of the inputs: pickers, widths, no spell checking."""
        names = "known-attributes" if self.protocol == kinds.SAML else "known-claims"
        plain = {"spellcheck": "false", "autocomplete": "off"}
        self.fields["claim"].widget.attrs |= {**plain, "list": names}
        self.fields["key"].widget.attrs |= {**plain, "list": "known-keys"}
        self.fields["transforms"].widget.attrs |= {**plain, "list": "known-transforms"}
        self.fields["position"].required = False
        if "scope" in self.fields:
            self.fields["scope"].widget.attrs |= {**plain, "list": "known-scopes"}

    def clean(self) -> dict[str, Any]:
        """Check the whole row as it would be saved."""
        data = super().clean() or {}
        try:
            steps = transform_text.parse(data.get("transforms") or "")
        except transform_text.TransformTextError as error:
            self._refuse(str(error), "transforms")
            return data
        data["transforms"] = [step.as_json() for step in steps]
        try:
            self.row = mapping.parse_row(self.raw(data), position=data.get("position") or 0)
        except MappingError as error:
            self._refuse(_words(error, steps), error.field)
            return data
        self._demand_uri(self.row)
        return data

    def _demand_uri(self, row: Row) -> None:
        """LDAP's short names are no URIs, so that nobody would find them (SAML Core §8.2.2)."""
        if row.name_format != mapping.NAME_FORMAT_URI or self.protocol != kinds.SAML:
            return
        known = next((one for one in _LDAP if one.basic == row.claim), None)
        # What stands like that since long stays, until its name is touched.
        if known is not None and {"claim", "name_format"} & set(self.changed_data):
            words = f"As a URI it is called “{known.uri}”. By this name, choose the format basic."
            self._refuse(words, "claim")

    def raw(self, data: dict[str, Any]) -> dict[str, Any]:
        """The cleaned values as `parse_row` takes them."""
        raw = {name: data.get(name) for name in _FIELDS}
        if self.protocol == kinds.SAML:
            return {**raw, "to_saml": True}
        return {**raw, **{name: bool(data.get(name)) for name in OIDC_BOXES}}

    def _refuse(self, message: str, field: str) -> None:
        self.problem = self.problem or message
        where = field if field in self.fields else "to_id_token"
        self.add_error(where if where in self.fields else None, message)

    def save(self, commit: bool = True) -> ClaimMapping:
        self.instance.to_saml = self.protocol == kinds.SAML
        return super().save(commit)

    def draft(self) -> Row:
        """This row as it stands, for the preview; one with errors denies its claim."""
        if self.row is not None and not self.errors:
            return self.row
        data = getattr(self, "cleaned_data", {})
        boxes = {name for name in mapping.DESTINATIONS if data.get(f"to_{name}")}
        if self.protocol == kinds.SAML:
            boxes = {mapping.SAML}
        return Row(
            claim=str(data.get("claim") or "")[: mapping.MAX_CLAIM] or "(no name)",
            source=facts.CONSTANT,
            destinations=frozenset(boxes),
            broken=self.problem or "it has errors",
        )


def _words(error: MappingError, steps: list[transform_text.Step]) -> str:
    """The error without its row, which is where it is shown, and with its column."""
    meant = f" Did you mean “{error.suggestion}”?" if error.suggestion else ""
    column = transform_text.column_of(error, steps)
    return f"{f'Column {column}: ' if column else ''}{error.message}{meant}"


class MappingFormSet(BaseInlineFormSet):
    """The rows of one application."""

    def get_form_kwargs(self, index: int | None) -> dict[str, Any]:
        kind = self.instance.kind
        return {
            **super().get_form_kwargs(index),
            "protocol": kinds.protocol_of(kind),
            "machine": kind == Application.Kind.MACHINE,
        }

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        if form.instance._state.adding:
            number = 1 + (index if index is not None else len(self.forms))
            form.fields["position"].initial = number
        form.fields["DELETE"].label = "Remove"

    def in_order(self) -> list[Any]:
        """The forms that hold a row which stays, by position and then by place."""
        kept = [
            form
            for form in self.forms
            if (form.has_changed() or not form.instance._state.adding) and not _goes(form)
        ]
        return sorted(kept, key=_position)

    def save(self, commit: bool = True) -> Any:
        """Number the rows from 1 in the order that was typed."""
        for number, form in enumerate(self.in_order(), start=1):
            if form.instance.position != number:
                form.instance.position = number
                _count_as_changed(form)
        return super().save(commit)


def _goes(form: Any) -> bool:
    return bool(getattr(form, "cleaned_data", {}).get("DELETE"))


def _position(form: Any) -> int:
    value = getattr(form, "cleaned_data", {}).get("position")
    return value if isinstance(value, int) else MOST_ROWS + 1


def _count_as_changed(form: MappingRowForm) -> None:
    if "position" not in form.changed_data:
        form.changed_data.append("position")


Rows = inlineformset_factory(
    Application,
    ClaimMapping,
    form=MappingRowForm,
    formset=MappingFormSet,
    extra=1,
    max_num=MOST_ROWS,
    validate_max=True,
    can_delete=True,
)


@dataclass(frozen=True)
class Draft:
    """The unsaved rows, numbered as they would be saved, and what is wrong with them."""

    rows: tuple[Row, ...]
    problems: tuple[tuple[int, str, str], ...] = ()


def drafts(formset: Any) -> Draft:
    """The rows of a bound or unbound formset."""
    if not formset.is_bound:
        return Draft(mapping.stored_rows(formset.get_queryset()))
    formset.is_valid()
    rows, problems = [], []
    for number, form in enumerate(formset.in_order(), start=1):
        rows.append(_numbered(form.draft(), number))
        problems += [
            (number, field, str(message))
            for field, messages in form.errors.items()
            for message in messages
        ]
    return Draft(tuple(rows), tuple(problems))


def _numbered(row: Row, number: int) -> Row:
    return dataclasses.replace(row, position=number)


def pickers(
    protocol: str, *, attribute_names: Sequence[str], scopes: Sequence[str]
) -> dict[str, Any]:
    """What the input fields offer while typing (data lists)."""
    keys = [
        *((key, "profile") for key in facts.USER_KEYS),
        *((name, "custom attribute") for name in attribute_names),
        *((key, "session") for key in facts.SESSION_KEYS),
        *((key, "application") for key in facts.APPLICATION_KEYS),
    ]
    return {
        "known_claims": [claim for claim in standard.CLAIMS if protocol == kinds.OIDC],
        "known_attributes": saml_attributes.KNOWN if protocol == kinds.SAML else (),
        "known_keys": keys,
        "known_scopes": scopes,
        "known_transforms": TRANSFORM_EXAMPLES,
        "transform_help": TRANSFORMS.items(),
        "protocol": protocol,
    }
