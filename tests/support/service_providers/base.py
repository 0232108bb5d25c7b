"""What the tests want of any service provider, whoever wrote it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import requests

from tests.support.person import TIMEOUT
from tests.support.server import Gatehouse


@dataclass(frozen=True)
class Known:
    """What a service provider knows of the person: attributes by their short names."""

    name_id: str
    attributes: Mapping[str, list[str]]


class ServiceProvider(ABC):
    """One service provider on a free port; `start` it, point a browser at it, `stop` it.

    `metadata_url`: where it publishes its own metadata. `protected`: the page that asks to sign in
    and then shows what is known. `signs_out`: where a browser signs out everywhere.
    `farewell`: a part of what it shows when everybody has signed out.
    `can_force`: whether it can demand a fresh sign-in.
    """

    can_force = True
    farewell: str
    metadata_url: str
    protected: str
    signs_out: str

    def __init__(self, folder: Path, gatehouse: Gatehouse) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.gatehouse = gatehouse

    @property
    def name(self) -> str:
        """What people call it."""
        return type(self).__name__

    @abstractmethod
    def start(self) -> None:
        """Serve; returns when it accepts connections."""

    def register(self) -> None:
        """Register it at Gatehouse by the metadata that it publishes."""
        metadata = requests.get(self.metadata_url, timeout=TIMEOUT)
        assert metadata.ok, f"{metadata.text}\n{self.log}"
        self.gatehouse.register_service_provider(metadata.text, name=self.name)

    @abstractmethod
    def stop(self) -> None:
        """End it with everything that it started."""

    @abstractmethod
    def asking(self, *, force: bool = False, passive: bool = False) -> str:
        """Where it asks for a sign-in again, or for a silent one; leads to the protected page."""

    @abstractmethod
    def known(self, page: str) -> Known:
        """What the protected page shows."""

    @property
    @abstractmethod
    def log(self) -> str:
        """Everything that it has logged, for the message of a failing test."""
