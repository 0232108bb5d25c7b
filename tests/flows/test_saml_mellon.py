"""Debian's mod_auth_mellon asks for more than a plain sign-in, in a browser."""

from __future__ import annotations

import re

import requests

from tests.support.apache import Apache, variables
from tests.support.browser import Visitor
from tests.support.person import TIMEOUT
from tests.support.server import Gatehouse

PASSWORD_CLASS = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"


def start(apache: Apache, gatehouse: Gatehouse, *, extra: str = "") -> dict[str, str]:
    """Exchange metadata both ways; returns what the registration printed."""
    metadata = requests.get(gatehouse.url("/saml/metadata"), timeout=TIMEOUT).text
    apache.mellon(idp_metadata=metadata, extra=extra)
    own = requests.get(f"{apache.address}/mellon/metadata", timeout=TIMEOUT).text
    return gatehouse.register_service_provider(own)


def sign_in(apache: Apache, gatehouse: Gatehouse, visitor: Visitor) -> dict[str, str]:
    """Open the protected page as alice; returns the variables that Apache knows."""
    page = visitor.page
    page.goto(apache.protected)
    visitor.sign_in("alice", gatehouse.password)
    page.wait_for_url(apache.protected)
    return variables(page.content())


def test_decrypts_and_knows_every_usual_attribute(
    gatehouse: Gatehouse, apache: Apache, visitor: Visitor
) -> None:
    start(apache, gatehouse)
    known = sign_in(apache, gatehouse, visitor)
    assert re.fullmatch(r"_[0-9a-f]{40}", known["MELLON_NAME_ID"])
    assert known["MELLON_urn:oid:0.9.2342.19200300.100.1.3"] == "alice@example.org"
    groups = {value for name, value in known.items() if "1.3.6.1.4.1.5923.1.5.1.1" in name}
    assert {"staff", "users"} <= groups


def test_its_own_metadata_url_works_too(
    gatehouse: Gatehouse, apache: Apache, visitor: Visitor
) -> None:
    registered = start(apache, gatehouse)
    metadata = requests.get(registered["metadata_url"], timeout=TIMEOUT).text
    apache.stop()
    apache.mellon(idp_metadata=metadata)
    own = requests.get(f"{apache.address}/mellon/metadata", timeout=TIMEOUT).text
    assert gatehouse.register_service_provider(own)["metadata_url"] == registered["metadata_url"]
    assert sign_in(apache, gatehouse, visitor)["MELLON_NAME_ID"]


def test_an_authentication_context_that_is_reached(
    gatehouse: Gatehouse, apache: Apache, visitor: Visitor
) -> None:
    start(apache, gatehouse, extra=f'MellonAuthnContextClassRef "{PASSWORD_CLASS}"')
    assert sign_in(apache, gatehouse, visitor)["MELLON_NAME_ID"]


def test_one_that_is_not_reached_ends_there(
    gatehouse: Gatehouse, apache: Apache, visitor: Visitor
) -> None:
    start(apache, gatehouse, extra='MellonAuthnContextClassRef "https://refeds.org/profile/mfa"')
    visitor.page.goto(apache.protected)
    visitor.page.wait_for_url(f"{apache.address}/mellon/postResponse")
    assert "NoAuthnContext" in apache.log


def test_a_silent_question(gatehouse: Gatehouse, apache: Apache, visitor: Visitor) -> None:
    start(apache, gatehouse)
    silent = f"{apache.address}/mellon/login?ReturnTo={apache.protected}&IsPassive=true"
    visitor.page.goto(silent)
    visitor.page.wait_for_url(f"{apache.address}/mellon/postResponse")
    assert "NoPassive" in apache.log
    sign_in(apache, gatehouse, visitor)
    visitor.context.clear_cookies(name="mellon-cookie")
    visitor.page.goto(silent)
    visitor.page.wait_for_url(apache.protected)
    assert variables(visitor.page.content())["MELLON_NAME_ID"]
