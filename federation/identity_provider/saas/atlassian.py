"""Atlassian Cloud with Atlassian Guard."""

from federation.identity_provider.saas.template import (
    SEGMENT,
    MappedAttribute,
    Ours,
    Placeholder,
    Template,
    VendorField,
)
from federation.saml import vocabulary

_CLAIMS = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims"

TEMPLATE = Template(
    value="atlassian",
    title="Atlassian Cloud (Jira, Confluence)",
    documentation="https://support.atlassian.com/provisioning-users/docs/what-are-setup-options-for-provisioning-and-single-sign-on/",
    sources=(
        "https://support.atlassian.com/atlassian-cloud/kb/configure-atlassian-guard-saml-single-sign-on-and-user-provisioning-for-customer-accounts/",
        "https://learn.microsoft.com/en-us/entra/identity/saas-apps/atlassian-cloud-tutorial",
        "https://docs.pingidentity.com/configuration_guides/atlassian_cloud/config_saml_atlassiancloud_p1.html",
    ),
    placeholders=(
        Placeholder(
            name="id",
            label="Last part of the service provider entity URL",
            example="1a2b3c4d-5e6f-7a8b-9c0d-1e2f3a4b5c6d",
            pattern=SEGMENT,
            problem="What follows https://auth.atlassian.com/saml/.",
            help="Atlassian shows the URL once the identity provider's values are saved.",
        ),
    ),
    entity_id="https://auth.atlassian.com/saml/{id}",
    consumer="https://auth.atlassian.com/login/callback?connection=saml-{id}",
    name_id_format=vocabulary.EMAIL_ADDRESS,
    attributes=(
        MappedAttribute(name=f"{_CLAIMS}/givenname", key="given_name", required=True),
        MappedAttribute(name=f"{_CLAIMS}/surname", key="family_name", required=True),
        MappedAttribute(name=f"{_CLAIMS}/name", key="id", required=True),
    ),
    fields=(
        VendorField("Identity provider Entity ID", Ours.ENTITY_ID),
        VendorField("Identity provider SSO URL", Ours.SIGN_ON),
        VendorField("Public x509 certificate", Ours.CERTIFICATE),
    ),
    notes=(
        "The NameID must be the same address that provisioning sends as the work e-mail.",
        "The claim called name is an identifier that stays when the address changes.",
    ),
)
