"""Features bring routes and metadata; a clash stops the start."""

from __future__ import annotations

import pytest

from idp import features
from idp.features import Feature
from idp.protocol.message import Response


@pytest.fixture(autouse=True)
def nothing_registered(monkeypatch):
    monkeypatch.setattr(features, "_features", {})
    monkeypatch.setattr(features, "_routes", {})
    monkeypatch.setattr(features, "_cors", set())


def handler(request):
    return Response()


def test_routes_and_metadata_are_summed():
    features.register(
        Feature(
            "a",
            "RFC 1",
            routes={"/a": handler},
            metadata=lambda issuer: {"a_endpoint": issuer + "/a"},
            cors=frozenset({"/a"}),
        )
    )
    features.register(Feature("b", "RFC 2", routes={"/b": handler}))
    assert set(features.routes()) == {"/a", "/b"}
    assert features.is_cors("/a")
    assert not features.is_cors("/b")
    assert features.metadata("https://i") == {"issuer": "https://i", "a_endpoint": "https://i/a"}


def test_same_name_twice_is_refused():
    features.register(Feature("a", "RFC 1"))
    with pytest.raises(features.DuplicateFeature):
        features.register(Feature("a", "RFC 1"))


def test_same_route_twice_is_refused():
    features.register(Feature("a", "RFC 1", routes={"/x": handler}))
    with pytest.raises(features.DuplicateFeature):
        features.register(Feature("b", "RFC 1", routes={"/x": handler}))


def test_same_metadata_twice_is_refused():
    features.register(Feature("a", "RFC 1", metadata=lambda issuer: {"x": 1}))
    features.register(Feature("b", "RFC 1", metadata=lambda issuer: {"x": 1}))
    with pytest.raises(features.DuplicateFeature):
        features.metadata("https://i")
