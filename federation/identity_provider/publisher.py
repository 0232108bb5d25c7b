"""Who runs this identity provider, for our metadata: from the settings, and nothing made up.

Discovery pages and federations show it (SAML MDUI §2.1, SAML Metadata §2.3.2, SDP-MD08 to 12).
"""

from __future__ import annotations

from typing import Any

from django.conf import settings

from federation.saml.metadata.identity_provider import Contact, Logo, Organization


def facts() -> dict[str, Any]:
    """Members of IdentityProvider; what is not set is not there."""
    known = settings.IDP
    found: dict[str, Any] = {
        "description": known.saml_description,
        "information_url": known.information_url,
        "privacy_statement_url": known.privacy_url,
        "logo": _logo(known.saml_logo),
        "organization": _organization(known.organization_name, known.organization_url),
    }
    return {name: value for name, value in found.items() if value}


def technical_contacts() -> tuple[Contact, ...]:
    """Whom the operators of service providers ask."""
    address = settings.IDP.technical_contact
    if not address:
        return ()
    return (Contact(kind="technical", email=address, given_name=settings.IDP.site_name),)


def _logo(written: str) -> Logo | None:
    """The address and its size, as the setting has them: `https://… 120x60`."""
    if not written:
        return None
    url, _, size = written.rpartition(" ")
    width, _, height = size.partition("x")
    return Logo(url=url.strip(), width=int(width), height=int(height))


def _organization(name: str, url: str) -> Organization | None:
    if not name:
        return None
    # The schema demands an address; without a better one it is our own.
    address = url or settings.IDP.issuer
    return Organization(name=name, display_name=name, url=address)
