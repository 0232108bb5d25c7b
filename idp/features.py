"""A feature brings its routes and its metadata; discovery and the URL table are their sum.

`register()` is called while applications start. Two features that publish the same route or the
same metadata key stop the start.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from idp.protocol.message import Request, Response

Handler = Callable[[Request], Response]


@dataclass(frozen=True)
class Feature:
    """One endpoint or extension.

    `routes`: exact path to handler; `metadata`: called with the issuer, gives members of the
    discovery documents; `cors`: paths that answer any origin without credentials; `pages`: paths
    that people open, where a failure is a page; `framable`: paths that other sites may frame.
    """

    name: str
    specification: str
    routes: Mapping[str, Handler] = field(default_factory=dict)
    metadata: Callable[[str], Mapping[str, Any]] = lambda issuer: {}
    cors: frozenset[str] = frozenset()
    pages: frozenset[str] = frozenset()
    framable: frozenset[str] = frozenset()


class DuplicateFeature(RuntimeError):
    """Two features claim the same name, route or metadata key."""


_features: dict[str, Feature] = {}
_routes: dict[str, Handler] = {}
_cors: set[str] = set()
_pages: set[str] = set()
_framable: set[str] = set()


def register(feature: Feature) -> None:
    """Add a feature; raises DuplicateFeature if its name or one of its routes is taken."""
    if feature.name in _features:
        raise DuplicateFeature(f"feature {feature.name} is registered twice")
    for path in feature.routes:
        if path in _routes:
            raise DuplicateFeature(f"{path} is claimed twice")
    _features[feature.name] = feature
    _routes.update(feature.routes)
    _cors.update(feature.cors)
    _pages.update(feature.pages)
    _framable.update(feature.framable)


def routes() -> Mapping[str, Handler]:
    """Every exact path that is answered by a typed function."""
    return _routes


def is_cors(path: str) -> bool:
    """Whether any origin may read the answers of this path."""
    return path in _cors


def is_page(path: str) -> bool:
    """Whether people open this path in a browser."""
    return path in _pages


def is_framable(path: str) -> bool:
    """Whether other sites may show this path in a frame."""
    return path in _framable


def metadata(issuer: str) -> dict[str, Any]:
    """The members of the discovery documents; raises DuplicateFeature on a clash."""
    document: dict[str, Any] = {"issuer": issuer}
    for feature in _features.values():
        for key, value in feature.metadata(issuer).items():
            if key in document:
                raise DuplicateFeature(f"{key} is published twice")
            document[key] = value
    return document
