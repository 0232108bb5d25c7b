"""Logs hold no secret (security control 58) and one object a line (59)."""

from __future__ import annotations

import json
import logging

import pytest
import structlog
from django.test import RequestFactory

from idp import logging as gatehouse_logging


@pytest.mark.parametrize(
    "name", ["password", "client_secret", "access_token", "code", "SAMLResponse", "Cookie"]
)
def test_members_named_like_secrets_are_masked(name):
    event = gatehouse_logging.mask(None, "info", {"event": "x", name: "hunter2"})
    assert event[name] == "[masked]"


def test_harmless_members_stay():
    event = gatehouse_logging.mask(None, "info", {"event": "x", "status_code": 200})
    assert event["status_code"] == 200


def test_a_request_is_named_without_its_query():
    request = RequestFactory().get("/login?next=/x&access_token=hunter2")
    event = gatehouse_logging.without_query(None, "info", {"event": "x", "request": request})
    assert event["request"] == "GET /login"
    other = {"event": "x", "request": "a text"}
    assert gatehouse_logging.without_query(None, "info", dict(other)) == other
    assert gatehouse_logging.without_query in gatehouse_logging.PROCESSORS


def test_control_characters_are_escaped():
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=gatehouse_logging.PROCESSORS,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(),
        ],
    )
    record = logging.LogRecord("x", logging.INFO, "f", 1, "a\nb\x1b[31m", None, None)
    line = formatter.format(record)
    assert "\n" not in line
    assert "\x1b" not in line
    assert json.loads(line)["event"] == "a\nb\x1b[31m"
