"""RFC 9207, Authorization Server Issuer Identification."""

from __future__ import annotations

import re

import pytest

from idp import features
from idp.protocol import redirect_uri
from idp.protocol.errors import InvalidRedirectUri
from tests.support.protocol import RelyingParty, World, answer

S = "RFC 9207"
ISSUER = "http://localhost:8000"


@pytest.mark.standard(S, "2", "iss in every response: success and errors, by query")
def test_query(world: World, web: RelyingParty) -> None:
    for changes in ({}, {"prompt": "none"}, {"scope": "x"}, {"request": "x"}):
        assert answer(web.authorize(world.session, **changes))["iss"] == ISSUER
    assert answer(web.authorize(None, prompt="none"))["iss"] == ISSUER


@pytest.mark.standard(S, "2", "and by form_post")
def test_form_post(world: World, web: RelyingParty) -> None:
    for changes in ({}, {"scope": "x"}):
        response = web.authorize(world.session, response_mode="form_post", **changes)
        assert re.search(rf'name="iss" value="{ISSUER}"', response.body.decode())


@pytest.mark.standard(S, "3", "announced in the metadata, equal to the issuer")
def test_metadata(db: None) -> None:
    document = features.metadata(ISSUER)
    assert document["authorization_response_iss_parameter_supported"] is True
    assert document["issuer"] == ISSUER


@pytest.mark.standard(S, "2.4", "no redirect URI can bring an iss of its own")
def test_registration() -> None:
    with pytest.raises(InvalidRedirectUri):
        redirect_uri.validate("https://a.example/cb?iss=x", application_type="web")
