"""Where a Response goes: only to what is registered, exactly."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from federation.saml import assertion_consumer_service, authn_request, errors, vocabulary
from federation.saml.assertion_consumer_service import AssertionConsumerService

URL = "https://sp.example/acs"
ARTIFACT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact"
ONE = AssertionConsumerService(URL, index=0)
TWO = AssertionConsumerService("https://sp.example/acs2", index=1)
THREE = AssertionConsumerService("https://sp.example/artifact", ARTIFACT, index=2, is_default=True)


def request(**members: Any) -> authn_request.AuthnRequest:
    return authn_request.AuthnRequest(
        id="_a", issuer="urn:sp", issue_instant=datetime.now(UTC), signed=False, **members
    )


@pytest.mark.standard("SAML Core", "3.4.1", "the assertion consumer service of the request")
@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (None, ONE),
        (request(), ONE),
        (request(acs_url=URL), ONE),
        (request(acs_url=TWO.url), TWO),
        (request(acs_url=TWO.url, protocol_binding=vocabulary.POST), TWO),
        (request(acs_index=1), TWO),
        (request(protocol_binding=vocabulary.POST), ONE),
    ],
)
def test_chooses(wanted: authn_request.AuthnRequest | None, expected) -> None:
    services = (ONE, TWO, THREE)
    assert assertion_consumer_service.choose(services, request=wanted) == expected


@pytest.mark.parametrize(
    "url",
    [
        "",
        "https://sp.example/acs/",
        "https://sp.example/ACS",
        "https://SP.example/acs",
        "https://sp.example:443/acs",
        "https://sp.example/acs?x=y",
        "https://sp.example/acs#x",
        "https://sp.example/acs/../acs",
        "https://sp.example/%61cs",
        "http://sp.example/acs",
        "https://sp.example/acs.evil.example",
        "https://sp.example@evil.example/acs",
        "https://evil.example/?u=https://sp.example/acs",
        "javascript:alert(1)",
        " https://sp.example/acs",
        THREE.url,
    ],
)
def test_refuses_every_other_url(url: str) -> None:
    with pytest.raises(errors.UnknownAssertionConsumerService):
        assertion_consumer_service.choose((ONE, TWO, THREE), request=request(acs_url=url))


@pytest.mark.parametrize(
    "wanted",
    [
        request(acs_index=2),
        request(acs_index=7),
        request(acs_url=TWO.url, protocol_binding=ARTIFACT),
        request(acs_url=URL, protocol_binding=vocabulary.REDIRECT),
    ],
)
def test_refuses_what_is_not_there(wanted: authn_request.AuthnRequest) -> None:
    with pytest.raises(errors.UnknownAssertionConsumerService) as refused:
        assertion_consumer_service.choose((ONE, TWO, THREE), request=wanted)
    named = wanted.protocol_binding is not None
    assert refused.value.check == ("protocol_binding" if named else "assertion_consumer_service")


def test_refuses_when_there_is_none() -> None:
    with pytest.raises(errors.UnknownAssertionConsumerService):
        assertion_consumer_service.choose((THREE,), request=None)


def test_an_index_that_stands_twice_names_no_place() -> None:
    again = AssertionConsumerService("https://sp.example/other", index=0)
    with pytest.raises(errors.UnknownAssertionConsumerService) as refused:
        assertion_consumer_service.choose((ONE, again), request=request(acs_index=0))
    assert refused.value.check == "ambiguous_index"
    same = AssertionConsumerService(URL, index=0, is_default=False)
    assert assertion_consumer_service.choose((ONE, same), request=request(acs_index=0)) == ONE


@pytest.mark.standard("SAML Metadata", "2.2.3", "the default of indexed endpoints")
@pytest.mark.parametrize(
    ("flags", "expected"),
    [((None, None), 0), ((False, None), 1), ((None, True), 1), ((False, False), 0)],
)
def test_default(flags: tuple[bool | None, ...], expected: int) -> None:
    services = [
        AssertionConsumerService(f"https://sp.example/{number}", index=number, is_default=flag)
        for number, flag in enumerate(flags)
    ]
    assert assertion_consumer_service.default(services) == services[expected]
