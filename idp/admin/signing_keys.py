"""Keys: next, current and retired with their dates; a rotation explains itself first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from idp import key_rotation, keys, models
from idp.admin import audited
from idp.admin.read_only import ReadOnlyAdmin
from idp.admin_site import SeeOther, site

Purpose = models.SigningKey.Purpose
State = models.SigningKey.State
ORDER = (State.CURRENT, State.NEXT, State.RETIRED)
_ENCRYPTION = Purpose.OIDC_ENCRYPTION
_SAML_ENCRYPTION = Purpose.SAML_ENCRYPTION
TONES = {State.CURRENT: "good", State.NEXT: "", State.RETIRED: ""}


@dataclass(frozen=True)
class Document:
    """Something to download beside the keys of a purpose: metadata, the key set."""

    label: str
    url: str


@dataclass(frozen=True)
class Guide:
    """A page that leads through the rotation of a purpose, in place of ours."""

    label: str
    url: str


@dataclass(frozen=True)
class Use:
    """Who is signed for with a key before it is the current one: how many, and since when."""

    applications: int
    since: datetime | None


_documents: dict[str, Callable[[], list[Document]]] = {}
_guides: dict[str, Callable[[], Guide]] = {}
_uses: dict[str, Callable[[models.SigningKey], Use]] = {}


def add_documents(purpose: str, documents: Callable[[], list[Document]]) -> None:
    """Say what can be downloaded beside the keys of a purpose."""
    _documents[purpose] = documents


def add_guide(purpose: str, guide: Callable[[], Guide]) -> None:
    """Say which page leads through the rotation of a purpose."""
    _guides[purpose] = guide


def add_use(purpose: str, use: Callable[[models.SigningKey], Use]) -> None:
    """Say how to find out who is signed for with a next key of a purpose."""
    _uses[purpose] = use


def guide_of(ring: Ring) -> Guide:
    """Where the button beside a ring leads, and what it says."""
    if ring.purpose in _guides:
        return _guides[ring.purpose]()
    url = reverse("admin:idp_signingkey_rotate", args=[ring.purpose, ring.algorithm])
    return Guide(ring.step, url)


@dataclass
class Ring:
    """All keys of one purpose and algorithm."""

    purpose: str
    algorithm: str
    rows: list[models.SigningKey] = field(default_factory=list)

    @property
    def title(self) -> str:
        """Its name for people."""
        return f"{Purpose(self.purpose).label} {self.algorithm}"

    @property
    def has_next(self) -> bool:
        """Whether a key is published and waiting."""
        return any(row.state == State.NEXT for row in self.rows)

    @property
    def step(self) -> str:
        """What the next rotation does, for the button."""
        replaced = self.has_next or self.purpose == _ENCRYPTION
        return "Rotate" if replaced else "Publish the next key"

    @property
    def rotates_at(self) -> datetime | None:
        """When it rotates by itself; None if it waits for somebody to do it."""
        current = (row for row in self.rows if row.state == State.CURRENT)
        return next((key_rotation.rotates_at(row) for row in current), None)


def rings() -> list[Ring]:
    """The keys by purpose and algorithm, the current one first."""
    found: dict[tuple[str, str], Ring] = {}
    for row in models.SigningKey.objects.defer("private_key"):
        key = (row.purpose, row.algorithm)
        found.setdefault(key, Ring(row.purpose, row.algorithm)).rows.append(row)
    for ring in found.values():
        ring.rows.sort(key=lambda row: (ORDER.index(State(row.state)), -row.created_at.timestamp()))
    return list(found.values())


def not_after(row: models.SigningKey) -> datetime | None:
    """When the certificate of a SAML key expires."""
    if not row.certificate:
        return None
    return x509.load_pem_x509_certificate(row.certificate.encode()).not_valid_after_utc


@admin.register(models.SigningKey, site=site)
class SigningKeyAdmin(ReadOnlyAdmin):
    """What signs."""

    def get_urls(self) -> list[URLPattern]:
        guard = self.admin_site.admin_view
        return [
            path(
                "rotate/<str:purpose>/<str:algorithm>/",
                guard(self.rotate_view),
                name="idp_signingkey_rotate",
            ),
            path(
                "<uuid:key_id>/certificate/",
                guard(self.certificate_view),
                name="idp_signingkey_certificate",
            ),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """All keys on one page: there are few."""
        shown = [
            {"ring": ring, "keys": [_shown(row) for row in ring.rows], "guide": guide_of(ring)}
            for ring in rings()
        ]
        documents = [document for make in _documents.values() for document in make()]
        context = {
            **self.admin_site.each_context(request),
            "title": "Keys",
            "rings": shown,
            "documents": [Document("Key set (JWKS)", "/jwks"), *documents],
            "overlap": keys.overlap(),
        }
        return TemplateResponse(request, "admin/keys/list.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """A key has no page of its own."""
        return SeeOther(reverse("admin:idp_signingkey_changelist"))

    def rotate_view(self, request: HttpRequest, purpose: str, algorithm: str) -> HttpResponse:
        """Explain what one step does (GET), do it (POST)."""
        ring = next((r for r in rings() if (r.purpose, r.algorithm) == (purpose, algorithm)), None)
        if ring is None:
            raise Http404
        if purpose in _guides:
            return SeeOther(_guides[purpose]().url)
        if request.method == "POST":
            done = keys.rotate(purpose, algorithm) or "rotated"
            audited.record(
                f"key.{done}",
                request=request,
                details={"purpose": purpose, "algorithm": algorithm},
            )
            words = OPENS if purpose == _SAML_ENCRYPTION else DONE
            messages.success(request, words[done])
            return SeeOther(reverse("admin:idp_signingkey_changelist"))
        context = {
            **self.admin_site.each_context(request),
            "title": f"{ring.step}: {ring.title}" if ring.step == "Rotate" else ring.step,
            "ring": ring,
            "is_encryption": purpose == _ENCRYPTION,
            "is_saml_encryption": purpose == _SAML_ENCRYPTION,
            "decrypts_for": keys.DECRYPTS_FOR,
            "saml_decrypts_for": keys.SAML_DECRYPTS_FOR,
            "overlap": keys.overlap(),
        }
        return TemplateResponse(request, "admin/keys/rotate.html", context)

    def certificate_view(self, request: HttpRequest, key_id: Any) -> HttpResponse:
        """The certificate of a SAML key, PEM."""
        row = models.SigningKey.objects.defer("private_key").filter(pk=key_id).first()
        if row is None or not row.certificate:
            raise Http404
        response = HttpResponse(row.certificate, content_type="application/x-pem-file")
        name = f"gatehouse-saml-{row.state}-{row.kid[:8]}.pem"
        response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
        return response


DONE = {
    "published": "The next key is published. Rotate again when everybody has fetched it.",
    "rotated": "The next key signs now. The old one stays published until its last token expires.",
}
OPENS = {
    "published": "The next key is in our metadata. Rotate again when everybody has fetched it.",
    "rotated": "The old key has left our metadata, and still opens what arrives for 90 days.",
}


def _shown(row: models.SigningKey) -> dict[str, Any]:
    expires = not_after(row)
    soon = timezone.now() + timedelta(days=30)
    return {
        "row": row,
        "word": row.state,
        "tone": TONES[State(row.state)],
        "expires": expires,
        "expires_soon": bool(expires and expires < soon),
        "gone_at": keys.gone_at(row),
        "use": _use_of(row),
    }


def _use_of(row: models.SigningKey) -> Use | None:
    use = _uses.get(row.purpose) if row.state == State.NEXT else None
    return use(row) if use else None
