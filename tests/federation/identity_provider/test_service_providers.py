"""Service providers as requests find them."""

from __future__ import annotations

from typing import Any

import pytest

from federation.identity_provider import service_providers
from federation.saml import errors, vocabulary
from idp import directory
from tests.support.saml import Party, SamlWorld


def test_finds_by_the_exact_entity_id(saml: SamlWorld, party: Party) -> None:
    known = service_providers.find(party.sp.entity_id)
    assert known is not None
    assert known.entity_id == party.sp.entity_id
    assert known.application == party.row.application
    assert len(known.signing_keys) == 1
    assert service_providers.find(party.sp.entity_id) is known


@pytest.mark.parametrize("entity_id", ["", "x" * 1025, "a\x00b", "https://nobody.example"])
def test_finds_nothing(saml: SamlWorld, entity_id: str) -> None:
    assert service_providers.find(entity_id) is None


def test_what_changes_is_found_anew(saml: SamlWorld, party: Party) -> None:
    before = service_providers.find(party.sp.entity_id)
    party.change(signing_certificates=[])
    after = service_providers.find(party.sp.entity_id)
    assert before is not None
    assert after is not None
    assert (len(before.signing_keys), len(after.signing_keys)) == (1, 0)
    party.change_application(enabled=False)
    disabled = service_providers.find(party.sp.entity_id)
    assert disabled is not None
    assert not disabled.application.enabled
    party.row.application.delete()
    assert service_providers.find(party.sp.entity_id) is None


def test_what_strangers_ask_for_is_remembered_by_its_digest(saml: SamlWorld) -> None:
    service_providers.find("https://nobody.example/" + "x" * 900)
    keys = [key for key in directory._entries if key[0] == "service-provider"]
    assert all(len(key[1]) == 32 for key in keys)


@pytest.mark.parametrize(
    "broken",
    [
        {"assertion_consumer_services": [{"url": "javascript:alert(1)"}]},
        {"assertion_consumer_services": [{"url": "http://sp.example/acs"}]},
        {"assertion_consumer_services": [{"binding": vocabulary.POST}]},
        {"signing_certificates": ["not a certificate"]},
    ],
)
def test_a_row_that_could_not_be_registered_is_answered_with_a_page(
    saml: SamlWorld, party: Party, broken: dict[str, Any]
) -> None:
    party.change(**broken)
    with pytest.raises(errors.InvalidMetadata):
        service_providers.find(party.sp.entity_id)
    answer = party.redirect(saml.session)
    assert answer.status == 400
    assert b"SAMLResponse" not in answer.body


def test_one_without_an_address_gets_a_page(saml: SamlWorld, party: Party) -> None:
    party.change(assertion_consumer_services=[])
    assert party.redirect(saml.session).status == 400
