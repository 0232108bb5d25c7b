"""Our metadata, signed: the general document and one per service provider (SAML Metadata §2.4.3).

Prebuilt bytes with an ETag. Every process makes the same ones, anew whenever half of the time that
they are valid for has passed: a copy that is fetched now is good for at least the other half.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponseBase
from django.views.decorators.http import require_safe

from federation.identity_provider import entity, key_pins, metadata_fetches, name_ids, publisher
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
    served = _served(row, now=request.now)
    answer = redirects.to_django(served.document.respond(request))
    if metadata_fetches.holds_document(http_request, answer.status_code):
        metadata_fetches.recorder.note(row.pk, served.kids, http_request)
    return answer


def _row(slug: str) -> ServiceProvider | None:
    rows = ServiceProvider.objects.only(
        "slug", "want_authn_requests_signed", "default_name_id_format", "attribute_queries"
    )
    return directory.cached(("saml-slug", slug), lambda: rows.filter(slug=slug).first())


@dataclass(frozen=True, slots=True)
class _Served:
    """A document, and the kids of the keys in it."""

    document: Document
    kids: tuple[str, ...]


def document(service_provider: ServiceProvider | None, *, now: datetime) -> Document:
    """The document for a service provider, None for the general one."""
    return _served(service_provider, now=now).document


def _served(service_provider: ServiceProvider | None, *, now: datetime) -> _Served:
    half = settings.IDP.saml_metadata_lifetime / 2
    period = int(now.timestamp() // half.total_seconds())
    slug = service_provider.slug if service_provider else ""
    ring = keys.saml()
    kids = tuple(key.kid for key in (*ring.published, *ring.encryption))
    return directory.cached(
        ("saml-metadata", slug, period, kids),
        lambda: _Served(_document(service_provider, ends=_end_of(period + 1, half)), kids),
    )


def _end_of(period: int, half: timedelta) -> datetime:
    return datetime.fromtimestamp((period + 1) * half.total_seconds(), UTC)


def _document(service_provider: ServiceProvider | None, *, ends: datetime) -> Document:
    described = describe(service_provider, valid_until=ends)
    # The ID follows from the content, so that all processes give the same bytes.
    digest = hashlib.sha256(repr(described).encode()).hexdigest()[:40]
    key = entity.signing_key(service_provider)
    signed = identity_provider.build(replace(described, id=f"_{digest}"), key=key)
    return Document.of(signed, media_type=MEDIA_TYPE, max_age=MAX_AGE_SECONDS)


def describe(
    service_provider: ServiceProvider | None, *, valid_until: datetime
) -> IdentityProvider:
    """Ourselves as a service provider should see us, None for all of them.

    Some take the first NameIDFormat for their wish, some read the first certificate alone, some
    demand that WantAuthnRequestsSigned equals what they do: for one that we know all three are
    as they are for it.
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
        single_logout=(
            Endpoint(vocabulary.REDIRECT, entity.single_logout_url()),
            Endpoint(vocabulary.POST, entity.single_logout_url()),
            Endpoint(vocabulary.SOAP_BINDING, entity.single_logout_soap_url()),
        ),
        artifact_resolution=(Endpoint(vocabulary.SOAP_BINDING, entity.artifact_resolution_url()),),
        attribute_services=(
            (Endpoint(vocabulary.SOAP_BINDING, entity.attribute_service_url()),)
            if _may_ask(service_provider)
            else ()
        ),
        signing_certificates=_certificates(service_provider),
        encryption_certificates=keys.saml_encryption_certificates(),
        valid_until=valid_until,
        cache_duration=CACHE_DURATION,
        name_id_formats=_formats(service_provider),
        want_authn_requests_signed=(
            service_provider is not None and service_provider.want_authn_requests_signed
        ),
        display_name=settings.IDP.site_name,
        scopes=(settings.IDP.scope,) if settings.IDP.scope else (),
        contacts=_contacts(help_url),
        error_url=help_url if help_url.startswith("http") else "",
    )


def _may_ask(service_provider: ServiceProvider | None) -> bool:
    """Whether it may ask for attributes; for the general document, whether any may."""
    if service_provider is not None:
        return service_provider.attribute_queries
    return ServiceProvider.objects.filter(
        attribute_queries=True, application__enabled=True
    ).exists()


def _certificates(service_provider: ServiceProvider | None) -> tuple[str, ...]:
    """Every certificate to verify with, that of the key which signs for it first."""
    pinned = key_pins.kid_of(service_provider) if service_provider else ""
    first = keys.saml_signing(pinned).certificate
    return tuple(dict.fromkeys((first, *keys.saml_certificates())))


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
