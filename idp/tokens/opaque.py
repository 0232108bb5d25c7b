"""Opaque values of ours: a prefix that names the kind, a body, a checksum over both.

The prefix and checksum let a secret scanner recognise a leaked token offline, and make one that was
cut short or lengthened invalid before any key is used. They prove nothing: what makes a body
genuine (a seal, a MAC) is its kind's own.
"""

from __future__ import annotations

import zlib

from idp.protocol import jose

CHECKSUM_LENGTH = 6


class Malformed(ValueError):
    """Not a value of this kind, or one that was cut or changed on its way."""


def assemble(prefix: str, body: bytes) -> str:
    """Return prefix, body in base64url, checksum."""
    text = prefix + jose.encode(body)
    return text + _checksum(text)


def disassemble(prefix: str, value: str, *, longest: int) -> bytes:
    """Return the body of a value of this prefix. Raises Malformed."""
    if not value.startswith(prefix) or len(value) > longest or not value.isascii():
        raise Malformed("another kind of value")
    text, checksum = value[:-CHECKSUM_LENGTH], value[-CHECKSUM_LENGTH:]
    if len(text) <= len(prefix) or _checksum(text) != checksum:
        raise Malformed("the checksum does not fit")
    try:
        return jose.decode(text[len(prefix) :])
    except jose.InvalidJwt:
        raise Malformed("not base64url") from None


def _checksum(text: str) -> str:
    return jose.encode(zlib.crc32(text.encode("ascii")).to_bytes(4, "big"))
