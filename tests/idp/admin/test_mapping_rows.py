"""One row of a mapping as it is typed."""

from __future__ import annotations

import pytest

from idp.admin import kinds
from idp.admin.mapping_rows import MappingRowForm
from idp.models import ClaimMapping


def form(instance: ClaimMapping | None = None, **typed: str) -> MappingRowForm:
    data = {"position": "1", "source": "user", "key": "email", "transforms": "", **typed}
    return MappingRowForm(data, instance=instance, protocol=kinds.SAML)


@pytest.mark.parametrize(
    ("claim", "name_format", "is_fine"),
    [
        ("mail", "", False),
        ("eduPersonPrincipalName", "", False),
        ("mail", "basic", True),
        ("mail", "unspecified", True),
        ("urn:oid:0.9.2342.19200300.100.1.3", "", True),
        # Applications give such names to what they like; Microsoft's URIs are of use to its own.
        ("groups", "", True),
        ("User.Email", "", True),
    ],
)
def test_a_short_name_is_no_uri(claim: str, name_format: str, is_fine: bool) -> None:
    row = form(claim=claim, name_format=name_format)
    assert row.is_valid() is is_fine
    assert is_fine or "urn:oid:" in row.errors["claim"][0]


def test_what_stands_like_that_since_long_stays_until_it_is_touched() -> None:
    old = ClaimMapping(claim="mail", source="user", key="email", to_saml=True, position=1)
    old._state.adding = False
    assert form(old, claim="mail", key="name").is_valid()
    assert not form(old, claim="cn").is_valid()
