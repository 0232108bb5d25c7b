"""Our metadata, signed: the general document and one per service provider (SAML Metadata §2.4.3).

Prebuilt bytes with an ETag. Every process makes the same ones, anew whenever half of the time that
they are valid for has passed: a copy that is fetched now is good for at least the other half.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponseBase
from django.views.decorators.http import require_safe

from federation.identity_provider import entity, name_ids, publisher
from federation.models import ServiceProvider
from federation.saml import vocabulary
from federation.saml.metadata import identity_provider
from federation.saml.metadata.identity_provider import Contact, Endpoint, IdentityProvider
from idp import directory, keys
from idp.accounts import context, redirects
from idp.features import Feature
from idp.protocol.document import Document
from idp.protocol.errors import MethodNotAllowed
from idp.protocol.message import Request, Response

MEDIA_TYPE = "application/samlmetadata+xml"
CACHE_DURATION = timedelta(hours=6)
MAX_AGE_SECONDS = 300
# What strangers ask for is remembered: nothing longer than any of ours.
LONGEST_SLUG = 40


def metadata(request: Request) -> Response:
    """Answer with the general document, which suits every service provider."""
    if request.method != "GET":
        raise MethodNotAllowed(allow=("GET",))
    return document(None, now=request.now).respond(request)


@require_safe
def of_service_provider(http_request: HttpRequest, slug: str) -> HttpResponseBase:
    """Answer with the document of one service provider."""
    row = _row(slug) if len(slug) <= LONGEST_SLUG else None
    if row is None:
        raise Http404
    request = Request(
        method="GET",
        path=http_request.path,
        now=datetime.now(UTC),
        if_none_match=http_request.headers.get("If-None-Match", ""),
    )
    return redirects.to_django(document(row, now=request.now).respond(request))


def _row(slug: str) -> ServiceProvider | None:
    rows = ServiceProvider.objects.only(
        "slug", "want_authn_requests_signed", "default_name_id_format"
    )
    return directory.cached(("saml-slug", slug), lambda: rows.filter(slug=slug).first())


def document(service_provider: ServiceProvider | None, *, now: datetime) -> Document:
    """The document for a service provider, None for the general one."""
    half = settings.IDP.saml_metadata_lifetime / 2
    period = int(now.timestamp() // half.total_seconds())
    slug = service_provider.slug if service_provider else ""
    return directory.cached(
        ("saml-metadata", slug, period),
        lambda: _document(service_provider, ends=_end_of(period + 1, half)),
    )


def _end_of(period: int, half: timedelta) -> datetime:
    return datetime.fromtimestamp((period + 1) * half.total_seconds(), UTC)


def _document(service_provider: ServiceProvider | None, *, ends: datetime) -> Document:
    described = describe(service_provider, valid_until=ends)
    # The ID follows from the content, so that all processes give the same bytes.
    digest = hashlib.sha256(repr(described).encode()).hexdigest()[:40]
    signed = identity_provider.build(replace(described, id=f"_{digest}"), key=entity.signing_key())
    return Document.of(signed, media_type=MEDIA_TYPE, max_age=MAX_AGE_SECONDS)


def describe(
    service_provider: ServiceProvider | None, *, valid_until: datetime
) -> IdentityProvider:
    """Ourselves as a service provider should see us, None for all of them.

    Some take the first NameIDFormat for their wish, some demand that WantAuthnRequestsSigned
    equals what they do: for one that we know both are as it is registered.
    """
    address = entity.single_sign_on_url()
    help_url = context.help_url()
    return IdentityProvider(
        id="_",
        **publisher.facts(),
        entity_id=entity.entity_id(),
        single_sign_on=(
            Endpoint(vocabulary.REDIRECT, address),
            Endpoint(vocabulary.POST, address),
        ),
        signing_certificates=keys.saml_certificates(),
        valid_until=valid_until,
        cache_duration=CACHE_DURATION,
        name_id_formats=_formats(service_provider),
        want_authn_requests_signed=(
            service_provider is not None and service_provider.want_authn_requests_signed
        ),
        display_name=settings.IDP.site_name,
        contacts=_contacts(help_url),
        error_url=help_url if help_url.startswith("http") else "",
    )


def _formats(service_provider: ServiceProvider | None) -> tuple[str, ...]:
    """Every format, the service provider's own first."""
    own = [service_provider.default_name_id_format] if service_provider else []
    first = [one for one in own if one in name_ids.SUPPORTED]
    return tuple(dict.fromkeys((*first, *name_ids.SUPPORTED)))


def _contacts(help_url: str) -> tuple[Contact, ...]:
    technical = publisher.technical_contacts()
    if not help_url.startswith("mailto:"):
        return technical
    support = Contact(kind="support", email=help_url, given_name=settings.IDP.site_name)
    return (*technical, support)


FEATURE = Feature(
    name="SAML metadata",
    specification="SAML Metadata §4.1",
    routes={entity.METADATA_PATH: metadata},
)
