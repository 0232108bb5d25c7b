"""The wizard's pages for SaaS applications that are known: list → fill in → look → registered.

The list leads on to any other application too. What was filled in waits, sealed, for the
administrator's yes, on the page that metadata is looked at on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from federation.admin import certificates, saml_notices
from federation.admin.service_provider_form import FORMAT_WORDS
from federation.admin.summary import Fact, Summary, facts
from federation.identity_provider import first_sign_in
from federation.identity_provider.saas import catalogue, registration
from federation.identity_provider.saas.template import (
    Filled,
    MappedAttribute,
    Placeholder,
    Signs,
    Template,
)
from federation.models import ServiceProvider
from federation.saml import certificate, errors, vocabulary
from idp.admin import connect, kinds, one_time
from idp.admin_site import SeeOther, site

CERTIFICATE = "signing_certificate"


class SaasForm(forms.Form):
    """A name, the template's placeholders, and the key that its requests are signed with."""

    def __init__(self, template: Template, data: Any = None) -> None:
        super().__init__(data)
        self.template = template
        self.fields["name"] = forms.CharField(
            label="Name", max_length=120, initial=template.title, help_text="As people know it."
        )
        for placeholder in template.placeholders:
            self.fields[_field(placeholder)] = _placeholder_field(placeholder)
        if template.signs != Signs.NO:
            self.fields[CERTIFICATE] = forms.CharField(
                label="Its signing certificate",
                required=False,
                max_length=20_000,
                help_text=_certificate_help(template),
                widget=forms.Textarea(attrs={"rows": 4, "class": "code", "spellcheck": "false"}),
            )

    def clean(self) -> dict[str, Any]:
        """Each placeholder as the vendor writes it; the certificate one that can be used."""
        data = super().clean() or {}
        for placeholder in self.template.placeholders:
            value = data.get(_field(placeholder))
            if value is not None and not placeholder.fits(value):
                self.add_error(_field(placeholder), placeholder.problem)
        given = data.get(CERTIFICATE)
        if given:
            try:
                certificate.public_key(certificate.load(given))
            except errors.InvalidMetadata as error:
                self.add_error(CERTIFICATE, error.description)
        return data

    def draft(self) -> dict[str, Any]:
        """What waits for the yes."""
        data = self.cleaned_data
        values = {one.name: data[_field(one)] for one in self.template.placeholders}
        return {
            "template": self.template.value,
            "name": data["name"],
            "values": values,
            "signing": data.get(CERTIFICATE, ""),
        }


def _field(placeholder: Placeholder) -> str:
    return f"value_{placeholder.name}"


def _placeholder_field(placeholder: Placeholder) -> forms.CharField:
    return forms.CharField(
        label=placeholder.label,
        max_length=253,
        help_text=placeholder.help,
        widget=forms.TextInput(
            attrs={
                "placeholder": placeholder.example,
                "autocapitalize": "none",
                "spellcheck": "false",
            }
        ),
    )


def _certificate_help(template: Template) -> str:
    told = {
        Signs.YES: "It signs its requests: without this they are refused.",
        Signs.OPTION: "Only if signed requests are switched on there.",
    }
    return told.get(template.signs, "If it signs its requests; else they would be refused.")


def cards(request: HttpRequest) -> HttpResponse:
    """The list, narrowed by words."""
    words = request.GET.get("q", "")[:100]
    return connect.page(
        request,
        "admin/connect/saas.html",
        step=2,
        kind=kinds.get("saml"),
        found=catalogue.search(words),
        words=words,
    )


def fill_in(request: HttpRequest, template: str) -> HttpResponse:
    """The placeholders of one template."""
    chosen = _template(template)
    form = SaasForm(chosen, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        identifier = one_time.put(request, one_time.DRAFT, form.draft())
        return SeeOther(reverse("admin:connect_saas_review", args=[identifier]))
    response = connect.page(request, "admin/connect/saas_form.html", step=2, saas=chosen, form=form)
    response.status_code = 422 if form.errors else 200
    return response


def _template(value: str) -> Template:
    found = catalogue.find(value)
    if found is None:
        raise Http404
    return found


def review(request: HttpRequest, draft: str) -> HttpResponse:
    """Look at what would be registered (GET), say yes (POST)."""
    found = one_time.look(request, one_time.DRAFT, draft)
    template = catalogue.find(found.get("template", "")) if isinstance(found, Mapping) else None
    if template is None:
        return SeeOther(reverse("admin:connect_saas"))
    if request.method == "POST":
        try:
            done = registration.register(
                template,
                found["values"],
                signing=found["signing"],
                name=found["name"],
                actor=request.user.get_username(),
            )
        except errors.InvalidMetadata as error:
            messages.error(request, error.description)
            return SeeOther(reverse("admin:connect_saas_review", args=[draft]))
        one_time.drop(request, one_time.DRAFT, draft)
        return connect.registered(done.service_provider.application)
    return connect.page(
        request,
        "admin/connect/saml_review.html",
        step=2,
        kind=kinds.get("saml"),
        summary=_summary(template, found),
        back=reverse("admin:connect_saas_form", args=[template.value]),
    )


def _summary(template: Template, draft: Mapping[str, Any]) -> Summary:
    filled = template.fill(draft["values"])
    row = registration.drafted(template, filled, signing=draft["signing"])
    exists = ServiceProvider.objects.filter(entity_id=filled.entity_id).first()
    found = first_sign_in.look(
        row, metadata_xml="", now=timezone.now(), rows=registration.mapping_rows(template)
    )
    return Summary(
        filled.entity_id,
        exists,
        tuple(
            _changes(template, filled, draft, exists) if exists else _facts(template, filled, row)
        ),
        tuple(certificates.read("signing", row.signing_certificates)),
        (),
        notices=tuple(saml_notices.notices(found)),
    )


def _changes(
    template: Template, filled: Filled, draft: Mapping[str, Any], exists: ServiceProvider
) -> list[Fact]:
    """Of one that is registered what it would write, beside what there is."""
    return facts(registration.columns(template, filled, signing=draft["signing"]), exists)


def _facts(template: Template, filled: Filled, row: ServiceProvider) -> Iterator[Fact]:
    """The facts of a new one."""
    yield Fact("Assertion consumer services", _urls(row.assertion_consumer_services))
    yield Fact("NameID", _name_id(template))
    yield Fact("Attributes", "\n".join(_attribute(one) for one in template.rows))
    yield Fact("Signs its requests", template.signs)
    yield Fact("Single logout", _urls(row.single_logout_services) or "none")
    if template.starts_here is not None:
        yield Fact("Can be started from here", "yes" if template.starts_here else "no")
    if filled.metadata:
        yield Fact("Its own metadata", filled.metadata)
    yield Fact("Found at", "\n".join((template.documentation, *template.sources)))


def _urls(services: Iterable[Mapping[str, Any]]) -> str:
    return "\n".join(str(one.get("url")) for one in services)


def _name_id(template: Template) -> str:
    if template.name_id_format == vocabulary.UNSPECIFIED:
        return f"unspecified: {template.name_id_source}"
    return FORMAT_WORDS[template.name_id_format]


def _attribute(one: MappedAttribute) -> str:
    need = ", required" if one.required else ""
    return f"{one.name} from {one.source}.{one.key}{need}"


site.add_page("connect/saml/applications/", cards, name="connect_saas")
site.add_page("connect/saml/applications/<slug:template>/", fill_in, name="connect_saas_form")
site.add_page("connect/saml/applications/review/<str:draft>/", review, name="connect_saas_review")
