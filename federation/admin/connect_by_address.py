"""The wizard's page for metadata at an address: fetched, verified, looked at like any other."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from federation.admin import connect_saml
from federation.admin.metadata_source_form import TlsAloneField, check_trust
from federation.admin.pinned_keys import PinnedKeysField
from federation.identity_provider.metadata_sources import fetching, following
from federation.saml import errors
from federation.saml.metadata import service_provider
from idp import outbound
from idp.admin import connect, kinds, one_time
from idp.admin_site import site


class AddressForm(forms.Form):
    """A name, the address, and whose signature counts."""

    name = forms.CharField(
        label="Name",
        max_length=120,
        required=False,
        help_text="As people know it; left empty, the metadata's own name is taken.",
    )
    url = forms.CharField(
        label="Address of the metadata",
        max_length=1000,
        help_text="It is read now, and again on schedule.",
    )
    keys = PinnedKeysField(
        label="Pinned key",
        required=False,
        help_text=(
            "The certificate or public key (PEM) that the metadata is signed with, from elsewhere"
            " than the metadata itself. Then newer metadata is taken over by itself."
        ),
    )
    tls_alone = TlsAloneField()

    def clean_url(self) -> str:
        """An address that we may ask."""
        url: str = self.cleaned_data["url"].strip()
        try:
            outbound.check(url)
        except outbound.OutboundError as error:
            raise forms.ValidationError(f"This address cannot be asked: {error}.") from None
        return url

    def clean(self) -> dict[str, Any]:
        """A key or the explicit choice; then the document itself."""
        data = super().clean() or {}
        if "keys" not in self.errors:
            check_trust(self, data, "keys")
        if not self.errors:
            self._fetch(data)
        return data

    def _fetch(self, data: dict[str, Any]) -> None:
        now = timezone.now()
        try:
            self.document = following.fetch(data["url"], certificates=data["keys"], now=now)
            self.entity_ids = service_provider.entity_ids(self.document)
            if len(self.entity_ids) == 1:
                service_provider.parse(self.document, now=now)
        except (fetching.NotFetched, errors.InvalidMetadata) as error:
            self.add_error("url", getattr(error, "description", "") or str(error))


def begin(request: HttpRequest) -> HttpResponse:
    """Ask for the address; what is found there is looked at before it is registered."""
    form = AddressForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        response = connect.page(
            request, "admin/connect/saml_address.html", step=2, kind=kinds.get("saml"), form=form
        )
        response.status_code = 422 if form.errors else 200
        return response
    data = form.cleaned_data
    draft = {
        "name": data["name"],
        "entity_id": "",
        "acs_url": "",
        "xml": form.document.decode("utf-8", "replace"),
        "chosen": form.entity_ids[0] if len(form.entity_ids) == 1 else "",
        "url": data["url"],
        "keys": data["keys"],
    }
    return connect_saml.review_page(one_time.put(request, one_time.DRAFT, draft))


def address() -> str:
    """Where the page is."""
    return reverse("admin:connect_saml_address")


site.add_page("connect/saml/address/", begin, name="connect_saml_address")
