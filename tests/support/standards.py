"""The matrix standard, section, test, state, from a run with `--standards` (pytest plugin)."""

from __future__ import annotations
