"""Wildcard patterns without regular expressions: `*` is any run of characters, `?` exactly one.

Pieces between stars are found left to right, the leftmost fit each time, so the work is bounded by
pattern times text; both are capped by the callers.
"""

from __future__ import annotations

MAX_PATTERN = 200
MAX_WILDCARDS = 8


def matches(text: str, pattern: str) -> bool:
    """Whether the whole of `text` fits `pattern`, upper and lower case apart."""
    head, *rest = pattern.split("*")
    if not rest:
        return len(text) == len(head) and _fits(text, head, at=0)
    *middle, tail = rest
    if len(text) < len(head) + len(tail) or not _fits(text, head, at=0):
        return False
    end = len(text) - len(tail)
    return _fits(text, tail, at=end) and _in_order(text, middle, start=len(head), end=end)


def _in_order(text: str, pieces: list[str], *, start: int, end: int) -> bool:
    for piece in pieces:
        start = _find(text, piece, start=start, end=end)
        if start < 0:
            return False
        start += len(piece)
    return True


def _find(text: str, piece: str, *, start: int, end: int) -> int:
    if "?" not in piece:
        return text.find(piece, start, end)
    places = range(start, end - len(piece) + 1)
    return next((at for at in places if _fits(text, piece, at=at)), -1)


def _fits(text: str, piece: str, *, at: int) -> bool:
    if at + len(piece) > len(text):
        return False
    for run in piece.split("?"):
        if not text.startswith(run, at):
            return False
        at += len(run) + 1
    return True
