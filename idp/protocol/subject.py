"""Subject identifiers (OIDC Core §2, §8; RFC 9068 §2.2).

A person's `sub` is the 32 hexadecimal digits of an identifier that is never reassigned; a client's
is its client_id. The two forms never meet, so nobody can register a client as somebody's double.
"""

from __future__ import annotations

import re
from uuid import UUID

MAX_CHARACTERS = 255

_PERSON = re.compile(r"[0-9a-f]{32}")


def of_person(identifier: UUID) -> str:
    """Return the public `sub` of a person, the same for every client (OIDC Core §8)."""
    return identifier.hex


def person(sub: str) -> UUID | None:
    """Return the identifier in a person's `sub`, None for anything else, in any other spelling."""
    return UUID(hex=sub) if _PERSON.fullmatch(sub) else None


def may_be_client_id(client_id: str) -> bool:
    """Tell whether `client_id` is printable ASCII and no person's `sub` (RFC 9700 §4.15).

    Letter case and hyphens make no difference: a resource server may compare loosely.
    """
    printable = all("!" <= character <= "~" for character in client_id)
    bare = client_id.lower().replace("-", "")
    return 0 < len(client_id) <= MAX_CHARACTERS and printable and not _PERSON.fullmatch(bare)
