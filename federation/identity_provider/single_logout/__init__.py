"""Single logout, both ways (SAML Profiles §4.4): service providers ask, and service providers hear.

Asked: `endpoint` (through a browser) and `soap_responder` take LogoutRequests through `checks`;
`matching` finds whose sessions are meant; `reply` tells what became of it. Heard: `soap_channel`
and `browser_channel` are channels of `idp.accounts.logout_channels`, which keeps the one ledger of
both protocols; `arrival` takes the LogoutResponses that browsers bring back.
"""

from __future__ import annotations


def install() -> None:
    """Register the endpoints and the channels; called once at start."""
    from federation.identity_provider.single_logout import (
        browser_channel,
        endpoint,
        soap_channel,
    )
    from idp import features
    from idp.accounts.logout_channels import channels

    features.register(endpoint.FEATURE)
    channels.register_direct(channels.Channel.SAML_SOAP, soap_channel)
    channels.register_through_browser(channels.Channel.SAML_BROWSER, browser_channel)
