"""One module per protocol endpoint, named by its metadata key; each brings a `FEATURE`.

Endpoints parse, call and render; they own no rules.
"""

from __future__ import annotations


def register_all() -> None:
    """Register every endpoint's feature; called once while the applications start."""
