"""Where a plain sign-in leads afterwards: a path of our own, whatever was asked for.

Browsers read backslashes as slashes, drop tabs and line feeds, and take `//host` for another
site; none of that gets through.
"""

from __future__ import annotations

HOME = "/account"
LONGEST = 2000


def validated(target: object, *, default: str = HOME) -> str:
    """`target` if it is a path of this service with an optional query, else `default`."""
    return target if isinstance(target, str) and is_local(target) else default


def is_local(target: str) -> bool:
    """Whether every browser takes this for a path on the site that sent it."""
    path = target.partition("?")[0].partition("#")[0]
    return (
        target.startswith("/")
        and len(target) <= LONGEST
        and "//" not in path
        and "\\" not in target
        and all("!" <= character <= "~" for character in target)
    )
