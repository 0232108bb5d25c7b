"""Who may read `/metrics`, `/livez` and `/readyz`."""

from __future__ import annotations

import pytest
from django.test import RequestFactory, override_settings

from idp import health, keys, metrics

factory = RequestFactory()


def test_loopback_may_read_metrics():
    metrics.observe("/token", 200, 0.001)
    answer = metrics.metrics(factory.get("/metrics"))
    assert b'gatehouse_requests_total{endpoint="/token",status="200"}' in answer.content


@pytest.mark.parametrize(
    "environ",
    [
        {"REMOTE_ADDR": "192.0.2.1"},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "192.0.2.1"},
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_FORWARDED": "for=192.0.2.1"},
        # `X_Forwarded_For:` sent by a stranger empties what the proxy wrote.
        {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": ""},
        {"REMOTE_ADDR": "192.0.2.1", "HTTP_X_FORWARDED_FOR": "127.0.0.1"},
        {"REMOTE_ADDR": "192.0.2.1", "HTTP_AUTHORIZATION": "Bearer "},
    ],
)
def test_others_may_not(environ):
    assert metrics.metrics(factory.get("/metrics", **environ)).status_code == 403


def test_token_opens_metrics(settings):
    with override_settings(IDP=settings.IDP.model_copy(update={"metrics_token": "t" * 40})):
        good = {"REMOTE_ADDR": "192.0.2.1", "HTTP_AUTHORIZATION": "Bearer " + "t" * 40}
        bad = {"REMOTE_ADDR": "192.0.2.1", "HTTP_AUTHORIZATION": "Bearer " + "t" * 39}
        assert metrics.metrics(factory.get("/metrics", **good)).status_code == 200
        assert metrics.metrics(factory.get("/metrics", **bad)).status_code == 403


def test_alive_without_database():
    assert health.livez(factory.get("/livez")).status_code == 200


@pytest.mark.django_db
def test_ready_only_with_keys():
    answer = health.readyz(factory.get("/readyz"))
    assert answer.status_code == 503
    assert b"signing keys" in answer.content
    keys.ensure()
    assert health.readyz(factory.get("/readyz")).status_code == 200
