"""The one error of claim mapping: a row that cannot be saved, or a value it cannot give."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class MappingError(Exception):
    """A mapping row is wrong (at save) or gives no value (at release); the claim is then denied.

    `message`: plain words for the administrator; never holds a person's data.
    `field`: the column it concerns: claim, source, key, transforms, destinations, …
    `position`: the row, counted from 1; 0 if unknown.
    `step`: the transform within it, counted from 1; 0 if none.
    `suggestion`: what was probably meant, or an empty string.
    """

    def __init__(
        self,
        message: str,
        *,
        field: str = "",
        position: int = 0,
        step: int = 0,
        suggestion: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.position = position
        self.step = step
        self.suggestion = suggestion

    def at(self, *, position: int = 0, step: int = 0, field: str = "") -> MappingError:
        """The same error with the place where it happened filled in, where it was not known."""
        return MappingError(
            self.message,
            field=self.field or field,
            position=self.position or position,
            step=self.step or step,
            suggestion=self.suggestion,
        )

    def __str__(self) -> str:
        place = [f"row {self.position}"] if self.position else []
        place += [f"transform {self.step}"] if self.step else []
        meant = f" Did you mean “{self.suggestion}”?" if self.suggestion else ""
        prefix = ", ".join(place) + ": " if place else ""
        return f"{prefix}{self.message}{meant}"


def unknown(kind: str, name: str, known: Iterable[str], *, field: str) -> MappingError:
    """The error for a name that does not exist, with the nearest one that does."""
    near = difflib.get_close_matches(name[:200].lower(), sorted(known), n=1, cutoff=0.6)
    return MappingError(
        f"There is no {kind} “{name[:60]}”.", field=field, suggestion=near[0] if near else ""
    )
