"""Settings for a service provider ready to copy: addresses, certificate, common products."""

from __future__ import annotations

import json

from federation.admin import next_certificate, saas_sheet
from federation.identity_provider import entity, key_pins
from federation.identity_provider.saas import catalogue
from federation.models import ServiceProvider
from federation.saml import certificate, vocabulary
from idp import keys
from idp.admin.kinds import Setting, Sheet, Snippet
from idp.models import Application


def sheet(application: Application, secret: str) -> Sheet:
    """Everything that the other side's administrator needs."""
    provider = ServiceProvider.objects.get(pk=application.pk)
    template = catalogue.find(provider.template)
    found = saas_sheet.sheet(provider, template) if template else _sheet(provider)
    return next_certificate.beside(found, provider)


def _sheet(provider: ServiceProvider) -> Sheet:
    pem = keys.saml_signing(key_pins.kid_of(provider)).certificate.strip()
    metadata = entity.metadata_url(provider)
    rows: tuple[Setting, ...] = (
        Setting("Metadata address", metadata),
        Setting("Entity ID (issuer)", entity.entity_id()),
        Setting("Sign-on address", entity.single_sign_on_url()),
        Setting("Sign-out address", entity.single_logout_url()),
        Setting("Sign-out address for SOAP", entity.single_logout_soap_url()),
        Setting("NameID", provider.default_name_id_format),
        Setting("Entity ID of the application", provider.entity_id),
        Setting(
            "Fingerprint of the certificate (SHA-256)",
            certificate.fingerprint(certificate.load(pem)),
        ),
    )
    if provider.idp_initiated:
        rows = (*rows, Setting("Address to start it", entity.launch_url(provider)))
    if any(
        one.get("binding") == vocabulary.ARTIFACT for one in provider.assertion_consumer_services
    ):
        rows = (*rows, Setting("Artifact resolution (SOAP)", entity.artifact_resolution_url()))
    if provider.attribute_queries:
        rows = (*rows, Setting("Attribute queries (SOAP)", entity.attribute_service_url()))
    snippets = (
        Snippet("Certificate", pem),
        Snippet("curl", f"curl -o gatehouse-metadata.xml {metadata}"),
        _python3_saml(pem),
        _mellon(metadata),
        _shibboleth(metadata),
    )
    return Sheet(rows, snippets, (("Download the metadata", metadata),))


def _python3_saml(pem: str) -> Snippet:
    lines = pem.splitlines()
    values = {
        "idp": {
            "entityId": entity.entity_id(),
            "singleSignOnService": {
                "url": entity.single_sign_on_url(),
                "binding": vocabulary.REDIRECT,
            },
            "singleLogoutService": {
                "url": entity.single_logout_url(),
                "binding": vocabulary.REDIRECT,
            },
            "x509cert": "".join(lines[1:-1]),
        }
    }
    return Snippet("python3-saml", json.dumps(values, indent=2))


def _mellon(metadata: str) -> Snippet:
    text = f"""\
# curl -o /etc/apache2/gatehouse.xml {metadata}
MellonIdPMetadataFile /etc/apache2/gatehouse.xml
MellonUser NAME_ID"""
    return Snippet("Apache: mod_auth_mellon", text)


def _shibboleth(metadata: str) -> Snippet:
    text = f"""\
<SSO entityID="{entity.entity_id()}">SAML2</SSO>
<Logout>SAML2 Local</Logout>
<MetadataProvider type="XML" url="{metadata}" backingFilePath="gatehouse.xml"/>"""
    return Snippet("Shibboleth SP", text)
