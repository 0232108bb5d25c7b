"""What every answer has in common."""

from __future__ import annotations

from datetime import datetime

import pytest

from federation.saml import errors, status_response, vocabulary, xml


def build(now: datetime, **changes: str | None) -> xml.Element:
    members = {"destination": "https://sp.example/slo", "in_response_to": "_request", **changes}
    return status_response.new(
        "samlp:LogoutResponse",
        identifier="_a",
        issuer="https://idp.example",
        issue_instant=now,
        **members,
    )


def test_says_who_answers_what_where_and_when(now: datetime) -> None:
    element = build(now)
    status_response.add_status(element, (vocabulary.RESPONDER, vocabulary.PARTIAL_LOGOUT), "words")
    assert dict(element.attrib) == {
        "ID": "_a",
        "Version": "2.0",
        "IssueInstant": "2026-11-24T12:00:00Z",
        "Destination": "https://sp.example/slo",
        "InResponseTo": "_request",
    }
    xml.validate(element, schema="protocol")
    status = xml.child(element, "samlp:Status")
    outer = xml.child(status, "samlp:StatusCode")
    assert outer.get("Value") == vocabulary.RESPONDER
    assert xml.child(outer, "samlp:StatusCode").get("Value") == vocabulary.PARTIAL_LOGOUT
    assert xml.text(xml.child(status, "samlp:StatusMessage")) == "words"


def test_leaves_out_what_there_is_not(now: datetime) -> None:
    element = build(now, destination=None, in_response_to=None)
    assert set(element.attrib) == {"ID", "Version", "IssueInstant"}


@pytest.mark.parametrize("codes", [("a",), ("a", "b")])
def test_reads_the_codes(now: datetime, codes: tuple[str, ...]) -> None:
    element = build(now)
    status_response.add_status(element, codes)
    assert status_response.read_status(element) == codes


@pytest.mark.parametrize("codes", [None, (), ("a", "b", "c")])
def test_refuses_another_number_of_codes(now: datetime, codes: tuple[str, ...] | None) -> None:
    element = build(now)
    if codes is not None:
        status_response.add_status(element, codes)
    with pytest.raises(errors.InvalidMessage) as caught:
        status_response.read_status(element)
    assert caught.value.check == "status"
