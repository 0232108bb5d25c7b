"""The wizard's pages for SAML: metadata or two addresses → look before saving → registered.

What was given waits, sealed, for the administrator's yes. A document with several service providers
asks which one; one that is registered already is shown as a difference.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from federation.admin import saml_notices, saml_sheet, saml_trial, summary, uploads
from federation.admin.service_provider_form import ServiceProviderInline
from federation.identity_provider import registration
from federation.identity_provider.metadata_sources import following
from federation.models import MetadataEntity, MetadataSource, ServiceProvider
from federation.saml import errors, xml
from federation.saml.metadata import endpoint, service_provider
from idp.admin import connect, kinds, one_time
from idp.admin.kinds import Kind
from idp.admin_site import SeeOther, site
from idp.models import Application

LARGEST = xml.METADATA.size
TOO_LARGE = (
    f"The metadata is larger than {LARGEST // 1024 // 1024} MB;"
    " that of one service provider is a few kB."
)
TWO_WAYS = "Give the metadata, or the entity ID and one address."


class SamlForm(forms.Form):
    """A name, and either metadata (pasted or as a file) or two addresses.

    The text comes last: what stands before it survives a text that is too large to be read.
    """

    name = forms.CharField(
        label="Name",
        max_length=120,
        required=False,
        help_text="As people know it; left empty, the metadata's own name is taken.",
    )
    entity_id = forms.CharField(label="Entity ID", max_length=1024, required=False)
    acs_url = forms.CharField(
        label="Assertion consumer service (ACS URL)", max_length=2048, required=False
    )
    file = forms.FileField(label="Metadata file", required=False)
    xml = forms.CharField(
        label="or paste the metadata",
        required=False,
        strip=True,
        widget=forms.Textarea(
            attrs={
                "rows": 8,
                "class": "code",
                "spellcheck": "false",
                "placeholder": "<EntityDescriptor …",
            }
        ),
    )

    unread = ""
    """Why the text could not even be received, if so."""

    def clean(self) -> dict[str, Any]:
        """Read what was given as far as it can be read."""
        data = super().clean() or {}
        self.entity_ids: tuple[str, ...] = ()
        if self.unread:
            self.add_error("xml", self.unread)
            return data
        document = self._document(data)
        if self.errors:
            return data
        if document:
            self._read(document)
        else:
            self._check_addresses(data)
        data["document"] = document
        return data

    def _document(self, data: dict[str, Any]) -> bytes:
        """The bytes of the metadata; a file goes into the text field, so that nothing is lost."""
        upload = data.get("file")
        if upload is None:
            return str(data.get("xml") or "").encode()
        if upload.size > LARGEST:
            self.add_error("file", f"{TOO_LARGE} The file has {upload.size / 1024 / 1024:.1f} MB.")
            return b""
        content: bytes = upload.read()
        data_shown: Any = self.data
        self.data = data_shown.copy()
        self.data["xml"] = content.decode("utf-8", "replace")  # type: ignore[index]
        return content

    def _read(self, document: bytes) -> None:
        try:
            self.entity_ids = service_provider.entity_ids(document)
            if len(self.entity_ids) == 1:
                service_provider.parse(document, now=timezone.now())
        except errors.InvalidMetadata as error:
            self.add_error("xml", error.description)

    def _check_addresses(self, data: dict[str, Any]) -> None:
        if not data.get("entity_id") and not data.get("acs_url"):
            self.add_error(None, TWO_WAYS)
            return
        for field in ("entity_id", "acs_url"):
            if not data.get(field):
                self.add_error(field, "Both are needed where there is no metadata.")
        if data.get("acs_url"):
            try:
                endpoint.check(data["acs_url"].strip(), what="The address")
            except errors.InvalidMetadata as error:
                self.add_error("acs_url", error.description)


@csrf_exempt
def begin(request: HttpRequest) -> HttpResponse:
    """The address page; the form token is checked once the form is known to be readable."""
    lost = uploads.read_form(request, limit_field="xml")
    if lost is not None:
        form = SamlForm(lost)
        form.unread = TOO_LARGE
        return _page(request, form, status=413)
    return _begin(request)


@csrf_protect
def _begin(request: HttpRequest) -> HttpResponse:
    form = SamlForm(request.POST or None, request.FILES or None)
    if request.method != "POST" or not form.is_valid():
        return _page(request, form, status=422 if form.errors else 200)
    data = form.cleaned_data
    draft = {
        "name": data["name"],
        "entity_id": data["entity_id"].strip(),
        "acs_url": data["acs_url"].strip(),
        "xml": data["document"].decode("utf-8", "replace"),
        "chosen": form.entity_ids[0] if len(form.entity_ids) == 1 else "",
    }
    return review_page(one_time.put(request, one_time.DRAFT, draft))


def _page(request: HttpRequest, form: SamlForm, *, status: int) -> HttpResponse:
    response = connect.page(
        request, "admin/connect/saml.html", step=2, kind=kinds.get("saml"), form=form
    )
    response.status_code = status
    return response


def review_page(identifier: str) -> HttpResponse:
    """Where a draft is looked at."""
    return SeeOther(reverse("admin:connect_saml_review", args=[identifier]))


def review(request: HttpRequest, draft: str) -> HttpResponse:
    """Look at what would be registered (GET), choose among several, say yes (POST)."""
    found = one_time.look(request, one_time.DRAFT, draft)
    if found is None:
        return SeeOther(reverse("admin:connect_kind", args=["saml"]))
    several = _choices(found)
    if request.method == "POST" and several:
        chosen = request.POST.get("entity_id", "")
        if chosen in several:
            one_time.drop(request, one_time.DRAFT, draft)
            fresh = one_time.put(request, one_time.DRAFT, {**found, "chosen": chosen})
            return review_page(fresh)
    elif request.method == "POST":
        return _register(request, found, draft)
    facts: dict[str, Any] = {"several": several, "origin": _origin(found)}
    if not several:
        facts |= _summary(found)
    response = connect.page(
        request, "admin/connect/saml_review.html", step=2, kind=kinds.get("saml"), **facts
    )
    response.status_code = 422 if "problem" in facts else 200
    return response


def _choices(draft: dict[str, Any]) -> tuple[str, ...]:
    """The entity IDs to choose from, none where it is settled."""
    if not draft["xml"] or draft["chosen"]:
        return ()
    return service_provider.entity_ids(draft["xml"].encode())


def _summary(draft: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"summary": summary.of(draft)}
    except errors.InvalidMetadata as error:
        return {"problem": error.description}


def _register(request: HttpRequest, draft: dict[str, Any], identifier: str) -> HttpResponse:
    actor = request.user.get_username()
    try:
        if draft["xml"]:
            done = registration.register_from_metadata(
                draft["xml"].encode(),
                entity_id=draft["chosen"],
                name=draft["name"],
                actor=actor,
                valid_until=_end(draft),
            )
            _follow(draft, done.service_provider, actor=actor)
        else:
            done = registration.register(
                draft["entity_id"], draft["acs_url"], name=draft["name"], actor=actor
            )
    except errors.InvalidMetadata as error:
        messages.error(request, error.description)
        return review_page(identifier)
    one_time.drop(request, one_time.DRAFT, identifier)
    return connect.registered(done.service_provider.application)


def draft_of_entity(request: HttpRequest, entity: MetadataEntity) -> HttpResponse:
    """Look at a service provider of a source, in the wizard."""
    ends = registration.earlier(entity.valid_until, entity.source.valid_until)
    draft = {
        "name": "",
        "entity_id": "",
        "acs_url": "",
        "xml": entity.xml.decode(),
        "chosen": entity.entity_id,
        "source": entity.source_id.hex,
        "signed": entity.signed,
        "valid_until": ends.isoformat() if ends else "",
    }
    return review_page(one_time.put(request, one_time.DRAFT, draft))


def _origin(draft: dict[str, Any]) -> dict[str, Any]:
    """Where a draft comes from, and whether somebody vouches for it."""
    if draft.get("url"):
        plain = draft["url"].lower().startswith("http:")
        return {"name": draft["url"], "pinned": bool(draft["keys"]), "plain_http": plain}
    source = _source(draft)
    if source is None:
        return {}
    pinned = source.is_pinned and bool(draft.get("signed"))
    return {"name": source.name, "pinned": pinned, "plain_http": source.is_plain_http}


def _source(draft: dict[str, Any]) -> MetadataSource | None:
    if not draft.get("source"):
        return None
    return MetadataSource.objects.filter(pk=draft["source"]).first()


def _end(draft: dict[str, Any]) -> datetime | None:
    """The end that the document around the entity says."""
    return datetime.fromisoformat(draft["valid_until"]) if draft.get("valid_until") else None


def _follow(draft: dict[str, Any], provider: ServiceProvider, *, actor: str) -> None:
    """Let what was read from somewhere be read from there again."""
    source = _source(draft)
    if draft.get("url"):
        source = following.address(draft["url"], draft["keys"], now=timezone.now())
    if source is not None:
        following.subscribe(provider, source, actor=actor)


kinds.register(
    Kind(
        value=Application.Kind.SAML,
        protocol=kinds.SAML,
        title="SAML application",
        summary="People sign in; the application speaks SAML 2.0.",
        examples="SaaS, Shibboleth, Salesforce, AWS, older enterprise software",
        connect=begin,
        half=ServiceProviderInline,
        sheet=saml_sheet.sheet,
        test=saml_trial.begin,
        notices=saml_notices.of_application,
        waiting=saml_notices.waiting,
        start="admin:connect_saas",
    )
)
site.add_page("connect/saml/review/<str:draft>/", review, name="connect_saml_review")
