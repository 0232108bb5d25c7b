"""A public document in prebuilt bytes: ETag, Cache-Control, 304 (RFC 9110 §13.1.2)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from idp.protocol import jose
from idp.protocol.message import Header, Request, Response


@dataclass(frozen=True, slots=True)
class Document:
    """The bytes and the headers that never change with them."""

    body: bytes
    etag: str
    headers: tuple[Header, ...]

    @classmethod
    def of(cls, body: bytes, *, media_type: str, max_age: int) -> Document:
        """Return the document of these bytes; `max_age` in seconds."""
        etag = f'"{jose.encode(hashlib.sha256(body).digest()[:15])}"'
        headers = (
            ("Content-Type", media_type),
            ("Cache-Control", f"public, max-age={max_age}"),
            ("ETag", etag),
        )
        return cls(body, etag, headers)

    def respond(self, request: Request) -> Response:
        """Return the document, or 304 where the client has it already."""
        if request.if_none_match and self._is_known(request.if_none_match):
            return Response(304, list(self.headers[1:]))
        return Response(200, list(self.headers), self.body)

    def _is_known(self, if_none_match: str) -> bool:
        known = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
        return "*" in known or self.etag in known
