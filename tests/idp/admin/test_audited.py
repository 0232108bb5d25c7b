"""What every list and form of the administration has: no look-ups but those that are offered."""

from __future__ import annotations

import pytest
from django.test import Client as Browser
from django.utils.http import urlencode

from tests.support.factories import UserFactory


@pytest.mark.parametrize(
    ("path", "lookup"),
    [
        ("/admin/idp/user/", "password__startswith"),
        ("/admin/idp/user/", "password"),
        ("/admin/idp/user/", "username__regex"),
        ("/admin/idp/user/", "sessions__token_hash__startswith"),
        ("/admin/idp/session/", "token_hash"),
        ("/admin/idp/session/", "user__password__startswith"),
        ("/admin/idp/application/", "client__secret_hash"),
        ("/admin/idp/signin/", "reference__contains"),
        ("/admin/idp/auditevent/", "reason__iregex"),
    ],
)
def test_no_column_can_be_guessed_letter_by_letter(
    browser: Browser, path: str, lookup: str
) -> None:
    UserFactory(username="alice")
    response = browser.get(f"{path}?{urlencode({lookup: 'argon2'})}")
    assert response.status_code == 400
    assert "alice" not in response.content.decode()


@pytest.mark.parametrize(
    "query", ["is_active__exact=1", "is_superuser__exact=0", "group=odd", "p=2", "o=1", "q=ali"]
)
def test_what_the_filters_offer_works(browser: Browser, query: str) -> None:
    UserFactory(username="alice")
    assert browser.get(f"/admin/idp/user/?{query}").status_code == 200
