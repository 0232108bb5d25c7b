"""RequestedAuthnContext against the ladder."""

from __future__ import annotations

import pytest

from federation.identity_provider import authn_context
from federation.identity_provider.authn_context import REFEDS_SFA, UNSPECIFIED, Demand
from federation.saml import errors
from federation.saml.authn_request import RequestedAuthnContext
from idp.protocol.authentication_context import SAML_MFA, SAML_PASSWORD

KERBEROS = "urn:oasis:names:tc:SAML:2.0:ac:classes:Kerberos"


def test_without_one_nothing_is_demanded() -> None:
    assert authn_context.demanded(None) == Demand()
    assert Demand().acr_values() == ()
    assert authn_context.stated("pwd", Demand()) == SAML_PASSWORD
    assert authn_context.stated("mfa", Demand()) == SAML_MFA


@pytest.mark.parametrize(
    ("comparison", "classes", "acr_values"),
    [
        ("exact", (SAML_PASSWORD,), ("pwd",)),
        ("exact", (SAML_MFA, SAML_PASSWORD), ("mfa", "pwd")),
        ("exact", (KERBEROS, SAML_PASSWORD), ("pwd",)),
        ("exact", (UNSPECIFIED,), ("pwd",)),
        ("exact", (REFEDS_SFA,), ("pwd",)),
        ("minimum", (SAML_PASSWORD,), ("pwd",)),
        ("minimum", (SAML_MFA,), ("mfa",)),
        ("better", (SAML_PASSWORD,), ("mfa",)),
        ("better", (SAML_MFA,), ("phr",)),
        ("maximum", (SAML_MFA,), ("pwd",)),
    ],
)
def test_what_is_demanded(
    comparison: str, classes: tuple[str, ...], acr_values: tuple[str, ...]
) -> None:
    demand = authn_context.demanded(RequestedAuthnContext(comparison, classes))
    assert demand.acr_values() == acr_values


@pytest.mark.parametrize("comparison", ["exact", "minimum", "maximum", "better"])
@pytest.mark.parametrize("classes", [(), (KERBEROS,), ("",), ("urn:example:anything",)])
def test_nothing_that_we_can_state(comparison: str, classes: tuple[str, ...]) -> None:
    with pytest.raises(errors.NoAuthnContext):
        authn_context.demanded(RequestedAuthnContext(comparison, classes))


def test_a_declaration_cannot_be_met() -> None:
    asked = RequestedAuthnContext("exact", (), ("https://example.org/declaration",))
    with pytest.raises(errors.NoAuthnContext):
        authn_context.demanded(asked)


@pytest.mark.parametrize(
    ("acr", "demand", "stated"),
    [
        ("pwd", Demand("exact", (SAML_PASSWORD,)), SAML_PASSWORD),
        ("pwd", Demand("exact", (SAML_MFA, SAML_PASSWORD)), SAML_PASSWORD),
        ("mfa", Demand("exact", (SAML_MFA, SAML_PASSWORD)), SAML_MFA),
        ("mfa", Demand("exact", (SAML_PASSWORD,)), SAML_PASSWORD),
        ("pwd", Demand("exact", (UNSPECIFIED,)), UNSPECIFIED),
        ("pwd", Demand("exact", (REFEDS_SFA,)), REFEDS_SFA),
        ("mfa", Demand("minimum", (SAML_PASSWORD,)), SAML_MFA),
        ("mfa", Demand("maximum", (SAML_PASSWORD,)), SAML_PASSWORD),
        ("pwd", Demand("maximum", (SAML_MFA,)), SAML_PASSWORD),
        ("phr", Demand("better", (SAML_PASSWORD,)), SAML_MFA),
    ],
)
def test_what_is_stated(acr: str, demand: Demand, stated: str) -> None:
    assert authn_context.stated(acr, demand) == stated


def test_single_factor_is_stated_only_where_passwords_are_long_enough(settings) -> None:
    settings.IDP = settings.IDP.model_copy(update={"password_minimum_length": 8})
    with pytest.raises(errors.NoAuthnContext):
        authn_context.demanded(RequestedAuthnContext("exact", (REFEDS_SFA,)))
