"""What was probably meant: said to administrators in the trace, never to the person."""

from __future__ import annotations

from dataclasses import replace

import pytest

from federation.identity_provider import near_misses
from idp import refusals
from idp.models import SignIn
from tests.support.saml import Party, SamlWorld


def variants(url: str) -> list[str]:
    host = url.removeprefix("https://")
    return [f"{url}/", f"http://{host}", f"https://{host.upper()}"]


@pytest.mark.parametrize("number", range(3))
def test_an_entity_id_that_is_nearly_right(saml: SamlWorld, party: Party, number: int) -> None:
    entity_id = "https://near.example/sp"
    party.change(entity_id=entity_id)
    wrong = replace(party.sp, entity_id=variants(entity_id)[number])
    text = wrong.text(identifier="_near")
    page = party.send_query(wrong.redirect(text, signed=False), saml.session)
    row = SignIn.objects.get()
    assert row.suggestion.startswith(f"Did you mean “{entity_id}”?")
    assert "Did you mean" not in page.body.decode()
    assert entity_id + "”" not in page.body.decode()


def test_an_unknown_entity_id_is_like_nothing(party: Party) -> None:
    wrong = replace(party.sp, entity_id="https://elsewhere.example/%")
    party.send_query(wrong.redirect(wrong.text(identifier="_far"), signed=False))
    assert "Did you mean" not in SignIn.objects.get().suggestion


def test_a_consumer_that_is_nearly_right(saml: SamlWorld, party: Party) -> None:
    page = party.redirect(saml.session, acs_url=party.sp.acs_url + "/")
    row = SignIn.objects.get()
    assert row.suggestion.startswith(f"Did you mean “{party.sp.acs_url}”?")
    assert row.trace[-1]["expected"] == f"{party.sp.acs_url} by HTTP-POST with index 0"
    assert "Did you mean" not in page.body.decode()


@pytest.mark.parametrize("received", ["", "\x00", "x" * 2_000])
def test_what_can_be_registered_nowhere_is_not_looked_for(received: str) -> None:
    assert near_misses.entity_id(received) == ""


def test_the_same_is_no_near_miss() -> None:
    assert near_misses.address("https://a.example", ["https://a.example"]) == ""


def test_a_flood_of_strangers_looks_nothing_up(
    party: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is too much for the trace costs no search either."""
    looked_for: list[str] = []
    monkeypatch.setattr(
        near_misses, "entity_id", lambda received: looked_for.append(received) or ""
    )
    wrong = replace(party.sp, entity_id="https://elsewhere.example/sp")
    party.send_query(wrong.redirect(wrong.text(identifier="_first"), signed=False))
    assert looked_for == [wrong.entity_id]
    monkeypatch.setattr(refusals, "is_bearable", lambda action, source: False)
    party.send_query(wrong.redirect(wrong.text(identifier="_second"), signed=False))
    assert looked_for == [wrong.entity_id]
