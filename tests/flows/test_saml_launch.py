"""An application that is started from the account page, over real HTTP (IdP-initiated sign-on)."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
import requests

from tests.flows.test_saml_sign_on import form_of, provider_at, register
from tests.support.person import TIMEOUT, Person
from tests.support.saml import accept
from tests.support.server import Gatehouse

pytestmark = pytest.mark.slow

HEARD_EVERYWHERE = 0.3  # seconds until every process knows what has changed
HOME = "https://app.example/home?tab=1&of=2"


def switch_on(gatehouse: Gatehouse, sp: Any) -> None:
    """What the administration's form does: the row is saved, every process hears of it."""
    gatehouse.manage(
        "shell",
        "-c",
        "from federation.models import ServiceProvider as S;"
        f"row = S.objects.get(entity_id={sp.entity_id!r});"
        f"row.idp_initiated, row.relay_states = True, [{HOME!r}]; row.save()",
    )
    time.sleep(HEARD_EVERYWHERE)


def test_from_the_account_page_to_the_application(gatehouse: Gatehouse) -> None:
    sp, person = provider_at(gatehouse), Person()
    registered = register(gatehouse, sp)
    slug = registered["metadata_url"].rpartition("/")[2]
    launch = gatehouse.url(f"/saml/launch/{slug}")
    assert person.open(launch).status_code == 400
    switch_on(gatehouse, sp)
    person.sign_in(person.open(gatehouse.url("/login")), "alice", gatehouse.password)
    account = person.open(gatehouse.url("/account")).text
    assert launch in re.findall(r'href="([^"]+)"', account)
    answer = form_of(person.open(launch))
    assert answer.relay_state == HOME
    metadata = requests.get(registered["metadata_url"], timeout=TIMEOUT).content
    response = accept(sp, metadata, answer)
    assert response.get_friendlyname_attributes()["mail"] == ["alice@example.org"]
    page = person.open(f"{launch}?RelayState=https://evil.example/")
    assert page.status_code == 400
    assert "SAMLResponse" not in page.text


def test_by_way_of_the_sign_in(gatehouse: Gatehouse) -> None:
    sp, person = provider_at(gatehouse), Person()
    registered = register(gatehouse, sp)
    switch_on(gatehouse, sp)
    slug = registered["metadata_url"].rpartition("/")[2]
    page = person.open(gatehouse.url(f"/saml/launch/{slug}"))
    assert "id_username" in page.text
    answer = form_of(person.sign_in(page, "alice", gatehouse.password))
    assert (answer.action, answer.relay_state) == (sp.acs_url, HOME)
    assert not answer.all("//@InResponseTo")
