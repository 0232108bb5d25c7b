"""Microsoft 365: a domain of Microsoft Entra ID that is federated with us."""

from federation.identity_provider.saas.template import (
    MappedAttribute,
    Ours,
    Signs,
    Template,
    VendorField,
)
from federation.saml import vocabulary

TEMPLATE = Template(
    value="microsoft-365",
    title="Microsoft 365",
    documentation="https://learn.microsoft.com/en-us/entra/identity/hybrid/connect/how-to-connect-fed-saml-idp",
    sources=(
        "https://learn.microsoft.com/en-us/graph/api/resources/samlorwsfedexternaldomainfederation",
    ),
    entity_id="urn:federation:MicrosoftOnline",
    consumer="https://login.microsoftonline.com/login.srf",
    name_id_format=vocabulary.PERSISTENT,
    attributes=(MappedAttribute(name="IDPEmail", key="email", required=True),),
    signs=Signs.OPTION,
    metadata="https://nexus.microsoftonline-p.com/federationmetadata/saml20/federationmetadata.xml",
    fields=(
        VendorField("issuerUri", Ours.ENTITY_ID),
        VendorField("passiveSignInUri", Ours.SIGN_ON),
        VendorField("signingCertificate", Ours.CERTIFICATE),
        VendorField("preferredAuthenticationProtocol", "saml"),
    ),
    notes=(
        "Each person's ImmutableID in Microsoft Entra ID must be the NameID that they get here: a"
        " random name that stays. The preview shows it after the first sign-in.",
        "IDPEmail is the person's User Principal Name there: it must be the same as the address"
        " here.",
        "Microsoft reads no metadata of ours: renew the certificate there before the key here is"
        " rotated.",
        "Importing Microsoft's own metadata brings its keys.",
    ),
)
