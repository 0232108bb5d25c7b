"""Metadata from an address into a file: once, and then only if it has changed (RFC 9110 §13)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from federation.saml import xml
from idp import outbound

ACCEPT = "application/samlmetadata+xml, application/xml;q=0.9, text/xml;q=0.8, */*;q=0.1"
# One document of 100 MB at 2 MB a second, with room.
TIMEOUT = timedelta(minutes=2)
SOON = timedelta(seconds=15)
# What is kept of validators; a date is much shorter.
MOST_TAG = 300
MOST_DATE = 100


class NotFetched(Exception):
    """Nothing usable came; the message is a sentence for administrators."""


class NotDescribed(NotFetched):
    """The service answers that it knows no such entity."""


class Remembered(Protocol):
    """What is known of the last answer: a source, or one entity of it."""

    etag: str
    last_modified: str


@dataclass(frozen=True, slots=True)
class Fetched:
    """The answer. `changed`: whether there is a document in the file."""

    changed: bool
    etag: str = ""
    last_modified: str = ""


def fetch(
    url: str,
    to: Path,
    *,
    remembered: Remembered | None = None,
    limit: int = xml.AGGREGATE.size,
    timeout: timedelta = TIMEOUT,
) -> Fetched:
    """Download metadata, unless it is what is remembered. Raises NotFetched, NotDescribed."""
    headers = _conditions(remembered) if remembered is not None else {}
    try:
        with to.open("wb") as file:
            answer = outbound.download(
                url, to=file, accept=ACCEPT, limit=limit, timeout=timeout, headers=headers
            )
    except outbound.OutboundError as error:
        raise NotFetched(f"The metadata cannot be fetched: {error}.") from None
    if answer.status == outbound.NOT_MODIFIED and headers:
        return Fetched(changed=False)
    if answer.status == 404:
        raise NotDescribed("The address answers that there is no such metadata (status 404).")
    if answer.status != 200:
        raise NotFetched(f"The address answers with status {answer.status}.")
    return Fetched(
        changed=True,
        etag=_kept(answer.headers.get("etag", ""), most=MOST_TAG),
        last_modified=_kept(answer.headers.get("last-modified", ""), most=MOST_DATE),
    )


def _conditions(remembered: Remembered) -> dict[str, str]:
    wanted = {
        "If-None-Match": remembered.etag,
        "If-Modified-Since": remembered.last_modified,
    }
    return {name: value for name, value in wanted.items() if value}


def _kept(value: str, *, most: int) -> str:
    """A validator as it can be sent again; one that cannot is none."""
    usable = len(value) <= most and value.isascii() and value.isprintable()
    return value if usable else ""


def query_url(base: str, entity_id: str, *, by_digest: bool) -> str:
    """Where a metadata query service has one entity (draft-young-md-query §3.1, saml §2)."""
    name = entity_id
    if by_digest:
        name = "{sha1}" + hashlib.sha1(entity_id.encode(), usedforsecurity=False).hexdigest()
    return f"{base.rstrip('/')}/entities/{quote(name, safe='')}"
