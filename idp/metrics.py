"""Prometheus metrics of the serving processes, and who may read them."""

from __future__ import annotations

import hmac
import ipaddress
import os

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
    multiprocess,
)

from idp import client_address

REQUESTS = Counter(
    "gatehouse_requests_total", "Protocol requests answered.", ["endpoint", "status"]
)
SECONDS = Histogram(
    "gatehouse_request_seconds",
    "Time to answer a protocol request.",
    ["endpoint"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0),
)
LOGOUTS = Counter(
    "gatehouse_logout_notices_total", "Attempts to tell an application of a sign-out.", ["state"]
)
_counters: dict[tuple[str, int], Counter] = {}
_histograms: dict[str, Histogram] = {}


def observe(endpoint: str, status: int, seconds: float) -> None:
    """Count one answered request; `endpoint` is a registered path, never free text."""
    key = (endpoint, status)
    counter = _counters.get(key)
    if counter is None:
        counter = _counters[key] = REQUESTS.labels(endpoint, str(status))
    counter.inc()
    histogram = _histograms.get(endpoint)
    if histogram is None:
        histogram = _histograms[endpoint] = SECONDS.labels(endpoint)
    histogram.observe(seconds)


def is_allowed(request: HttpRequest) -> bool:
    """Loopback without a proxy in front, or the bearer token of `GATEHOUSE_METRICS_TOKEN`."""
    token = settings.IDP.metrics_token
    presented = request.headers.get("Authorization", "")
    if token and hmac.compare_digest(presented.encode(), f"Bearer {token}".encode()):
        return True
    if "X-Forwarded-For" in request.headers or "Forwarded" in request.headers:
        return False  # also an empty one: `X_Forwarded_For:` replaces what the proxy wrote
    address = client_address.of(request.META)
    return bool(address) and ipaddress.ip_address(address).is_loopback


def metrics(request: HttpRequest) -> HttpResponse:
    """`/metrics`: all serving processes together."""
    if not is_allowed(request):
        return HttpResponse("Forbidden\n", status=403, content_type="text/plain; charset=utf-8")
    registry = CollectorRegistry()
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        multiprocess.MultiProcessCollector(registry)
        body = generate_latest(registry)
    else:
        body = generate_latest()
    return HttpResponse(body, content_type=CONTENT_TYPE_LATEST)
