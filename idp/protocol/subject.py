"""Subject identifiers (OIDC Core §2, §8; RFC 9068 §2.2).

A person's `sub` is 32 hexadecimal digits where it is the same for every client, the identifier that
is never reassigned, and 64 where it is for one sector only; a client's is its client_id. The forms
never meet, so nobody can register a client as somebody's double.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from uuid import UUID

from idp.protocol import strict_json
from idp.protocol import uri as uris
from idp.protocol.errors import InvalidClientMetadata

MAX_CHARACTERS = 255
MAX_DOCUMENT_BYTES = 64 * 1024

_PERSON = re.compile(r"[0-9a-f]{32}")
_PAIRWISE = re.compile(r"[0-9a-f]{64}")
_MAC_BYTES = 32


def of_person(identifier: UUID) -> str:
    """Return the public `sub` of a person, the same for every client (OIDC Core §8)."""
    return identifier.hex


def person(sub: str) -> UUID | None:
    """Return the identifier in a person's `sub`, None for anything else, in any other spelling.

    None for a pairwise one, too: it leads back to nobody.
    """
    return UUID(hex=sub) if _PERSON.fullmatch(sub) else None


def is_person(sub: str) -> bool:
    """Tell whether `sub` has the form of a person's, public or pairwise."""
    return bool(_PERSON.fullmatch(sub) or _PAIRWISE.fullmatch(sub))


def may_be_client_id(client_id: str) -> bool:
    """Tell whether `client_id` is printable ASCII and no person's `sub` (RFC 9700 §4.15).

    Letter case and hyphens make no difference: a resource server may compare loosely.
    """
    printable = all("!" <= character <= "~" for character in client_id)
    bare = client_id.lower().replace("-", "")
    return 0 < len(client_id) <= MAX_CHARACTERS and printable and not is_person(bare)


# --- pairwise ---


def pairwise(sector: str, identifier: UUID, *, mac: Callable[[bytes], bytes]) -> str:
    """Return the `sub` of a person for the clients of one sector (OIDC Core §8.1).

    `mac`: 32 bytes under a secret of ours that never changes; without it nobody can tell which subs
    of two sectors are one person's.
    """
    tag = mac(identifier.bytes + sector.encode("ascii"))
    if len(tag) != _MAC_BYTES:
        raise ValueError(f"the MAC has {len(tag)} bytes, not {_MAC_BYTES}")
    return tag.hex()


def sector_of(redirect_uris: Sequence[str], sector_identifier_uri: str = "") -> str:
    """Return the sector of a client: a host, in lower case (OIDC Core §8.1, Registration §5).

    Raises InvalidClientMetadata where the redirect URIs name no one host and there is no
    sector_identifier_uri. A loopback host is none: every native application has it.
    """
    if sector_identifier_uri:
        return _host(sector_identifier_uri)
    hosts = {_host(one) for one in redirect_uris}
    if len(hosts) != 1:
        raise InvalidClientMetadata(
            "subject_type pairwise with redirect URIs of several hosts, or of none, needs a "
            "sector_identifier_uri"
        )
    return hosts.pop()


def check_sector(document: bytes, redirect_uris: Sequence[str]) -> None:
    """Check what a sector_identifier_uri answered: a list with all of `redirect_uris`.

    OIDC Core §8.1, OIDC Registration §5. Raises InvalidClientMetadata.
    """
    try:
        named = strict_json.loads(document, max_bytes=MAX_DOCUMENT_BYTES)
    except strict_json.InvalidJson as error:
        raise InvalidClientMetadata(f"sector_identifier_uri gives no JSON: {error}") from None
    if not isinstance(named, list):
        raise InvalidClientMetadata("sector_identifier_uri gives no JSON list")
    for one in redirect_uris:
        if one not in named:
            raise InvalidClientMetadata(f"sector_identifier_uri does not list {one[:200]}")


def _host(uri: str) -> str:
    try:
        parts = uris.split(uri)
    except uris.InvalidUri as error:
        raise InvalidClientMetadata(f"{uri[:200]} {error}") from None
    if parts.scheme != "https" or not parts.host or parts.host in uris.LOOPBACK_HOSTS:
        raise InvalidClientMetadata(
            f"{uri[:200]} names no sector; subject_type pairwise needs a sector_identifier_uri"
        )
    return parts.host.lower()
