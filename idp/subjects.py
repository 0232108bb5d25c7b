"""Whom a client knows a person as: the same `sub` for everybody, or one per sector (OIDC Core §8).

A pairwise `sub` is a MAC under a secret of ours that outlives the master key: it never changes, and
nobody else can tell which subs of two sectors are one person's.
"""

from __future__ import annotations

import hmac
import uuid

from idp import keys
from idp.models import Client
from idp.protocol import subject

PAIRWISE = "pairwise"
_SECTOR = "_sector"


def sector_of(client: Client) -> str:
    """The sector within which the client's subs are one person's; empty for public ones."""
    if client.subject_type != PAIRWISE:
        return ""
    kept: str | None = client.__dict__.get(_SECTOR)
    if kept is None:
        kept = subject.sector_of(client.redirect_uris, client.sector_identifier_uri)
        client.__dict__[_SECTOR] = kept
    return kept


def of(client: Client, user_id: uuid.UUID) -> str:
    """The `sub` of a person for this client."""
    return in_sector(sector_of(client), user_id)


def in_sector(sector: str, user_id: uuid.UUID) -> str:
    """The `sub` of a person within a sector; the empty one is everybody's."""
    if not sector:
        return subject.of_person(user_id)
    return subject.pairwise(sector, user_id, mac=_mac)


def _mac(data: bytes) -> bytes:
    return hmac.digest(keys.lasting_secret(keys.PAIRWISE), data, "sha256")
