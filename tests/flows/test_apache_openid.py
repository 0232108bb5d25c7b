"""Debian's Apache with mod_auth_openidc signs people in at a real Gatehouse."""

from __future__ import annotations

from typing import Any

from tests.support.apache import Apache, variables
from tests.support.browser import Visitor
from tests.support.server import Gatehouse


def register(gatehouse: Gatehouse, apache: Apache, **more: Any) -> dict[str, Any]:
    """Register it by command alone."""
    return gatehouse.register_client(
        {"client_name": "Apache", "redirect_uris": [apache.redirect_uri], **more}
    )


def sign_in(visitor: Visitor, apache: Apache, gatehouse: Gatehouse) -> dict[str, str]:
    """Open the protected page as alice and read what the module knows."""
    page = visitor.page
    page.goto(apache.protected)
    visitor.sign_in("alice", gatehouse.password)
    page.click("#consent-allow")
    page.wait_for_url(apache.protected)
    return variables(page.content())


def test_signs_in_with_client_secret_basic(
    gatehouse: Gatehouse, apache: Apache, visitor: Visitor
) -> None:
    client = register(gatehouse, apache)
    apache.openid(
        issuer=gatehouse.issuer,
        client_id=client["client_id"],
        client_secret=client["client_secret"],
    )
    known = sign_in(visitor, apache, gatehouse)
    assert known["OIDC_CLAIM_iss"] == gatehouse.issuer
    assert known["OIDC_CLAIM_email"] == "alice@example.org"
    assert set(known["OIDC_CLAIM_groups"].split(",")) == {"staff", "users"}


def test_signs_in_with_client_secret_post(
    gatehouse: Gatehouse, apache: Apache, visitor: Visitor
) -> None:
    client = register(gatehouse, apache, token_endpoint_auth_method="client_secret_post")
    apache.openid(
        issuer=gatehouse.issuer,
        client_id=client["client_id"],
        client_secret=client["client_secret"],
        method="client_secret_post",
    )
    assert sign_in(visitor, apache, gatehouse)["OIDC_CLAIM_name"] == "Alice Archer"


def test_denied_consent_reaches_the_application_as_an_error(
    gatehouse: Gatehouse, apache: Apache, visitor: Visitor
) -> None:
    client = register(gatehouse, apache)
    apache.openid(
        issuer=gatehouse.issuer,
        client_id=client["client_id"],
        client_secret=client["client_secret"],
    )
    page = visitor.page
    page.goto(apache.protected)
    visitor.sign_in("bob", gatehouse.password)
    page.click("#consent-deny")
    page.wait_for_url(f"{apache.redirect_uri}**")
    assert "error=access_denied" in page.url
