"""Artifacts of type 4: 44 bytes that stand for a message (SAML Bindings §3.6.4).

Type, index of the resolution endpoint, who made it, and 160 random bits. Remembers nothing.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from dataclasses import dataclass

from federation.saml import errors

TYPE = b"\x00\x04"
HANDLE_BYTES = 20
BYTES = 44
CHARACTERS = 60


@dataclass(frozen=True, slots=True)
class Artifact:
    """One artifact. `endpoint_index`: of our ArtifactResolutionService."""

    source_id: bytes
    handle: bytes
    endpoint_index: int = 0

    def encode(self) -> str:
        """Return it as it travels: base64 without line breaks."""
        index = self.endpoint_index.to_bytes(2, "big")
        return base64.b64encode(TYPE + index + self.source_id + self.handle).decode("ascii")


def new(entity_id: str) -> Artifact:
    """Return a fresh artifact of the entity (SAML Bindings §3.6.4.2)."""
    return Artifact(source_id(entity_id), secrets.token_bytes(HANDLE_BYTES))


def source_id(entity_id: str) -> bytes:
    """Return what an artifact says of the entity that made it: a name, not a proof."""
    # SAML Bindings §3.6.4: "the SHA-1 hash of the identification URL"; nothing rests on it.
    return hashlib.sha1(entity_id.encode(), usedforsecurity=False).digest()


def decode(text: str) -> Artifact:
    """Return the artifact in `text`. Raises InvalidMessage for any other type or length."""
    if len(text) != CHARACTERS:
        raise errors.InvalidMessage("artifact", f"{len(text)} characters")
    try:
        octets = binascii.a2b_base64(text, strict_mode=True)
    except ValueError as error:
        raise errors.InvalidMessage("artifact", str(error)) from error
    if len(octets) != BYTES or not octets.startswith(TYPE):
        raise errors.InvalidMessage("artifact", f"{len(octets)} bytes of type {octets[:2].hex()}")
    return Artifact(octets[4:24], octets[24:], int.from_bytes(octets[2:4], "big"))
