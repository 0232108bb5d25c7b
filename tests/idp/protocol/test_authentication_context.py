"""Whether an authentication answers a request, decided from facts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from idp.protocol import authentication_context as context
from idp.protocol.authentication_context import AuthenticationRequirement as Requirement
from idp.protocol.errors import InvalidRequest

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


def ago(seconds: int) -> datetime:
    return NOW - timedelta(seconds=seconds)


def satisfied(
    requirement: Requirement, *, at: int, began: int | None = None, acr: str = "pwd"
) -> bool:
    return context.satisfied(
        requirement,
        authenticated_at=ago(at),
        proven_since=None if began is None else ago(began),
        acr=acr,
        now=NOW,
    )


def test_no_demands_any_session_will_do() -> None:
    assert satisfied(Requirement(), at=10**7)


@pytest.mark.standard("OIDC Core", "3.1.2.1", "prompt=login asks again, session or not")
@pytest.mark.standard("SAML Core", "3.4.1", "ForceAuthn asks again")
def test_force() -> None:
    force = Requirement(force=True)
    assert not satisfied(force, at=0)
    assert not satisfied(force, at=60, began=30)
    assert satisfied(force, at=30, began=30)
    assert satisfied(force, at=10, began=30)


@pytest.mark.standard("OIDC Core", "3.1.2.1", "max_age against the time of the authentication")
def test_max_age() -> None:
    minute = Requirement(max_age=timedelta(seconds=60))
    assert satisfied(minute, at=60)
    assert not satisfied(minute, at=61)
    assert satisfied(minute, at=300, began=300)
    assert not satisfied(minute, at=301, began=300)


@pytest.mark.standard("OIDC Core", "3.1.2.1", "max_age=0 is prompt=login")
def test_max_age_zero_is_force() -> None:
    zero = Requirement(max_age=timedelta(0))
    assert not satisfied(zero, at=0)
    assert not satisfied(zero, at=40, began=30)
    assert satisfied(zero, at=20, began=30)


@pytest.mark.standard("OIDC Core", "5.5.1.1", "an essential acr must be met, a wish need not")
def test_essential_acr() -> None:
    wish = Requirement(acr_values=("mfa",))
    demand = Requirement(acr_values=("mfa",), essential_acr=True)
    assert satisfied(wish, at=0)
    assert not satisfied(demand, at=0)
    assert satisfied(demand, at=0, acr="mfa")
    assert satisfied(demand, at=0, acr="phr")
    assert not satisfied(Requirement(force=True, acr_values=("mfa",)), at=0, acr="mfa")


def test_ladder() -> None:
    assert context.ACR_LADDER == ("pwd", "mfa", "phr")
    for high, one in enumerate(context.ACR_LADDER):
        for low, other in enumerate(context.ACR_LADDER):
            assert context.satisfies(one, other) is (high >= low)
    assert context.satisfies("urn:x", "urn:x")
    assert not context.satisfies("phr", "urn:x")
    assert not context.satisfies("urn:x", "pwd")
    assert not context.satisfies("", "")


def test_reachable() -> None:
    assert context.reachable((), best="pwd")
    assert context.reachable(("urn:x", "pwd"), best="pwd")
    assert not context.reachable(("urn:x", "mfa"), best="pwd")


@pytest.mark.standard("OIDC Core", "5.5.1.1", "the acr stated is one of those asked for")
def test_released_acr() -> None:
    assert context.released_acr("mfa") == "mfa"
    assert context.released_acr("mfa", ("pwd",)) == "pwd"
    assert context.released_acr("mfa", ("phr", "mfa", "pwd")) == "mfa"
    assert context.released_acr("pwd", ("mfa",)) == "pwd"


@pytest.mark.standard("SAML Core", "3.3.2.2.1", "classes that we can state")
def test_saml_classes() -> None:
    password = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
    assert context.saml_class("pwd") == password
    assert (
        context.saml_class("mfa") == context.saml_class("phr") == "https://refeds.org/profile/mfa"
    )
    assert context.saml_class("urn:x") == password
    assert context.acr_of_saml_class(password) == "pwd"
    assert context.acr_of_saml_class("https://refeds.org/profile/mfa") == "mfa"
    assert context.acr_of_saml_class("urn:x") is None


@pytest.mark.standard("OIDC Core", "3.1.2.1", "prompt: none stands alone, unknown is ignored")
def test_prompt() -> None:
    assert context.parse_prompt(None) == frozenset()
    assert context.parse_prompt("none") == {"none"}
    assert context.parse_prompt("login consent login") == {"login", "consent"}
    assert context.parse_prompt("create select_account") == {"select_account"}
    for value in ("none login", "login none", "none create"):
        with pytest.raises(InvalidRequest, match="none"):
            context.parse_prompt(value)


@pytest.mark.standard("OIDC Core", "3.1.2.1", "max_age is a number of seconds")
def test_max_age_syntax() -> None:
    assert context.parse_max_age(None) is None
    assert context.parse_max_age("0") == timedelta(0)
    assert context.parse_max_age("3600") == timedelta(hours=1)
    for value in ("-1", "1.5", "x", " 1", "1e3", "9" * 10, "\u0663", "+1", ""):
        with pytest.raises(InvalidRequest, match="max_age"):
            context.parse_max_age(value)


def test_acr_values() -> None:
    assert context.parse_acr_values(None) == ()
    assert context.parse_acr_values("mfa  pwd mfa") == ("mfa", "pwd")
