"""A ServiceNow instance with Multi-Provider SSO."""

from federation.identity_provider.saas.template import (
    LABEL,
    Ours,
    Placeholder,
    Signs,
    Template,
    VendorField,
)
from federation.saml import vocabulary

TEMPLATE = Template(
    value="servicenow",
    title="ServiceNow",
    documentation="https://www.servicenow.com/docs/r/washingtondc/platform-security/authentication/generate-idp-metadata-sso.html",
    sources=(
        "https://www.servicenow.com/docs/r/zurich/platform-security/authentication/t_SetTheInstanceURL.html",
    ),
    placeholders=(
        Placeholder(
            name="instance",
            label="Instance",
            example="acme",
            pattern=LABEL,
            problem="What stands before .service-now.com, in lower case.",
        ),
    ),
    entity_id="https://{instance}.service-now.com",
    consumer="https://{instance}.service-now.com/navpage.do",
    more_consumers=("https://{instance}.service-now.com/consumer.do",),
    name_id_format=vocabulary.EMAIL_ADDRESS,
    signs=Signs.NO,
    logout="https://{instance}.service-now.com/navpage.do",
    launch_url="https://{instance}.service-now.com/navpage.do",
    fields=(VendorField("Import Identity Provider Metadata", Ours.METADATA),),
    notes=(
        "The field of the user table that is compared with the NameID is set in the properties of"
        " Multi-Provider SSO: it must hold the e-mail address.",
    ),
)
