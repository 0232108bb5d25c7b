"""What a form was refused for travels sealed, to one page, for a short time."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from django.utils import timezone

from idp import keys
from idp.accounts import notice
from tests.support.factories import PASSWORD
from tests.support.sign_in import begin

NOW = timezone.now()
NAME = "gatehouse_notice"


def left(page="/login", now=NOW, **facts):
    response = HttpResponse()
    notice.leave(response, page, now=now, **facts)
    return response.cookies[NAME].value if NAME in response.cookies else ""


def read(value, page="/login", now=NOW):
    request = RequestFactory().get(page)
    request.COOKIES[NAME] = value
    return notice.read(request, page, now=now)


def test_arrives():
    assert read(left(error="wrong", username="älice")) == {"error": "wrong", "username": "älice"}


def test_is_for_one_page():
    assert read(left(error="x"), page="/account") == {}


def test_is_for_a_short_time():
    value = left(error="x")
    assert read(value, now=NOW + notice.LIFETIME) == {"error": "x"}
    assert read(value, now=NOW + notice.LIFETIME + timedelta(seconds=1)) == {}
    assert read(value, now=NOW - timedelta(seconds=1)) == {}


def test_cannot_be_read_on_the_way():
    assert "secret" not in left(username="secret")


@pytest.mark.parametrize("value", ["", "x", "=", "é", "\x00", "A" * 43, "A" * 5000, "-_-_", "a b"])
def test_nonsense_is_nothing(value):
    assert read(value) == {}


def test_altered_value_is_nothing():
    value = left(error="x")
    for index in range(0, len(value), 7):
        other = "A" if value[index] != "A" else "B"
        assert read(value[:index] + other + value[index + 1 :]) == {}


def test_value_sealed_for_something_else_is_nothing():
    from base64 import urlsafe_b64encode

    sealed = keys.seal("code", b'{"page": "/login", "at": 0, "facts": {}}')
    assert read(urlsafe_b64encode(sealed).decode().rstrip("=")) == {}


def test_what_would_not_fit_in_a_cookie_is_left_out():
    assert left(username="x" * 5000) == ""


@pytest.mark.django_db
def test_name_typed_into_the_wrong_field_is_not_readable(browser, alice, probe):
    page = browser.open(begin(browser))
    response = browser.submit(page, follow=False, username=PASSWORD, password="x")
    assert PASSWORD not in str(response.cookies)
    assert PASSWORD.replace(" ", "%20") not in str(response.headers)
