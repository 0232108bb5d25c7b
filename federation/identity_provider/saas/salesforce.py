"""Salesforce with My Domain."""

from federation.identity_provider.saas.template import (
    Ours,
    Placeholder,
    Signs,
    Template,
    VendorField,
)
from federation.saml import vocabulary

TEMPLATE = Template(
    value="salesforce",
    title="Salesforce",
    documentation="https://help.salesforce.com/apex/HTViewHelpDoc?id=xcloud.sso_service_provider_configuration.htm",
    sources=(
        "https://help.salesforce.com/apex/HTViewHelpDoc?id=xcloud.sso_saml_assertion_examples.htm",
        "https://learn.microsoft.com/en-us/entra/identity/saas-apps/salesforce-tutorial",
    ),
    placeholders=(
        Placeholder(
            name="domain",
            label="My Domain name",
            example="acme",
            pattern=r"[a-z0-9](?:[a-z0-9-]{0,60}[a-z0-9])?(?:\.[a-z]+)?",
            problem="What stands before .my.salesforce.com, in lower case.",
            help="With a developer or sandbox org its addition too: acme-dev-ed.",
        ),
    ),
    entity_id="https://{domain}.my.salesforce.com",
    consumer="https://{domain}.my.salesforce.com",
    name_id_format=vocabulary.UNSPECIFIED,
    name_id_source="username",
    signs=Signs.YES,
    launch_url="https://{domain}.my.salesforce.com",
    fields=(
        VendorField("New from Metadata URL", Ours.METADATA),
        VendorField("Issuer", Ours.ENTITY_ID),
        VendorField("Identity Provider Certificate", Ours.CERTIFICATE),
        VendorField("Identity Provider Login URL", Ours.SIGN_ON),
        VendorField("Entity ID", "https://{domain}.my.salesforce.com"),
        VendorField(
            "SAML Identity Type", "Assertion contains the Federation ID from the User object"
        ),
        VendorField(
            "SAML Identity Location",
            "Identity is in the NameIdentifier element of the Subject statement",
        ),
    ),
    notes=(
        "The NameID is our user name: give each person's User object in Salesforce the same"
        " Federation ID, or change the NameID to what you use there.",
        "Salesforce signs its requests with the certificate chosen under Request Signing"
        " Certificate: enter it here, or every request is refused. Its metadata holds it too.",
    ),
)
