"""The protocol half of an application for the preview: as it is saved, and as it is being typed."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from idp import models
from idp.protocol import vocabulary

Find = Callable[[Any], Any]
Draw = Callable[[Any, Any], Any]


@dataclass(frozen=True)
class Half:
    """`find`: by the application's id, with all that a release reads, None if it is another kind.

    `draw`: a copy changed by posted data, or the half itself where the data does not hold it.
    """

    model: type[Any]
    find: Find
    draw: Draw


_halves: list[Half] = []


def register(half: Half) -> None:
    """Add a protocol half."""
    _halves.append(half)


def finders() -> list[Find]:
    """One look-up for each protocol."""
    return [half.find for half in _halves]


def drafted(saved: Any, data: Any) -> Any:
    """The half as the posted form would make it; as saved if the form is wrong or absent."""
    for half in _halves:
        if isinstance(saved, half.model):
            return half.draw(saved, data)
    return saved


def find_client(application_id: Any) -> models.Client | None:
    """The client of an application, with its rows, groups and APIs."""
    return (
        models.Client.objects.select_related("application")
        .defer("application__logo")
        .prefetch_related(
            "application__mappings", "application__allowed_groups", "resources__scopes"
        )
        .filter(application_id=application_id)
        .first()
    )


def draw_client(saved: models.Client, data: Any) -> models.Client:
    """The client with what decides about claims as it is being typed."""
    if "client-TOTAL_FORMS" not in data:
        return saved
    drawn = copy.copy(saved)
    drawn.__dict__.pop("_claim_facts", None)
    prefix = "client-0-"
    drawn.id_token_scope_claims = f"{prefix}id_token_scope_claims" in data
    algorithm = data.get(f"{prefix}id_token_signed_response_alg")
    if algorithm in vocabulary.ID_TOKEN_SIGNING_ALGS:
        drawn.id_token_signed_response_alg = algorithm
    return drawn


register(Half(models.Client, find_client, draw_client))
