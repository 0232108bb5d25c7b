"""A Slack workspace with custom SAML."""

from federation.identity_provider.saas.template import (
    LABEL,
    MappedAttribute,
    Ours,
    Placeholder,
    Signs,
    Template,
    VendorField,
)
from federation.saml import vocabulary

TEMPLATE = Template(
    value="slack",
    title="Slack",
    documentation="https://slack.com/help/articles/205168057-Custom-SAML-single-sign-on",
    placeholders=(
        Placeholder(
            name="workspace",
            label="Workspace",
            example="acme",
            pattern=LABEL,
            problem="What stands before .slack.com, in lower case.",
        ),
    ),
    entity_id="https://slack.com",
    consumer="https://{workspace}.slack.com/sso/saml",
    name_id_format=vocabulary.PERSISTENT,
    attributes=(
        MappedAttribute(name="User.Email", key="email", required=True),
        MappedAttribute(name="User.Username", key="username"),
        MappedAttribute(name="first_name", key="given_name"),
        MappedAttribute(name="last_name", key="family_name"),
    ),
    signs=Signs.OPTION,
    starts_here=True,
    launch_url="https://{workspace}.slack.com",
    fields=(
        VendorField("SAML 2.0 Endpoint (HTTP)", Ours.SIGN_ON),
        VendorField("Identity Provider Issuer", Ours.ENTITY_ID),
        VendorField("Public Certificate", Ours.CERTIFICATE),
    ),
    notes=(
        "Slack does not take part in single logout.",
        "Every workspace calls itself https://slack.com unless another Service Provider Issuer is"
        " set under Advanced Options: a second workspace needs that.",
    ),
)
