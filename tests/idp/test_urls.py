"""Addresses that people type lead to the page they mean."""

from __future__ import annotations

import pytest
from django.test import Client


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("/admin", "/admin/"),
        ("/account/", "/account"),
        ("/favicon.ico", "/static/idp/favicon.svg"),
    ],
)
def test_typed_address_leads_on(typed, meant):
    answer = Client().get(typed)
    assert (answer.status_code, answer.headers["Location"]) == (302, meant)


def test_anything_else_is_not_found():
    assert Client().get("/nothing").status_code == 404
