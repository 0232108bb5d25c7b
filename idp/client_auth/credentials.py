"""What a request presents as client authentication, whatever the method (RFC 6749 §2.3)."""

from __future__ import annotations

from dataclasses import dataclass, field

from idp.protocol.message import Request


@dataclass(frozen=True, slots=True)
class Credentials:
    """The claim to be a client, by one method; `secret` is empty where the method has none.

    `request`: where the proof is bound to the request that carries it.
    """

    client_id: str
    secret: str = field(default="", repr=False)
    request: Request | None = field(default=None, repr=False)
