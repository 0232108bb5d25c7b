"""The registry of channels: what hangs on whether one is there."""

from __future__ import annotations

from typing import Any

import pytest

from idp.accounts.logout_channels import backchannel, channels
from tests.support.factories import ClientFactory, ServiceProviderFactory

REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
SOAP = "urn:oasis:names:tc:SAML:2.0:bindings:SOAP"


def test_both_protocols_are_there() -> None:
    assert set(channels.direct()) == {"backchannel", "saml-soap"}
    assert set(channels.through_browser()) == {"saml-browser"}
    assert channels.direct()["backchannel"] is backchannel


@pytest.mark.parametrize(
    ("fields", "needed"),
    [({}, False), ({"frontchannel_logout_uri": "https://app.example/out"}, True)],
)
def test_clients_that_need_the_browser(fields: dict[str, Any], needed: bool) -> None:
    assert channels.needs_browser(ClientFactory(**fields).application) is needed


@pytest.mark.parametrize(
    ("bindings", "needed"),
    [((), False), ((REDIRECT,), True), ((REDIRECT, SOAP), False), (("urn:other",), False)],
)
def test_service_providers_that_need_the_browser(bindings: tuple[str, ...], needed: bool) -> None:
    services = [{"binding": one, "url": "https://sp.example/slo"} for one in bindings]
    row = ServiceProviderFactory(single_logout_services=services)
    assert channels.needs_browser(row.application) is needed
